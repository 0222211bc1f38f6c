import type { ClientStatus, SubscriptionsStatus } from '../api/status.ts'

interface Part<Name extends keyof ClientStatus> {
  readonly status: ClientStatus[Name]
}

/** The status of the parts of a session. Each is computed when it is read. */
export class SessionStatus implements Pick<ClientStatus, 'outbox' | 'inbox' | 'subscriptions'> {
  readonly #sender: Part<'outbox'>
  readonly #inbox: Part<'inbox'>
  readonly #subscriptions: { readonly status: Omit<SubscriptionsStatus, 'paused'> }
  readonly #pauses: { readonly size: number }

  constructor(
    sender: Part<'outbox'>,
    inbox: Part<'inbox'>,
    subscriptions: { readonly status: Omit<SubscriptionsStatus, 'paused'> },
    pauses: { readonly size: number },
  ) {
    this.#sender = sender
    this.#inbox = inbox
    this.#subscriptions = subscriptions
    this.#pauses = pauses
  }

  get outbox(): ClientStatus['outbox'] {
    return this.#sender.status
  }

  get inbox(): ClientStatus['inbox'] {
    return this.#inbox.status
  }

  get subscriptions(): ClientStatus['subscriptions'] {
    return { ...this.#subscriptions.status, paused: this.#pauses.size }
  }
}
