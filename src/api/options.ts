import type { InspectionEvent, Observer } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { AdmissionGate } from './admission-gate.ts'
import type { Authentication } from './authentication.ts'
import type { Birth } from './birth.ts'
import type { Clock } from './clock.ts'
import type { CredentialsSource } from './credentials.ts'
import type { LevelDatabase } from './level-database.ts'
import type { Logger } from './logger.ts'
import type { Message, Payload, PublishProperties, Qos } from './message.ts'
import type { RecorderOptions } from './recorder.ts'
import type { FailoverOptions, ServerList, ServersSource } from './servers.ts'
import type { SocketSource } from './socket.ts'
import type { WakeSignal } from './wake-signal.ts'

/** The message that the broker publishes on behalf of the client when its connection dies (MQTT 5 §3.1.2.5). */
export interface Will {
  readonly topic: string
  readonly payload: Payload
  /** @default 0 */
  readonly qos?: Qos
  /** @default false */
  readonly retain?: boolean
  /** How long the broker waits before it sends the will, in milliseconds (MQTT 5). @default 0 */
  readonly delay?: number
  /** MQTT 5 properties. */
  readonly properties?: PublishProperties
}

/** TLS options, named as in Node's `tls.connect`. */
export interface TlsOptions {
  /**
   * The certificates of the authorities that may have signed that of the server, in PEM.
   *
   * @default the authorities that Node trusts
   */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The certificate of the client, in PEM, with those between it and the authority. @default none */
  readonly cert?: string | Uint8Array
  /** The private key of the client, in PEM. @default none */
  readonly key?: string | Uint8Array
  /** The certificate and the private key in one, as PKCS #12. @default none */
  readonly pfx?: string | Uint8Array
  /** The password of `key` or `pfx`. @default none */
  readonly passphrase?: string
  /** @default the host of the URL */
  readonly servername?: string
  /**
   * Whether to verify the certificate. `false` lets anyone on the network path take over the connection.
   *
   * @default true
   */
  readonly rejectUnauthorized?: boolean
  /** The protocols to offer during the handshake. AWS IoT Core takes `x-amzn-mqtt-ca` on port 443. @default none */
  readonly ALPNProtocols?: readonly string[]
  /** The oldest version of TLS to accept. @default Node's, usually TLSv1.2 */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** WebSocket options, named as in `ws`. Browsers support none of them but `createWebSocket`. */
export interface WebSocketOptions {
  /** Headers of the upgrade request. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * An `http.Agent` for the upgrade request, for example that of a proxy. Not together with `socket`.
   *
   * @default Node's
   */
  readonly agent?: unknown
  /** Whether to offer compression to the server. @default true */
  readonly perMessageDeflate?: boolean
  /**
   * Creates the WebSocket for each attempt, for example with a subprotocol that carries a token. In Node it must be one of `ws`,
   * and the other options are yours to pass on.
   *
   * @param protocols - the subprotocol of MQTT, which has to be among yours
   * @default new WebSocket(url, protocols)
   */
  readonly createWebSocket?: (url: string, protocols: string[]) => unknown
}

/** How to connect. */
export interface ConnectOptions {
  /**
   * The server: `mqtt:`, `mqtts:`, `ws:` or `wss:`. With a list, the next URL follows an attempt that failed or a
   * connection that was not stable.
   *
   * @default `url` of the client's options
   */
  readonly url?: string | readonly string[]
  /**
   * If it is empty, the broker chooses one: on MQTT 5 once, on MQTT 3.1.1 for each connection.
   *
   * @default generated once, and kept as long as the client, or its `store`, exists
   */
  readonly clientId?: string
  /**
   * 4 is MQTT 3.1.1. With `auto`, the client connects by MQTT 5, and by MQTT 3.1.1 after a CONNACK that refuses the version
   * (return code 1, or 0x84). If the server closes the connection before the CONNACK or does not answer, the versions
   * alternate. The version that a server took is kept as long as the client exists.
   *
   * @default 4
   */
  readonly protocolVersion?: 4 | 5 | 'auto'
  /**
   * In milliseconds, sent as whole seconds; 0 turns it off. If something in between closes connections that were silent
   * for less, PINGREQ is sent earlier: see the event `idleTimeoutLearnt`.
   *
   * @default 60_000; 50_000 for `ws:` and `wss:`
   */
  readonly keepalive?: number
  /**
   * Whether the broker discards the session when the client connects: Clean Session of MQTT 3.1.1, Clean Start of MQTT
   * 5. `false` requires a `clientId` or a `store`.
   *
   * @default true
   */
  readonly clean?: boolean
  /**
   * How long the broker keeps the session after the connection has ended, in milliseconds; `Infinity` forever (MQTT 5).
   *
   * @default 0 with `clean`, else Infinity
   */
  readonly sessionExpiry?: number
  /** The user name. @default none */
  readonly username?: string
  /** The password, or a token, if it never changes. For those that expire, see `credentials`. @default none */
  readonly password?: string | Uint8Array
  /** Enhanced authentication (MQTT 5 §4.12). It requires `protocolVersion: 5`. @default none */
  readonly authentication?: Authentication
  /** The message that the broker publishes when the connection dies. @default none */
  readonly will?: Will
  /**
   * Maximum number of unacknowledged QoS 1 and 2 messages from the broker (MQTT 5 §3.1.2.11.3). It bounds the memory
   * that a slow handler or loop uses. MQTT 3.1.1 cannot announce this limit, and some brokers send more than MQTT 5 allows:
   * handlers get no more at a time, and further messages wait as with `inbox.maxUnprocessed`. On MQTT 5, a broker that
   * sends more than ten times as many, and more than 20,000, is disconnected.
   *
   * @default 1_000
   */
  readonly receiveMaximum?: number
  /**
   * Maximum size of a packet from the broker, in bytes. A larger packet ends the connection before it is read. The
   * limit is announced to the broker on MQTT 5 only (§3.1.2.11.4).
   *
   * @default no limit
   */
  readonly maximumPacketSize?: number
  /**
   * How many topics the broker may replace by Topic Aliases, which are shorter, in the messages that it sends (MQTT 5
   * §3.1.2.11.5). The client keeps that many topics in memory for each connection.
   *
   * @default 0, which allows none
   */
  readonly topicAliasMaximum?: number
  /**
   * Whether the client replaces the topics of its publishes by Topic Aliases, as MQTT.js does with the option of this name:
   * the first publish to a topic carries the topic and an alias, and later ones on the same connection the alias only
   * (MQTT 5 §3.3.2.3.4). Each of them is shorter by the topic less 3 bytes. The broker limits the number of aliases: see
   * `status.broker.topicAliasMaximum`. It has no effect if that is 0, and on MQTT 3.1.1.
   *
   * If there are more topics than aliases, the first topics get them, and one that is then published to rarely makes room for
   * another.
   *
   * @default false
   */
  readonly autoAssignTopicAlias?: boolean
  /** User properties of the CONNECT packet (MQTT 5). @default none */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  /** Options of TLS, for `mqtts:` and `wss:` in Node. @default those of Node */
  readonly tls?: TlsOptions
  /** Options of the WebSocket, for `ws:` and `wss:` in Node. @default those of `ws` */
  readonly wsOptions?: WebSocketOptions
  /**
   * Opens the connection to the server, in Node: through a SOCKS proxy or an SSH tunnel, or to a Unix domain socket. It is
   * called for each attempt and returns a `Duplex`, such as a `net.Socket`, or a promise of one. TLS (`mqtts:`, `wss:`) and
   * the WebSocket run on top of it, and TLS verifies the host of the URL. `timeouts.connectTimeout` includes its time. What
   * it throws ends the attempt with a failure of kind `socket`, and is the `cause` of `ConnectionFailedError`, where it is not
   * redacted: do not throw an error that contains a secret.
   *
   * @default a TCP connection to the host and port of the URL
   */
  readonly socket?: SocketSource
}

/** Options for restoring subscriptions. */
export interface SubscriptionsOptions {
  /**
   * Maximum number of topic filters in one SUBSCRIBE or UNSUBSCRIBE. If the broker closes the connection on so many, the
   * client halves it until the broker answers, and remembers that for each server as long as the client exists.
   *
   * @default 8 for endpoints of AWS IoT Core (`*.iot.*.amazonaws.com`), which accept no more; else 100
   */
  readonly batchSize?: number
  /** Whether to subscribe again if the broker kept the session. @default 'skip' */
  readonly onSessionPresent?: 'skip' | 'always'
}

/** Options for received messages. Durations are in milliseconds. */
export interface InboxOptions {
  /**
   * How long messages that no subscription matches wait for one, unacknowledged. The time runs from the client's first
   * CONNACK, if the broker kept the session of an earlier process. 0 turns it off.
   *
   * @default 5_000
   */
  readonly claimTimeout?: number
  /** Maximum number of waiting messages; beyond it, the oldest is acknowledged and reported. @default 1_000 */
  readonly maxUnclaimed?: number
  /** How long acknowledgements may be held back without progress before `acknowledgementsStalled`. @default 30_000 */
  readonly stallAfter?: number
  /**
   * How many messages may be unprocessed, of every QoS: those that handlers with `ack: 'after-handler'` have received and not
   * processed, those that loops have not taken, and those that paused subscriptions hold.
   *
   * At this limit, further messages of all subscriptions wait until half of these are processed, or their subscription is
   * unsubscribed. Meanwhile the socket is not read, so that the broker keeps or drops what it has for the client. It is read
   * while the client awaits an answer of the broker or the response to a request; responses do not wait. Of the messages that
   * arrive then, as many again may wait; beyond that, the oldest of QoS 0 is dropped. A browser cannot stop reading a
   * WebSocket: there, further messages wait or are dropped at once.
   *
   * Messages of QoS 1 and 2 that wait when the connection ends wait for the next one: the broker sends them again if it
   * keeps the session.
   *
   * @default 10_000
   */
  readonly maxUnprocessed?: number
  /** Maximum size of their payloads in bytes. A single message may exceed it. @default 16 MiB */
  readonly maxUnprocessedBytes?: number
}

type Policies = Pick<
  ConnectionInput,
  'reconnect' | 'recovery' | 'timeouts' | 'onTakeover' | 'classify' | 'random' | 'now'
>

/** Options of `ResilientMqttClient`. Durations are in milliseconds. */
export interface ResilientMqttClientOptions extends Policies {
  /**
   * Tells the client from others of the process: as the property `client` of its log lines, in `status`, in
   * `ConnectionFailedError`, and as the id of its actor, which inspectors and the visualizer show. The broker does not get
   * it. At most 100 characters; it must not be a secret.
   *
   * @default the `clientId`, if `options` is an object that has one which could be a name. Otherwise none: the id of the
   * actor is `connection` then
   */
  readonly name?: string
  /**
   * The server, or a list of servers: the next one follows an attempt that failed or a connection that was not stable.
   * Required unless `servers`, `options` or `credentials` provide it.
   *
   * @default none
   */
  readonly url?: string | readonly string[]
  /**
   * Several servers with priorities and weights, or a function that returns them, for example from a directory. Instead of
   * every `url`: together with one of the options or the credentials it is an error. A server that fails cools down, and the
   * client returns to a better one in a quiet moment: see `failover`.
   *
   * If the function fails, or does not answer within half of `timeouts.connectTimeout`, the client keeps to the servers that
   * it returned before, and reports the error through the event `error`. If there are none, the attempt fails.
   *
   * @default none
   */
  readonly servers?: ServerList | ServersSource
  /** How one of several `servers` is chosen. @default the defaults of `FailoverOptions` */
  readonly failover?: FailoverOptions
  /**
   * How to connect, or a function that returns it. The function is called for each recreated client, when connecting
   * starts over after the client gave up or was disconnected, and again if its result could not be used. It is also called
   * for the attempt after a TLS failure, and for each attempt once its client certificate has expired. For a
   * function that is called for each CONNECT, see `evaluateOptions`.
   *
   * @default the defaults of `ConnectOptions`
   */
  readonly options?: ConnectOptions | (() => ConnectOptions | Promise<ConnectOptions>)
  /**
   * When a function in `options` is called: `per-client` for each recreated client, or `per-attempt` for each attempt to
   * connect. With `per-attempt`, everything in it may change at every CONNECT: will, client id, clean start, keep alive,
   * TLS. The calls never overlap.
   *
   * @default 'per-client'
   */
  readonly evaluateOptions?: 'per-client' | 'per-attempt'
  /** Returns credentials, if they are more than a fixed user name and password. @default none */
  readonly credentials?: CredentialsSource
  /**
   * Credentials are renewed this long before they expire, but never earlier than in the last tenth of their lifetime.
   *
   * @default 300_000
   */
  readonly refreshBefore?: number
  /**
   * After how many WebSocket connections in a row that are closed before the CONNACK, without a reason, the client asks for
   * new credentials. A browser hides the HTTP status by which a server refuses a token. 0 turns it off.
   *
   * @default 3
   */
  readonly refreshAfterCloses?: number
  /**
   * Which Server References the client follows (MQTT 5 §4.11): those to the hosts of its own URLs, from whichever
   * option they come, all, none, or those that a function allows. The scheme never changes, so TLS stays TLS.
   *
   * @default { allow: 'own-hosts', maxHops: 3 }
   */
  readonly redirect?: {
    readonly allow?: 'own-hosts' | 'any' | 'none' | ((serverReference: string) => boolean)
    readonly maxHops?: number
  }
  /**
   * What happens to pending calls when the client gives up, and to calls that are made while it is `failed`:
   *
   * - `reject`: publishes, requests and `subscription.ready` reject with `ConnectionFailedError`. The client keeps its
   *   subscriptions, and durable publishes in the store, for a later `connect()`, `resetReconnect()` or `recover()`
   * - `wait`: all of them wait for a later `connect()`, `resetReconnect()` or `recover()`
   *
   * @default 'reject'
   */
  readonly onGiveUp?: 'reject' | 'wait'
  /**
   * Called on each connection after the subscriptions are restored and before the outbox drains, for messages that must
   * come first: the birth certificate of Sparkplug B, or the availability of a device. The outbox drains when the promise
   * has resolved and everything that `publish` was given is acknowledged. If it rejects, or takes longer than
   * `timeouts.birthTimeout`, the event `error` reports that, and the outbox drains. `client.publish` and the handlers of
   * `connected` do not wait for it, but what they publish comes after it: do not await `client.publish` in it.
   *
   * @default the outbox drains at once
   */
  readonly birth?: Birth
  /** The limits of the publishes that wait for the connection. @default the defaults of `OutboxOptions` */
  readonly outbox?: Partial<OutboxOptions>
  /**
   * The limits of received messages, and what happens to those without a handler.
   *
   * @default the defaults of `InboxOptions`
   */
  readonly inbox?: InboxOptions
  /**
   * Called with each message that no subscription matches, for example because an earlier process subscribed to it.
   * Such messages are acknowledged on receipt. With this option, no message waits for a subscription.
   *
   * @default such messages are acknowledged and reported through `unclaimed`
   */
  readonly onMessage?: (message: Message) => unknown
  /**
   * For feeds that must never be silent: how long no message may come while the broker has subscriptions of the client, in
   * milliseconds. Some brokers answer pings and deliver nothing. The limit is exceeded by at most a quarter. A PINGREQ
   * follows, and if no message comes before its answer, or within `timeouts.probeTimeout`, the connection is replaced, with
   * the next server of the list: a failure of kind `timeout` and phase `traffic`. If no message comes on the new connection
   * either, the limit doubles, up to an hour.
   *
   * The time does not run while the client itself keeps messages away: a subscription is paused, acknowledgements are held
   * back, or messages wait for handlers.
   *
   * @default 0, which turns it off
   */
  readonly expectTrafficWithin?: number
  /**
   * Where publishes with `durable: true` are kept until they are acknowledged, so that they outlive the process: the
   * path of a folder, which requires the package `classic-level`, or a database with the `abstract-level` interface,
   * such as `browser-level`, which you close yourself. Each store belongs to one client at one broker.
   *
   * The store also keeps the generated client id, so that `clean: false` does not require a `clientId`.
   *
   * @default none: nothing outlives the process
   */
  readonly store?: string | LevelDatabase
  /** How subscriptions are restored. @default the defaults of `SubscriptionsOptions` */
  readonly subscriptions?: SubscriptionsOptions
  /**
   * When a publish on which the broker closes the connection counts as poison, and when suspended publishes and
   * subscriptions are tried again.
   *
   * @default the defaults of `QuarantineOptions`
   */
  readonly quarantine?: Partial<QuarantineOptions>
  /**
   * The topic of responses to this client's requests (MQTT 5). No other client may use the same topic.
   *
   * @default `response/` and a random text, or with `clean: false` the client id, because a kept session keeps the
   *   subscription. If the broker gives Response Information, which is asked for once a request has needed it, that comes
   *   first
   */
  readonly responseTopic?: string
  /**
   * Which signals wake the client, as `wake()` does: they end a delay, or probe the open connection with a PINGREQ, which
   * has to be answered within `timeouts.probeTimeout`. `false` turns all of them off. After a signal, the client is woken
   * by the next one of the same name 5 s later at the earliest. Of the clients of a process, 100 are woken every 10 ms.
   *
   * @default every signal that exists where the client runs; none with the option `clock`
   */
  readonly wakeOn?: false | readonly WakeSignal[]
  /** Admits each attempt to connect. `createFleet` shares one among its clients. @default every attempt may begin */
  readonly gate?: AdmissionGate
  /**
   * A logger with pino's methods.
   *
   * @default prints the first error of each kind with `console.error`, and why the first connection does not come about
   */
  readonly logger?: Logger
  /** An XState inspector. @default none */
  readonly inspect?: ((event: InspectionEvent) => void) | Observer<InspectionEvent>
  /**
   * Records what the connection machine receives and does, for `npx xstate-mqtt replay`: see docs/recorder.md. An error of the
   * disk, or of your function, is reported once, through the event `error`, and does not stop the client.
   *
   * @default nothing is recorded
   */
  readonly recorder?: RecorderOptions
  /**
   * The clock of all timers and of time to live. The default is monotonic (`performance.now()`), so setting the
   * system's clock does not change when a message expires. Whether time passes while the computer sleeps depends on the
   * system: on Linux and macOS it does not.
   *
   * @default real time
   */
  readonly clock?: Clock
}

/** The limits of the publishes that wait, and what happens at them. */
export interface OutboxOptions {
  /** Maximum number of waiting messages. @default 10_000 */
  readonly maxMessages: number
  /** Maximum size of topics and payloads in bytes. @default 64 MiB */
  readonly maxBytes: number
  /**
   * What happens to a message when the outbox is full: it is rejected, or replaces the oldest or the newest waiting
   * message.
   *
   * @default 'reject'
   */
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest'
  /**
   * How much is sent in a second. Further publishes wait. If a broker objects to the rate, less is sent to it, also
   * without this option: see `status.outbox.rate`.
   *
   * @default no limit
   */
  readonly rate: Partial<RateOptions>
}

/** How much is sent in a second, resent publishes included. A tenth of it may leave at once. */
export interface RateOptions {
  /** The number of PUBLISH packets. @default Infinity */
  readonly messages: number
  /** The size of their topics and payloads in bytes. A single larger publish is sent, and delays the next. @default Infinity */
  readonly bytes: number
}

/** When a publish counts as poison, and when a suspended packet is tried again. */
export interface QuarantineOptions {
  /**
   * How long the broker must keep closing the connection on a publish, while it accepts others, before the publish
   * counts as poison. In milliseconds.
   *
   * @default 120_000
   */
  readonly after: number
  /** The pause before a suspended packet is tried again, in milliseconds. It doubles each time. @default 5_000 */
  readonly initialDelay: number
  /** The longest pause between two tries, in milliseconds. @default 900_000 */
  readonly maxDelay: number
}
