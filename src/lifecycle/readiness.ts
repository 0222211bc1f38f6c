import type { Qos } from '../api/message.ts'
import { deferred } from '../shared/wait.ts'

/** Whether the broker holds a subscription, as a promise. One that was postponed is followed by another. */
export class Readiness {
  #current = pending()
  #state: 'pending' | 'postponed' | 'settled' = 'pending'

  get promise(): Promise<Qos> {
    return this.#current.promise
  }

  resolve(granted: Qos): void {
    this.#settle()
    this.#current.resolve(granted)
  }

  reject(error: unknown): void {
    this.#settle()
    this.#current.reject(error)
  }

  /** It rejects, unless it is settled, and is replaced when it is known what comes of it. */
  postpone(error: unknown): void {
    if (this.#state !== 'pending') return
    this.#state = 'postponed'
    this.#current.reject(error)
  }

  #settle(): void {
    if (this.#state === 'postponed') this.#current = pending()
    this.#state = 'settled'
  }
}

function pending() {
  const current = deferred<Qos>()
  // Nobody has to look at it: a refusal is told by an event too.
  current.promise.catch(() => {})
  return current
}
