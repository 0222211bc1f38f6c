import { backoffDelay, type BackoffPolicy } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'

/** How long pauses are, in milliseconds. */
export interface PausePolicy {
  readonly initialDelay: number
  readonly maxDelay: number
  /** How many times as long as the one before each is. @default 2 */
  readonly multiplier?: number
}

/** A pause that is longer each time. Its timer does not keep the process alive. */
export class Pause {
  readonly #clock: Clock
  readonly #policy: BackoffPolicy
  readonly #onEnd: (delay: number) => void
  #timer: unknown
  #times = 0
  #delay = 0

  /** @param onEnd - called when it is over, with how long it was */
  constructor(clock: Clock, policy: PausePolicy, onEnd: (delay: number) => void) {
    this.#clock = clock
    this.#policy = { multiplier: 2, ...policy, jitter: 'none' }
    this.#onEnd = onEnd
  }

  /** How often it was begun since the last `reset`. */
  get times(): number {
    return this.#times
  }

  get running(): boolean {
    return this.#timer !== undefined
  }

  /** How long the last one was, in milliseconds. */
  get delay(): number {
    return this.#delay
  }

  /**
   * @param longest - in milliseconds, if that is less than the policy allows
   * @returns how long it is
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

  /** Ends it early. The next one is longer all the same. */
  cut(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Ends it early. The next one is as short as the first. */
  reset(): void {
    this.cut()
    this.#times = 0
  }
}

function canBeUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function'
}
