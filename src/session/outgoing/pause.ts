import { backoffDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'

/** The lengths of pauses, in milliseconds. */
export interface PausePolicy {
  readonly initialDelay: number
  readonly maxDelay: number
}

/** A pause that gets longer each time. Its timer does not keep the process alive. */
export class Pause {
  readonly #clock: Clock
  readonly #policy: PausePolicy
  readonly #multiplier: number
  readonly #onEnd: (delay: number) => void
  #timer: unknown
  #times = 0
  #delay = 0

  /**
   * @param policy - is not copied
   * @param onEnd - called with its length when a pause is over
   * @param multiplier - the factor from one pause to the next
   */
  constructor(clock: Clock, policy: PausePolicy, onEnd: (delay: number) => void, multiplier = 2) {
    this.#clock = clock
    this.#policy = policy
    this.#multiplier = multiplier
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
    const { initialDelay, maxDelay } = this.#policy
    const policy = { initialDelay, maxDelay, multiplier: this.#multiplier, jitter: 'none' } as const
    const delay = Math.min(
      longest,
      backoffDelay(policy, this.#times, () => 1),
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

/** Whether a timer can be told not to keep the process alive. */
export function canBeUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function'
}
