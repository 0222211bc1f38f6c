import type { Qos } from '../api/message.ts'
import { deferred } from '../shared/wait.ts'

/** The promise `ready` of a subscription. A promise that was postponed rejects, and another one follows it. */
export class SubscriptionReadiness {
  #current = pending()
  #state: 'pending' | 'postponed' | 'resolved' | 'rejected' = 'pending'

  get promise(): Promise<Qos> {
    return this.#current.promise
  }

  get isRejected(): boolean {
    return this.#state === 'rejected'
  }

  resolve(granted: Qos): void {
    this.#settle('resolved')
    this.#current.resolve(granted)
  }

  reject(error: unknown): void {
    this.#settle('rejected')
    this.#current.reject(error)
  }

  /** Rejects the promise, unless it is settled. The next outcome settles a new one. */
  postpone(error: unknown): void {
    if (this.#state !== 'pending') return
    this.#state = 'postponed'
    this.#current.reject(error)
  }

  #settle(as: 'resolved' | 'rejected'): void {
    if (this.#state === 'postponed') this.#current = pending()
    this.#state = as
  }
}

function pending() {
  const current = deferred<Qos>()
  // Applications need not handle it: a refusal is also reported through an event.
  current.promise.catch(() => {})
  return current
}
