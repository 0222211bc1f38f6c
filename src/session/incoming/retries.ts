import { backoffDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { HeldMessage } from './held-message.ts'
import type { Receiver } from './receiver.ts'

/** A call of a handler with a message. */
export interface Call {
  readonly message: HeldMessage
  readonly receiver: Receiver
  /** How many calls there were for this message, with this one. */
  readonly calls: number
  /** The delay before the last call, in milliseconds. */
  readonly delay: number | undefined
}

/** A call that failed. */
export interface FailedCall extends Call {
  /** What it threw or rejected with. */
  readonly error: unknown
}

/** Schedules further calls of handlers, with a delay. */
export class Retries {
  readonly #clock: Clock
  readonly #random: () => number
  #waiting: Map<FailedCall, unknown> | undefined

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** @param again - called after the delay, with its length in milliseconds */
  schedule(call: FailedCall, again: (delay: number) => void): void {
    const delay = backoffDelay(call.receiver.retry, call.calls, this.#random, call.delay)
    const timer = this.#clock.setTimeout(() => {
      this.#waiting?.delete(call)
      again(delay)
    }, delay)
    ;(this.#waiting ??= new Map()).set(call, timer)
  }

  /** Cancels the scheduled calls of a receiver, or all. @returns the failed calls that they would have repeated */
  end(receiver?: Receiver): FailedCall[] {
    const waiting = this.#waiting
    if (!waiting) return []
    const ended = [...waiting.keys()].filter((call) => receiver === undefined || call.receiver === receiver)
    for (const call of ended) {
      this.#clock.clearTimeout(waiting.get(call))
      waiting.delete(call)
    }
    return ended
  }
}
