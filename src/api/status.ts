import type { ConnectionContext, ConnectionCounters, ConnectionStateName } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import type { ServerHealth } from '../../machines/policy/servers.ts'

/** The status of a client at one moment. Times are in milliseconds since 1970. */
export interface ClientStatus {
  /** The option `name`, or its default. */
  readonly name: string | undefined
  readonly state: ConnectionState
  /** When the client entered this state. */
  readonly since: number
  /** The server of the last connection, as `mqtts://host:port`, without any secret; `undefined` before the first. */
  readonly server: string | undefined
  /** The servers of the list, in its order, with what is known of each; empty before the first attempt. */
  readonly servers: readonly ServerStatus[]
  /** The client id of the last connection; `undefined` before the first. */
  readonly clientId: string | undefined
  /** The attempt of the fast tier; 0 if the fast tier is not active. */
  readonly attempt: number
  /** The cycle of the recovery tier; 0 if the recovery tier is not active. */
  readonly cycle: number
  /** When the current delay ends; `null` if there is none. */
  readonly nextRetryAt: number | null
  /**
   * Whether the gate has admitted the attempt. Until it is `granted`, no connection is opened, and no open connection
   * is renewed. `none` if there is no gate, or nothing to admit.
   */
  readonly admission: ConnectionContext['admission']
  readonly lastFailure: Failure | null
  /** What the broker announced in its last CONNACK; `undefined` before the first. */
  readonly broker: BrokerStatus | undefined
  readonly counters: ConnectionCounters
  readonly outbox: OutboxStatus
  readonly inbox: InboxStatus
  readonly subscriptions: SubscriptionsStatus
  readonly traffic: TrafficStatus
}

/** One server of the list. Times are in milliseconds since 1970. */
export interface ServerStatus extends ServerHealth {
  /**
   * - `in-use`: the connection is open to it, or the attempt under way goes there
   * - `cooling-down`: it has failed or was slow, and others are preferred until `coolingUntil`
   * - `available`: any other
   */
  readonly state: 'in-use' | 'cooling-down' | 'available'
}

/**
 * What the broker announced in a CONNACK (MQTT 5 §3.2.2.3), or what applies if it announced nothing, as on MQTT 3.1.1. The
 * client keeps to these limits. The object is frozen. Durations are in milliseconds.
 */
export interface BrokerStatus {
  /** How many publishes of QoS 1 and 2 may be unacknowledged at a time. Further ones wait in the outbox. */
  readonly receiveMaximum: number
  /** In bytes; `Infinity` if there is no limit. A larger publish or subscription is rejected. */
  readonly maximumPacketSize: number
  /**
   * A publish with a higher QoS is rejected. A subscription may ask for more: the broker grants at most this, and a
   * `Subscription.ready` resolves with what it grants.
   */
  readonly maximumQos: 0 | 1 | 2
  /** If `false`, a publish with `retain` is rejected. */
  readonly retainAvailable: boolean
  /** If `false`, a subscription with `+` or `#` is rejected. */
  readonly wildcardSubscriptionAvailable: boolean
  /** If `false`, a subscription to `$share/…` is rejected. */
  readonly sharedSubscriptionAvailable: boolean
  /**
   * If `false`, and always on MQTT 3.1.1, handlers are found by the topic alone. A message that the broker sends once for
   * each of several overlapping subscriptions then reaches each of their handlers as often.
   */
  readonly subscriptionIdentifiersAvailable: boolean
  /** The highest Topic Alias that the client may use; 0 if none. It uses some only with `autoAssignTopicAlias`. */
  readonly topicAliasMaximum: number
  /**
   * How long the broker keeps the session after the connection has ended, in milliseconds; `Infinity` for ever. It may be
   * less than the option `sessionExpiry`: see the event `sessionExpiryReduced`. `undefined` on MQTT 3.1.1, which does not
   * tell.
   */
  readonly sessionExpiry: number | undefined
  /** The keep alive of this connection in milliseconds: the broker's, or else that of the option. 0 if there is none. */
  readonly keepalive: number
  /** The client id that the broker has chosen because the option is empty. Later connections use it, too. */
  readonly assignedClientId: string | undefined
  /** The part of the topic tree for responses to this client. `request()` uses it for its response topic. */
  readonly responseInformation: string | undefined
  /** Another server that the client could use, without user name, password and query. */
  readonly serverReference: string | undefined
}

/** The publishes that wait or are in flight. */
export interface OutboxStatus {
  /** How many publishes wait. */
  readonly size: number
  /** The size of their topics and payloads in bytes. */
  readonly bytes: number
  /**
   * When the publish was accepted that waits at the front, in milliseconds since 1970; `null` if none waits in memory. The
   * backlog of an earlier process may be so long that the rest of it is only on disk.
   */
  readonly waitingSince: number | null
  /** How many publishes with QoS 1 or 2 are sent and not acknowledged. */
  readonly inFlight: number
  /**
   * How many publishes are suspended, because the broker closed the connection on them. They are tried again after
   * growing pauses.
   */
  readonly suspended: number
  /** How many durable publishes are in `client.quarantine`. */
  readonly quarantined: number
  /**
   * How many publishes are sent in a second; `null` if there is no limit. It is the option `outbox.rate.messages`, or less
   * if the broker objected: by a reason code 0x96 or 0x97, or because it closed the connection three times in a row after the
   * same number of messages. It grows again slowly.
   */
  readonly rate: number | null
}

/** Received messages that are not processed or not acknowledged. Times are in milliseconds since 1970. */
export interface InboxStatus {
  /** How many acknowledgements are held back until a handler is done or a loop asks for the next message. */
  readonly heldBack: number
  /** When the oldest of them became the next one to send; `null` if none is held back. */
  readonly heldBackSince: number | null
  /** How many messages of a kept session wait for a subscription. */
  readonly unclaimed: number
  /**
   * How many messages are unprocessed, of every QoS: those that handlers with `ack: 'after-handler'` have received and not
   * processed, those that loops have not taken, and those that paused subscriptions hold.
   */
  readonly unprocessed: number
  /** The size of their payloads in bytes. */
  readonly unprocessedBytes: number
  /** How many further messages have arrived, and wait until earlier ones are processed. */
  readonly waiting: number
  /** How many waiting messages of QoS 0 were dropped so far, because too many waited. */
  readonly dropped: number
  /** Whether a limit of the option `inbox` is reached, so that messages wait until half of the earlier ones are processed. */
  readonly paused: boolean
}

/**
 * Bytes of all connections that the broker has accepted so far, of all packets. On a WebSocket in Node they include the frames
 * and the HTTP upgrade; in browsers, and on a socket that the application opened, they do not, nor what MQTT.js sends: CONNECT,
 * SUBSCRIBE, UNSUBSCRIBE and DISCONNECT. The bytes that TLS adds are not included.
 */
export interface TrafficStatus {
  readonly sent: number
  readonly received: number
}

/** Subscriptions by topic filter. */
export interface SubscriptionsStatus {
  /** How many the application wants. */
  readonly wanted: number
  /** How many of these the broker has granted. */
  readonly held: number
  /** How many of these the broker has refused. */
  readonly refused: number
  /**
   * How many of these are left out, because the broker closed the connection on them. They are tried again after
   * growing pauses.
   */
  readonly suspended: number
  /** How many `Subscription`s are paused. Each counts, also if several have the same filter. */
  readonly paused: number
}

/** The states of the connection machine. */
export type ConnectionState = ConnectionStateName
