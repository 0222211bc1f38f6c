const SECOND = 1_000

/** Counts what passes in about a second. */
export class Throughput {
  #second = 0
  #current = 0
  #last = 0

  /** @param time - the monotonic time in milliseconds */
  add(count: number, time: number): void {
    this.#advance(time)
    this.#current += count
  }

  /** How much has passed in the second before `time`. What passed in the middle of it is taken as spread evenly. */
  recent(time: number): number {
    this.#advance(time)
    return this.#current + this.#last * (1 - (time % SECOND) / SECOND)
  }

  #advance(time: number): void {
    const second = Math.floor(time / SECOND)
    if (second === this.#second) return
    this.#last = second === this.#second + 1 ? this.#current : 0
    this.#current = 0
    this.#second = second
  }
}
