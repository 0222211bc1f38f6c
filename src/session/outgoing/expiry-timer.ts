import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'

/** One timer, for the publication that expires first. */
export class ExpiryTimer {
  readonly #clock: Clock
  readonly #now: () => number
  readonly #expire: () => void
  #timer: unknown
  #dueAt = Number.POSITIVE_INFINITY

  /** @param expire - called when the first is due; it sets the next one with `atLatest` */
  constructor(clock: Clock, now: () => number, expire: () => void) {
    this.#clock = clock
    this.#now = now
    this.#expire = expire
  }

  /** Makes sure that `expire` is called at `deadline` at the latest, in the time of `now`. */
  atLatest(deadline: number): void {
    if (deadline >= this.#dueAt) return
    this.clear()
    this.#dueAt = deadline
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#dueAt = Number.POSITIVE_INFINITY
        this.#expire()
      },
      // Timers drop fractions of a millisecond.
      clampDelay(Math.ceil(deadline - this.#now())),
    )
  }

  clear(): void {
    if (this.#dueAt === Number.POSITIVE_INFINITY) return
    this.#clock.clearTimeout(this.#timer)
    this.#dueAt = Number.POSITIVE_INFINITY
  }
}
