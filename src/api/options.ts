import type { Clock } from './clock.ts'
import type { InspectionEvent, Observer } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { RefreshReason } from '../../machines/connection/types.ts'
import type { AdmissionGate } from './admission-gate.ts'
import type { LevelDatabase } from './level-database.ts'
import type { Logger } from './logger.ts'
import type { Message, Payload, PublishProperties, Qos } from './message.ts'

/** The message that the broker sends for us when the connection dies (MQTT 5 §3.1.2.5). */
export interface Will {
  readonly topic: string
  readonly payload: Payload
  /** @default 0 */
  readonly qos?: Qos
  /** @default false */
  readonly retain?: boolean
  /** How long the broker waits before it sends the will, in milliseconds (MQTT 5). @default 0 */
  readonly delay?: number
  /** MQTT 5. */
  readonly properties?: PublishProperties
}

/** TLS options, by the names of Node's `tls.connect`. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly pfx?: string | Uint8Array
  readonly passphrase?: string
  /** @default the host of the URL */
  readonly servername?: string
  /** Turning this off gives the connection to anybody on the way. @default true */
  readonly rejectUnauthorized?: boolean
  readonly ALPNProtocols?: readonly string[]
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** WebSocket options, by the names of `ws`. Browsers allow none of them. */
export interface WebSocketOptions {
  /** Headers of the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>
  /** An `http.Agent`. */
  readonly agent?: unknown
  readonly perMessageDeflate?: boolean
}

/** How to connect: given as a value, or by a function. */
export interface ConnectOptions {
  /**
   * Where to: `mqtt:`, `mqtts:`, `ws:` or `wss:`. Of several, an attempt that failed is followed by one at the next.
   *
   * @default `url` of the client's options
   */
  readonly url?: string | readonly string[]
  /** @default generated once, and kept for the client's life, or for that of its `store` */
  readonly clientId?: string
  /** 4 is MQTT 3.1.1. @default 4 */
  readonly protocolVersion?: 4 | 5
  /** In milliseconds, whole seconds on the wire; 0 turns it off. @default 60_000 */
  readonly keepalive?: number
  /**
   * Whether the broker forgets the session when we connect: `clean session` of MQTT 3.1.1, `clean start` of MQTT 5.
   * `false` needs a `clientId` of your own, or a `store`.
   *
   * @default true
   */
  readonly clean?: boolean
  /**
   * How long the broker keeps the session after the connection ended, in milliseconds; `Infinity` for ever (MQTT 5).
   *
   * @default 0 with `clean`, else Infinity
   */
  readonly sessionExpiry?: number
  readonly username?: string
  readonly password?: string | Uint8Array
  readonly will?: Will
  /**
   * How many QoS 1 and 2 messages the broker may send us un-acked (MQTT 5 §3.1.2.11.3): that bounds the memory that a
   * slow handler or loop takes. A broker that sends more is disconnected. MQTT 3.1.1 has no way to tell the broker: there
   * nothing more is read from it meanwhile.
   *
   * @default 1_000
   */
  readonly receiveMaximum?: number
  /**
   * The largest packet that the broker may send us, in bytes. One that is larger ends the connection before it is read;
   * only on MQTT 5 the broker is told (§3.1.2.11.4).
   *
   * @default no limit
   */
  readonly maximumPacketSize?: number
  /** User properties of the CONNECT packet (MQTT 5). */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  readonly tls?: TlsOptions
  readonly wsOptions?: WebSocketOptions
}

/** What a credentials source gives. All of it stays out of the machine. */
export interface Credentials {
  readonly username?: string
  readonly password?: string | Uint8Array
  /** Replaces the URL: for a signed one, as AWS IoT wants it. */
  readonly url?: string
  /** Added to the headers of the WebSocket upgrade. */
  readonly wsHeaders?: Readonly<Record<string, string>>
  /** When they expire, in milliseconds since 1970 or as a `Date`. Without it there is no planned renewal. */
  readonly expiresAt?: number | Date
}

/**
 * Gives credentials. Called before the first connection, before they expire, when the broker refuses them, and in
 * recovery cycles; never twice at a time. Reject with `InvalidCredentialsError` to stop for good.
 *
 * An answer that comes after its call was given up is taken by the next request, which waits for it and calls again only
 * if it is not good. A call that has not answered after twice the `refreshTimeout` counts as dead: the next request calls
 * anew.
 *
 * @param request.reason - why it is called
 * @param request.signal - aborts when the call is given up, after `refreshTimeout` for one
 */
export type CredentialsSource = (request: {
  readonly reason: RefreshReason
  readonly signal: AbortSignal
}) => Credentials | Promise<Credentials>

export interface SubscriptionsOptions {
  /** How many topic filters go into one SUBSCRIBE. Some brokers take only few: 8 on AWS IoT. @default 100 */
  readonly batchSize?: number
  /** Whether to restore subscriptions also when the broker kept the session. @default 'skip' */
  readonly onSessionPresent?: 'skip' | 'always'
}

