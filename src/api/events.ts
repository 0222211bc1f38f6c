import type { ConnectionState, OutboxStatus } from './status.ts'
import type { Qos } from './message.ts'
import type { ConnectionEmitted } from '../../machines/connection/types.ts'

type Emitted<Type extends ConnectionEmitted['type']> = Omit<Extract<ConnectionEmitted, { type: Type }>, 'type'>

/** Events of `ResilientMqttClient`, in the order in which they come. */
export interface ClientEvents {
  /** The connection changed its state. */
  stateChanged: { readonly from: ConnectionState; readonly to: ConnectionState }
  /** Subscriptions are restored and messages flow: for the first time, or again. */
  connected: Emitted<'connected'>
  /** An open connection was lost. */
  connectionInterrupted: Emitted<'connectionInterrupted'>
  /** Messages flow again after an interruption, which took `downtime` milliseconds. */
  connectionResumed: Emitted<'connectionResumed'>
  /** The next attempt follows after `delay` milliseconds. */
  reconnectScheduled: Emitted<'reconnectScheduled'>
  /** The fast tier has no attempts left. */
  reconnectionFailed: Emitted<'reconnectionFailed'>
  /** A recovery cycle begins, and waits for `delay` milliseconds first. */
  recoveryStarted: Emitted<'recoveryStarted'>
  /** Messages flow again by a recovery cycle. */
  recovered: Emitted<'recovered'>
  /** There are new credentials; `expiresAt` is in milliseconds since 1970. */
  tokenRefreshed: Emitted<'tokenRefreshed'>
  /** The credentials source failed. */
  tokenRefreshFailed: Emitted<'tokenRefreshFailed'>
  /** Nothing more is tried until somebody asks for it. */
  gaveUp: Emitted<'gaveUp'>
  /** The restore of subscriptions goes on: so many of so many are answered. */
  restoring: Emitted<'restoring'>
  /** Subscriptions are restored: so many are held, and so many refused, which are tried again. */
  restored: Emitted<'restored'>
  /**
   * The broker closes the connection on a subscription: it is left out, so that all else goes on, and tried again after
   * `delay` milliseconds. Told again after each trial that fails.
   */
  subscriptionSuspended: { readonly filter: string; readonly delay: number }
  /** The broker answered to a subscription that was suspended. */
  subscriptionResumed: { readonly filter: string }
  /** The broker closes the connection on a durable publish: it is in `client.quarantine`, by this id. */
  publishQuarantined: { readonly id: number; readonly topic: string; readonly qos: Qos }
  /** A subscription is left to you: the broker refused it for good. */
  subscriptionFailed: { readonly filter: string; readonly error: Error }
  /** The store was opened, and holds publishes of an earlier process: so many wait, and so many were sent. */
  outboxRestored: { readonly waiting: number; readonly inFlight: number }
  /** No subscription matches a message, which was acknowledged. */
  unclaimed: { readonly topic: string; readonly qos: Qos }
  /** A handler with `ack: 'after-handler'` failed to the end, or the broker lost the message before that: see `retry`. */
  messageFailed: FailedMessage
  /** Acknowledgements are held back and none was sent for `inbox.stallAfter`: the broker may send nothing more. */
  acknowledgementsStalled: Stall
  /** Everything that was accepted is delivered: the outbox is empty and nothing is in flight. */
  drained: OutboxStatus
  /**
   * A publish came to nothing, and no code took its rejection: none had called `then` of its promise, as `await` does, by
   * the next turn of the event loop. Without a handler and a `logger` the first one is printed by `console.error`.
   */
  publishFailed: { readonly topic: string; readonly error: unknown }
  /**
   * Something of the application's failed: a handler threw, or the credentials source rejected. The connection is not
   * affected, but by an error of the source `the connection machine`, which makes it `failed`. Without a handler it goes
   * to the `logger`; without that, too, the first one of each kind is printed by `console.error`.
   */
  error: { readonly error: unknown; readonly source: string }
}

/** Acknowledgements that have not moved for some time. */
export interface Stall {
  /** How many are held back. */
  readonly heldBack: number
  /** Since when the oldest is the next one, in milliseconds since 1970. */
  readonly since: number
  /** Of the message that is next. */
  readonly topic: string
}

/** A message that a handler could not process. */
export interface FailedMessage {
  readonly topic: string
  readonly qos: 1 | 2
  /** Of the subscription. */
  readonly filter: string
  /** How often the handler was called for it on this connection. */
  readonly attempts: number
  /** What the last call threw or rejected with. */
  readonly error: unknown
  /**
   * - `acknowledge`: it is acknowledged, and gone
   * - `reconnect`: the connection is replaced, and the broker sends it again
   * - `lost`: it is gone, because the connection ended first and the broker did not keep the session
   */
  readonly outcome: 'acknowledge' | 'reconnect' | 'lost'
}
