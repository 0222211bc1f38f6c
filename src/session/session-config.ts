import type { InboxConfig, InboxEvents } from './incoming/inbox-config.ts'
import type { SenderConfig, SenderEvents } from './outgoing/sender.ts'
import type { SessionWatchEvents } from './session-watch.ts'
import type { SubscriptionsConfig, SubscriptionsEvents } from './subscriptions/subscriptions.ts'

/** The complete configuration of a session. Nothing is optional: the defaults are in config/defaults.ts. */
export interface SessionConfig extends SenderConfig, InboxConfig, SubscriptionsConfig {
  /** How long no message may come, in milliseconds; 0 if that does not matter. */
  readonly expectTrafficWithin: number
}

/** What a session reports. None of these may throw. */
export interface SessionEvents extends SenderEvents, InboxEvents, SubscriptionsEvents, SessionWatchEvents {
  /**
   * Subscriptions were added or removed, or a suspended one may be tried again. The session has written the packets
   * that it could. The machine has to start a `sync` actor, which awaits the answers.
   */
  wantedChanged(): void
}
