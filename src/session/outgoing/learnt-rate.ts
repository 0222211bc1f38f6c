/** How much the rate grows in `GROWS_EVERY` milliseconds. */
const GROWTH = 1.05
const GROWS_EVERY = 30_000
/** The rate stays below this part of the one at which the broker objected, for `STAYS_BELOW` milliseconds. */
const BELOW = 0.9
const STAYS_BELOW = 3_600_000
/** The limit is dropped when it has grown to this many times that rate. */
const FORGOTTEN_AT = 10

/**
 * How many messages a second one broker takes, which it does not announce: half of what it objected to, and then slowly
 * more again. Only after an hour it is as much as at that time.
 */
export class LearntRate {
  readonly #objectedTo: number
  readonly #reducedAt: number

  /**
   * @param objectedTo - the messages that passed in the second before the broker objected
   * @param time - the monotonic time in milliseconds
   */
  constructor(objectedTo: number, time: number) {
    this.#objectedTo = Math.max(2, objectedTo)
    this.#reducedAt = time
  }

  /** In messages a second; Infinity if the limit is no longer needed. */
  at(time: number): number {
    const age = time - this.#reducedAt
    const grown = (this.#objectedTo / 2) * growth(age)
    const bound = this.#objectedTo * BELOW * growth(age - STAYS_BELOW)
    const rate = Math.min(grown, bound)
    return rate < this.#objectedTo * FORGOTTEN_AT ? rate : Number.POSITIVE_INFINITY
  }
}

function growth(age: number): number {
  return age <= 0 ? 1 : GROWTH ** (age / GROWS_EVERY)
}