/** Messages that come. Durations are in milliseconds. */
export interface InboxOptions {
  /**
   * How long messages that no subscription matches wait for one, un-acked: from the first CONNACK of this client on, if
   * the broker kept the session of an earlier process. 0 turns it off.
   *
   * @default 5_000
   */
  readonly claimTimeout?: number
  /** How many of them wait; beyond it the oldest is given up. @default 1_000 */
  readonly maxUnclaimed?: number
  /** After how long without progress `acknowledgementsStalled` tells that acknowledgements are held back. @default 30_000 */
  readonly stallAfter?: number
}

type Policies = Pick<
  ConnectionInput,
  'reconnect' | 'recovery' | 'timeouts' | 'onTakeover' | 'classify' | 'random' | 'now'
>

/** Options of `ResilientMqttClient`. All durations are in milliseconds. */
export interface ResilientMqttClientOptions extends Policies {
  /** Where to connect. Needed unless `options` or `credentials` give it. */
  readonly url?: string | readonly string[]
  /**
   * How to connect, or a function. It is called for each recreated client, when connecting starts over after it gave up
   * or was disconnected, and again if what it returned could not be used.
   */
  readonly options?: ConnectOptions | (() => ConnectOptions | Promise<ConnectOptions>)
  /** Where credentials come from, if they are more than a fixed user name and password. */
  readonly credentials?: CredentialsSource
  /** Renew credentials this long before they expire, at most a tenth of their lifetime. @default 300_000 */
  readonly refreshBefore?: number
  /**
   * Which Server References we follow (MQTT 5 §4.11): the hosts of our own URLs, wherever these come from, any, or what
   * a function allows. The scheme never changes, so TLS stays TLS.
   *
   * @default { allow: 'own-hosts', maxHops: 3 }
   */
  readonly redirect?: {
    readonly allow?: 'own-hosts' | 'any' | 'none' | ((serverReference: string) => boolean)
    readonly maxHops?: number
  }
  /**
   * What becomes of what is pending when the client gives up, and of what is asked for while it rests in `failed`:
   *
   * - `reject`: publishes, requests and `subscription.ready` reject with `ConnectionFailedError`. Subscriptions stay
   *   wanted and durable publishes stay in the store: a later `connect()` or `resetReconnect()` brings them back
   * - `wait`: it all waits for that
   *
   * @default 'reject'
   */
  readonly onGiveUp?: 'reject' | 'wait'
  readonly outbox?: Partial<OutboxOptions>
  readonly inbox?: InboxOptions
  /**
   * Gets the messages that no subscription matches, acknowledged on receipt: those of subscriptions that an earlier process
   * left with the broker, for one. With it no message waits for a subscription.
   *
   * @default they are acknowledged, and reported through `unclaimed`
   */
  readonly onMessage?: (message: Message) => unknown
  /**
   * Where publishes with `durable: true` are kept until they are acknowledged, so that they outlive the process: the
   * path of a folder, which needs the package `classic-level`, or a database with the interface of `abstract-level`,
   * such as `browser-level`, which you close yourself. One store belongs to one client at one broker.
   *
   * It also keeps the client id that is generated if you give none, so that `clean: false` needs no `clientId`.
   */
  readonly store?: string | LevelDatabase
  readonly subscriptions?: SubscriptionsOptions
  /**
   * When a publish on which the broker closes the connection counts as poison, and when publishes and subscriptions that
   * were set aside for that are tried again.
   */
  readonly quarantine?: Partial<QuarantineOptions>
  /**
   * Where responses to this client's requests come (MQTT 5). No other client may have the same.
   *
   * @default `response/` and a random text, or with `clean: false` the client id: a kept session keeps the subscription
   */
  readonly responseTopic?: string
  /** Has to admit each attempt to connect: see `createFleet`, which shares one. @default every attempt may begin */
  readonly gate?: AdmissionGate
  /** pino's shape. @default silent */
  readonly logger?: Logger
  /** An XState inspector. */
  readonly inspect?: ((event: InspectionEvent) => void) | Observer<InspectionEvent>
  /**
   * What time the machine runs on. Real time is monotonic (`performance.now()`): setting the system's clock neither
   * expires a message nor keeps it. Time for which the machine sleeps counts as far as the system counts it, which Linux
   * and macOS do not.
   *
   * @default real time
   */
  readonly clock?: Clock
}

export interface OutboxOptions {
  /** @default 10_000 */
  readonly maxMessages: number
  /** Of topics and payloads. @default 64 MiB */
  readonly maxBytes: number
  /**
   * What happens when a message finds the outbox full: it is rejected, or it displaces the oldest, or the newest, that
   * waits.
   *
   * @default 'reject'
   */
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest'
}

/** When a packet counts as poison, and when a suspect is tried again. */
export interface QuarantineOptions {
  /**
   * For how long the broker has to close the connection on a packet, and take others meanwhile, before the packet counts
   * as poison. In milliseconds.
   *
   * @default 120_000
   */
  readonly after: number
  /** Before the first trial of a packet that was set aside, in milliseconds; twice as long each time. @default 5_000 */
  readonly initialDelay: number
  /** The longest time between two trials, in milliseconds. @default 900_000 */
  readonly maxDelay: number
}
