interface Timer {
  callback: (() => void) | undefined
}

/**
 * Simulated time for any number of machines. It has one queue, in whole milliseconds, and jumps from event to event. Timers
 * of the same millisecond share a bucket, so the heap contains times and not timers.
 */
export class EventQueue {
  readonly #buckets = new Map<number, Timer[]>()
  readonly #times: number[] = []
  #now = 0

  readonly now = (): number => this.#now

  /** `setTimeout` and `clearTimeout` make this a clock for XState. */
  readonly setTimeout = (callback: () => void, delay: number): Timer => this.at(this.#now + delay, callback)

  readonly clearTimeout = (timer: unknown): void => {
    ;(timer as Timer).callback = undefined
  }

  at(time: number, callback: () => void): Timer {
    const timer: Timer = { callback }
    const due = Math.max(this.#now, Math.round(time))
    const bucket = this.#buckets.get(due)
    if (bucket) bucket.push(timer)
    else {
      this.#buckets.set(due, [timer])
      this.#insert(due)
    }
    return timer
  }

  /** Runs all callbacks that are due before `end`, or until `until` returns true. It is called once for each bucket. */
  run(end: number, until: () => boolean = () => false): void {
    while (!until()) {
      const next = this.#times[0]
      if (next === undefined || next >= end) {
        this.#now = Math.max(this.#now, end)
        return
      }
      this.#now = next
      const bucket = this.#buckets.get(next) ?? []
      // Callbacks may add timers to this bucket while it runs.
      for (const timer of bucket) {
        const { callback } = timer
        timer.callback = undefined
        callback?.()
      }
      this.#buckets.delete(next)
      this.#removeFirst()
    }
  }

  #insert(time: number): void {
    const times = this.#times
    let i = times.push(time) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if ((times[parent] ?? 0) <= time) break
      times[i] = times[parent] ?? 0
      i = parent
    }
    times[i] = time
  }

  #removeFirst(): void {
    const times = this.#times
    const last = times.pop()
    if (last === undefined || times.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= times.length) break
      if (child + 1 < times.length && (times[child + 1] ?? 0) < (times[child] ?? 0)) child++
      if ((times[child] ?? 0) >= last) break
      times[i] = times[child] ?? 0
      i = child
    }
    times[i] = last
  }
}
