import type { ConnectionContext, ConnectionCounters, ConnectionStateName } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
/** What a client is doing, at one moment. Times are in milliseconds since 1970. */
export interface ClientStatus {
  readonly state: ConnectionState
  /** Since when it is in that state. */
  readonly since: number
  /** Of the fast tier; 0 if none is under way. */
  readonly attempt: number
  /** Of the recovery tier; 0 if none is under way. */
  readonly cycle: number
  /** When the running delay ends; `null` if none is running. */
  readonly nextRetryAt: number | null
  /**
   * Whether a gate was asked, and has answered: no connection is opened, and none that is open renewed, before it is
   * `granted`. `none` if there is no gate, or nothing to ask it for.
   */
  readonly admission: ConnectionContext['admission']
  readonly lastFailure: Failure | null
  readonly counters: ConnectionCounters
  readonly outbox: OutboxStatus
  readonly inbox: InboxStatus
  readonly subscriptions: SubscriptionsStatus
}

/** What waits for a connection, and what is sent and not acknowledged. */
export interface OutboxStatus {
  /** How many publishes wait. */
  readonly size: number
  /** Their topics and payloads. */
  readonly bytes: number
  /** How many of QoS 1 and 2 are sent and not acknowledged. */
  readonly inFlight: number
  /**
   * How many of these were set aside, because the broker closed the connection on them. They are tried again after
   * growing pauses.
   */
  readonly suspended: number
  /** How many durable ones are in `client.quarantine`. */
  readonly quarantined: number
}

/** Messages that came and are not acknowledged. Times are in milliseconds since 1970. */
export interface InboxStatus {
  /** How many acknowledgements are held back, until a handler is done or a loop has gone on. */
  readonly heldBack: number
  /** Since when the oldest of them is the next one; `null` if none is held back. */
  readonly heldBackSince: number | null
  /** How many messages of a kept session wait for a subscription. */
  readonly unclaimed: number
}

/** Subscriptions by topic filter. */
export interface SubscriptionsStatus {
  readonly wanted: number
  readonly held: number
  readonly refused: number
  /** Left out, because the broker closed the connection on them. They are tried again after growing pauses. */
  readonly suspended: number
}

/** The states of the connection machine. */
export type ConnectionState = ConnectionStateName
