/** Node fires a timer with a longer delay after 1 ms. */
const LONGEST_DELAY = 0x7fff_ffff

/** A timer of a test clock, with the methods of Node's timers. */
export class Timer {
  /** When it fires. */
  at = 0
  /** Orders the timers that fire at the same time. */
  order = 0
  /** Its place in the heap; -1 if it does not wait. */
  place = -1
  readonly id: number
  readonly delay: number
  readonly isRepeated: boolean
  readonly call: () => void
  readonly #queue: TimerQueue

  constructor(queue: TimerQueue, id: number, delay: number, isRepeated: boolean, call: () => void) {
    this.#queue = queue
    this.id = id
    this.delay = delay
    this.isRepeated = isRepeated
    this.call = call
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return this.place >= 0
  }

  refresh(): this {
    this.#queue.add(this)
    return this
  }

  close(): this {
    this.#queue.remove(this)
    return this
  }

  [Symbol.toPrimitive](): number {
    return this.id
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Timers in the order in which they fire, and the time: a binary heap. */
export class TimerQueue {
  now: number
  /**
   * How many calls are moving the time. A timer that is set meanwhile fires later, or a chain of delays of 0 would never
   * end.
   */
  moves = 0
  readonly #heap: Timer[] = []
  readonly #byId = new Map<number, Timer>()
  #lastId = 0
  #lastOrder = 0

  constructor(now: number) {
    this.now = now
  }

  get size(): number {
    return this.#heap.length
  }

  /** The timer that fires next. */
  get first(): Timer | undefined {
    return this.#heap[0]
  }

  /** When the last of the timers fires; `undefined` if there is none. */
  get lastAt(): number | undefined {
    return this.#heap.length > 0 ? this.#heap.reduce((last, { at }) => Math.max(last, at), 0) : undefined
  }

  set(call: () => void, delay: number, isRepeated: boolean): Timer {
    const timer = new Timer(this, ++this.#lastId, delayOf(delay), isRepeated, call)
    this.add(timer)
    return timer
  }

  /** Sets a timer, or sets it anew. */
  add(timer: Timer): void {
    this.remove(timer)
    timer.at = this.now + (timer.delay || (timer.isRepeated || this.moves > 0 ? 1 : 0))
    timer.order = ++this.#lastOrder
    timer.place = this.#heap.push(timer) - 1
    this.#byId.set(timer.id, timer)
    this.#up(timer)
  }

  /** @param timer - the timer or its number; anything else is ignored, as by the globals */
  clear(timer: unknown): void {
    const found = timer instanceof Timer ? timer : this.#byId.get(Number(timer))
    if (found) this.remove(found)
  }

  remove(timer: Timer): void {
    const { place } = timer
    if (place < 0 || this.#heap[place] !== timer) return
    timer.place = -1
    this.#byId.delete(timer.id)
    const last = this.#heap.pop() as Timer
    if (last === timer) return
    this.#put(last, place)
    this.#up(last)
    this.#down(last)
  }

  /** Moves the time to the next timer, and fires it. */
  fire(timer: Timer): void {
    this.now = Math.max(this.now, timer.at)
    this.remove(timer)
    if (timer.isRepeated) this.add(timer)
    timer.call()
  }

  #up(timer: Timer): void {
    for (let place = timer.place; place > 0;) {
      const above = (place - 1) >> 1
      const parent = this.#heap[above] as Timer
      if (!isBefore(timer, parent)) return
      this.#put(parent, place)
      this.#put(timer, above)
      place = above
    }
  }

  #down(timer: Timer): void {
    for (;;) {
      const { place } = timer
      const [left, right] = [this.#heap[2 * place + 1], this.#heap[2 * place + 2]]
      const earlier = left && right && isBefore(right, left) ? right : left
      if (!earlier || !isBefore(earlier, timer)) return
      const below = earlier.place
      this.#put(earlier, place)
      this.#put(timer, below)
    }
  }

  #put(timer: Timer, place: number): void {
    this.#heap[place] = timer
    timer.place = place
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function delayOf(delay: unknown): number {
  const whole = Math.trunc(Number(delay)) || 0
  return whole > LONGEST_DELAY ? 1 : Math.max(0, whole)
}
