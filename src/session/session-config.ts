import type { InboxConfig, InboxEvents } from './incoming/inbox.ts'
import type { SenderConfig, SenderEvents } from './outgoing/sender.ts'
import type { SubscriptionsConfig, SubscriptionsEvents } from './subscriptions/subscriptions.ts'

/** All that a session is made of. Nothing is optional: defaults are in `config/defaults.ts`. */
export interface SessionConfig extends SenderConfig, InboxConfig, SubscriptionsConfig {}

/** What a session reports. None of these may throw. */
export interface SessionEvents extends SenderEvents, InboxEvents, SubscriptionsEvents {
  /**
   * Subscriptions were added or removed, or a suspended one may be tried again. What can be written is written; the
   * answers are awaited by a `sync` actor.
   */
  wantedChanged(): void
}
