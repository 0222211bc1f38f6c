import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Qos } from './message.ts'
import type { PacketEvent } from './packet-event.ts'
import type { ConnectionState, OutboxStatus } from './status.ts'

type Emitted<Type extends ConnectionEmitted['type']> = Omit<Extract<ConnectionEmitted, { type: Type }>, 'type'>

/** The events of `ResilientMqttClient`. */
export interface ClientEvents {
  /** The state of the connection changed. */
  stateChanged: { readonly from: ConnectionState; readonly to: ConnectionState }
  /** Subscriptions are restored and messages flow, for the first time or again. */
  connected: Emitted<'connected'>
  /** A connection was opened to another server than the one before. Both are scheme, host and port. */
  serverChanged: Emitted<'serverChanged'>
  /** A server sent the client to another one, and the client follows. `permanent`: it has moved for good (0x9D). */
  redirected: Emitted<'redirected'>
  /**
   * A server sent the client to another one, and the client does not follow: `not-allowed` by the option `redirect`, a
   * `loop`, or after `max-hops` redirects in a row.
   */
  redirectIgnored: Emitted<'redirectIgnored'>
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
  /** A recovery cycle succeeded: messages flow again. */
  recovered: Emitted<'recovered'>
  /** There are new credentials; `expiresAt` is in milliseconds since 1970. */
  tokenRefreshed: Emitted<'tokenRefreshed'>
  /** The credentials source failed. */
  tokenRefreshFailed: Emitted<'tokenRefreshFailed'>
  /** The broker has taken the new credentials on the open connection (MQTT 5 §4.12.1). */
  reauthenticated: Emitted<'reauthenticated'>
  /** The broker has not taken the new credentials on the open connection. It is replaced by one that uses them. */
  reauthenticationFailed: Emitted<'reauthenticationFailed'>
  /**
   * The client gave up. It tries nothing more until the application calls `connect()`, `resetReconnect()` or
   * `recover()`.
   */
  gaveUp: Emitted<'gaveUp'>
  /** Progress of restoring subscriptions: the broker has answered `done` of `total`. */
  restoring: Emitted<'restoring'>
  /** Subscriptions are restored. Those that the broker refused are retried. */
  restored: Emitted<'restored'>
  /**
   * The broker closes the connection on a subscription. It is left out, so that everything else continues, and tried
   * again after `delay` milliseconds. Emitted again after each failed try.
   */
  subscriptionSuspended: { readonly filter: string; readonly delay: number }
  /** The broker answered the SUBSCRIBE for a suspended subscription. */
  subscriptionResumed: { readonly filter: string }
  /** The broker objected to the rate of publishes. From now on, `rate` are sent in a second: see `status.outbox.rate`. */
  publishRateReduced: { readonly rate: number }
  /** The broker closes the connection on a durable publish, which was moved to `client.quarantine` under this id. */
  publishQuarantined: { readonly id: number; readonly topic: string; readonly qos: Qos }
  /**
   * The broker refused a subscription, for a reason that may pass: it is asked again, up to five times in about half a minute.
   * Emitted for each refusal, until `subscriptionGranted` or `subscriptionFailed` follows.
   */
  subscriptionRefused: { readonly filter: string; readonly error: Error }
  /** The broker granted a subscription that it had refused, on this connection or an earlier one. */
  subscriptionGranted: { readonly filter: string; readonly qos: Qos }
  /** The broker refused a subscription, and it is not retried on this connection. */
  subscriptionFailed: { readonly filter: string; readonly error: Error }
  /**
   * The broker keeps the session for `granted` milliseconds after a connection, instead of the `sessionExpiry` that was
   * `asked` for. If the client is away for longer, its subscriptions and the messages queued for it are gone. Emitted
   * again only if `granted` changes.
   */
  sessionExpiryReduced: { readonly asked: number; readonly granted: number }
  /**
   * The broker was to keep the session, and has not: the messages that it had queued for the client are lost. The client
   * subscribes anew, and sends unacknowledged publishes again.
   */
  sessionLost: SessionLoss
  /** The store was opened and holds publishes of an earlier process, `inFlight` of which it had already sent. */
  outboxRestored: { readonly waiting: number; readonly inFlight: number }
  /** A message was acknowledged that no subscription matches. */
  unclaimed: { readonly topic: string; readonly qos: Qos }
  /** A handler with `ack: 'after-handler'` failed in its last call as well, or its message is lost: see `retry`. */
  messageFailed: FailedMessage
  /**
   * No acknowledgement was sent for `inbox.stallAfter`, because handlers hold them back: the broker may stop sending.
   */
  acknowledgementsStalled: Stall
  /**
   * The broker sends one message at a time, and waits for handlers with `ack: 'after-handler'`: 20 messages in a row came
   * right after the acknowledgement of the one before, each of which was held back for 50 ms or more. Some brokers do that
   * (ejabberd), queue the rest, and end the session when too much is queued. Emitted once for each connection.
   */
  slowConsumer: SlowConsumer
  /**
   * Something between the client and this server ends connections after `silence` milliseconds without a byte, although
   * the keep alive is `keepalive` milliseconds (0: off). From now on PINGREQ is sent earlier.
   */
  idleTimeoutLearnt: { readonly silence: number; readonly keepalive: number }
  /**
   * A packet was written, for debugging. Its handlers are called at the end of the turn. They must not publish: each publish
   * would cause the next.
   */
  packetsend: PacketEvent
  /** A packet arrived, and is handled next. Packets that MQTT forbids are reported, too, as far as they can be read. */
  packetreceive: PacketEvent
  /** Every accepted publish has been delivered: the outbox is empty and nothing is in flight. */
  drained: OutboxStatus
  /**
   * A publish was rejected, and no code handled the rejection: by the next turn of the event loop, nothing had called
   * `then` on its promise, as `await` does. Without a handler and a `logger`, the first one is printed with
   * `console.error`.
   */
  publishFailed: { readonly topic: string; readonly error: unknown }
  /**
   * Code of the application failed: a handler threw, or the credentials source rejected. The connection is not
   * affected, unless the source is `the connection machine`: the client is then `failed`. Without a handler, the error
   * goes to the `logger`; without a `logger`, the first error of each kind is printed with `console.error`.
   */
  error: { readonly error: unknown; readonly source: string }
}

