import type { ClientStatus, SubscriptionsStatus } from '../api/status.ts'

interface Part<Name extends keyof ClientStatus> {
  readonly status: ClientStatus[Name]
}

/** What the status of a client says about its session. */
export type SessionFigures = Pick<ClientStatus, 'outbox' | 'inbox' | 'subscriptions' | 'traffic'>

/** The status of the parts of a session. Each is computed when it is read. */
export class SessionStatus implements SessionFigures {
  readonly #sender: Part<'outbox'>
  readonly #inbox: Part<'inbox'>
  readonly #subscriptions: { readonly status: Omit<SubscriptionsStatus, 'paused'> }
  readonly #pauses: { readonly size: number }
  readonly #traffic: Part<'traffic'>

  constructor(
    sender: Part<'outbox'>,
    inbox: Part<'inbox'>,
    subscriptions: { readonly status: Omit<SubscriptionsStatus, 'paused'> },
    pauses: { readonly size: number },
    traffic: Part<'traffic'>,
  ) {
    this.#sender = sender
    this.#inbox = inbox
    this.#subscriptions = subscriptions
    this.#pauses = pauses
    this.#traffic = traffic
  }

  get outbox(): ClientStatus['outbox'] {
    return this.#sender.status
  }

  get inbox(): ClientStatus['inbox'] {
    return this.#inbox.status
  }

  get traffic(): ClientStatus['traffic'] {
    return this.#traffic.status
  }

  get subscriptions(): ClientStatus['subscriptions'] {
    return { ...this.#subscriptions.status, paused: this.#pauses.size }
  }
}
