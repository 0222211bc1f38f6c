import type { Qos } from '../api/message.ts'
import { deferred } from '../shared/wait.ts'

type Outcome = { readonly granted: Qos } | { readonly error: unknown }

/**
 * The promise `ready` of a subscription. A promise that was postponed rejects, and another one follows it. It is made
 * when it is asked for, because most applications do not ask.
 */
export class SubscriptionReadiness {
  #asked: ReturnType<typeof deferred<Qos>> | undefined
  #outcome: Outcome | undefined
  #state: 'pending' | 'postponed' | 'resolved' | 'rejected' = 'pending'

  get promise(): Promise<Qos> {
    if (!this.#asked) {
      this.#asked = deferred()
      // Applications need not handle it: a refusal is also reported through an event.
      this.#asked.promise.catch(() => {})
      this.#tell()
    }
    return this.#asked.promise
  }

  get isRejected(): boolean {
    return this.#state === 'rejected'
  }

  resolve(granted: Qos): void {
    this.#settle('resolved', { granted })
  }

  reject(error: unknown): void {
    this.#settle('rejected', { error })
  }

  /** Rejects the promise, unless it is settled. The next outcome settles a new one. */
  postpone(error: unknown): void {
    if (this.#state === 'pending') this.#settle('postponed', { error })
  }

  /** Of several outcomes, the promise has the first one. */
  #settle(as: 'postponed' | 'resolved' | 'rejected', outcome: Outcome): void {
    const isFirst = this.#outcome === undefined || this.#state === 'postponed'
    if (this.#state === 'postponed') this.#asked = undefined
    this.#state = as
    if (!isFirst) return
    this.#outcome = outcome
    this.#tell()
  }

  #tell(): void {
    if (!this.#asked || !this.#outcome) return
    if ('granted' in this.#outcome) this.#asked.resolve(this.#outcome.granted)
    else this.#asked.reject(this.#outcome.error)
  }
}
