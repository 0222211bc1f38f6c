import type { ClientStatus } from '../api/status.ts'

interface Part<Name extends keyof ClientStatus> {
  readonly status: ClientStatus[Name]
}

/** The status of the parts of a session. Each is computed when it is read. */
export class SessionStatus implements Pick<ClientStatus, 'outbox' | 'inbox' | 'subscriptions'> {
  readonly #sender: Part<'outbox'>
  readonly #inbox: Part<'inbox'>
  readonly #subscriptions: Part<'subscriptions'>

  constructor(sender: Part<'outbox'>, inbox: Part<'inbox'>, subscriptions: Part<'subscriptions'>) {
    this.#sender = sender
    this.#inbox = inbox
    this.#subscriptions = subscriptions
  }

  get outbox(): ClientStatus['outbox'] {
    return this.#sender.status
  }

  get inbox(): ClientStatus['inbox'] {
    return this.#inbox.status
  }

  get subscriptions(): ClientStatus['subscriptions'] {
    return this.#subscriptions.status
  }
}