/** A session that the broker was to keep, and has not. */
export interface SessionLoss {
  /**
   * - `quota`: the broker has ended the last connection with 0x97, quota exceeded: it had more queued for the client than it
   *   keeps, because the client was too slow or away for too long
   * - `expired`: the client was away for longer than the broker has promised to keep the session
   * - `unknown`: the broker has been restarted or replaced, say
   */
  readonly cause: 'quota' | 'expired' | 'unknown'
  /** How long there was no connection, in milliseconds. */
  readonly downtime: number
  /** Why the last connection ended; `null` if the client closed it. */
  readonly failure: Failure | null
}

/** Acknowledgements that have made no progress for some time. */
export interface Stall {
  /** How many acknowledgements are held back. */
  readonly heldBack: number
  /** When the last progress was made, in milliseconds since 1970. */
  readonly since: number
  /** The topic of the message that must be acknowledged next. */
  readonly topic: string
}

/** Handlers that are slower than the messages come. */
export interface SlowConsumer {
  /** For how long the acknowledgement of such a message was held back on average, in milliseconds. */
  readonly holdTime: number
  /** The topic of the last of them. */
  readonly topic: string
}

/** A message that a handler failed to process. */
export interface FailedMessage {
  readonly topic: string
  readonly qos: 1 | 2
  /** The topic filter of the subscription. */
  readonly filter: string
  /** How often the handler was called for it on this connection. */
  readonly attempts: number
  /** What the last call threw or rejected with. */
  readonly error: unknown
  /**
   * - `acknowledge`: the message is acknowledged, and the broker does not send it again
   * - `reconnect`: the connection is replaced, and the broker sends the message again
   * - `lost`: the connection ended first, and the broker did not keep the session
   * - `refused`: the handler threw `MessageRefusedError`
   */
  readonly outcome: 'acknowledge' | 'reconnect' | 'lost' | 'refused'
}
