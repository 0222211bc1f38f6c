import { backoffDelay, type BackoffPolicy } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'

/** The lengths of pauses, in milliseconds. */
export interface PausePolicy {
  readonly initialDelay: number
  readonly maxDelay: number
  /** The factor from one pause to the next. @default 2 */
  readonly multiplier?: number
}

/** A pause that gets longer each time. Its timer does not keep the process alive. */
export class Pause {
  readonly #clock: Clock
  readonly #policy: BackoffPolicy
  readonly #onEnd: (delay: number) => void
  #timer: unknown
  #times = 0
  #delay = 0

  /** @param onEnd - called with its length when a pause is over */
  constructor(clock: Clock, policy: PausePolicy, onEnd: (delay: number) => void) {
    this.#clock = clock
    this.#policy = { multiplier: 2, ...policy, jitter: 'none' }
    this.#onEnd = onEnd
  }

  /** How many pauses began since the last `reset`. */
  get times(): number {
    return this.#times
  }

  get running(): boolean {
    return this.#timer !== undefined
  }

  /** The length of the last pause, in milliseconds. */
  get delay(): number {
    return this.#delay
  }

  /**
   * @param longest - the most that this pause may last, in milliseconds
   * @returns its length, in milliseconds
   */
  begin(longest = Number.POSITIVE_INFINITY): number {
    this.cut()
    this.#times++
    const delay = Math.min(
      longest,
      backoffDelay(this.#policy, this.#times, () => 1),
    )
    this.#delay = delay
    const timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#onEnd(delay)
    }, delay)
    this.#timer = timer
    if (canBeUnref(timer)) timer.unref()
    return delay
  }

  /** Ends a pause early. The next one is longer regardless. */
  cut(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Ends a pause early. The next one is as short as the first. */
  reset(): void {
    this.cut()
    this.#times = 0
  }
}

function canBeUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function'
}
