import type { Jitter } from '../../machines/policy/backoff.ts'
import type { Codec, StandardSchema } from './codec.ts'
import type { InvalidMessageError } from './errors.ts'
import type { Message, Payload, PublishProperties, Qos } from './message.ts'

/** Options of `publish`. */
export interface PublishOptions<Value = Payload> {
  /** @default 0 */
  readonly qos?: Qos
  /** @default false */
  readonly retain?: boolean
  /**
   * MQTT 5 properties. The Message Expiry Interval is reduced by the time that the message waited before it is sent.
   *
   * @default none
   */
  readonly properties?: PublishProperties
  /**
   * How long the message may wait before it is sent, in milliseconds of the client's `clock`. The limit also applies
   * after a lost session: an expired message that was sent but not acknowledged is then not sent again, and rejects
   * with `PublishExpiredError`, although it may have been delivered. While the session exists, it is resent as MQTT
   * requires.
   *
   * @default the Message Expiry Interval, or unlimited
   */
  readonly ttl?: number
  /**
   * A key: of all waiting messages with the same key, only the newest is sent. `true` uses the topic as the key.
   *
   * @default false
   */
  readonly latest?: boolean | string
  /** Whether the message outlives the process. Requires QoS 1 or 2 and the client's option `store`. @default false */
  readonly durable?: boolean
  /** Encodes the value as the payload. @default text and bytes are sent as they are */
  readonly codec?: Codec<Value>
  /**
   * Rejects the promise with the signal's reason when it aborts. A message that was not sent is removed. A message that
   * was sent may still be delivered, and may be resent on a later connection with the same session, but is not sent
   * again if the session is lost.
   *
   * @default none
   */
  readonly signal?: AbortSignal
}

/** Options of a publish whose payload a codec encodes. */
export interface EncodedPublishOptions<Value> extends PublishOptions<Value> {
  /** Encodes the value as the payload. */
  readonly codec: Codec<Value>
}

/**
 * A pending publish. It resolves when the PUBACK or PUBCOMP arrives, with QoS 0 when the packet is written. The payload
 * is not copied: do not change a `Uint8Array` before then.
 */
export interface PendingPublish extends Promise<PublishResult> {
  /**
   * Resolves when the client has accepted the publish: a durable one is then on disk. Rejects if it is not accepted.
   */
  readonly accepted: Promise<void>
}

/** Options of `subscribe`. */
export interface SubscribeOptions<Value = Uint8Array> {
  /** @default 0 */
  readonly qos?: Qos
  /** Whether to exclude messages that this client publishes itself (MQTT 5 §3.8.3.1). @default false */
  readonly noLocal?: boolean
  /** Whether to keep the retain flag as it was published (MQTT 5 §3.8.3.1). @default false */
  readonly retainAsPublished?: boolean
  /**
   * When the broker sends retained messages: 0 at each SUBSCRIBE, 1 only if the subscription is new, 2 never
   * (MQTT 5 §3.8.3.1). With 0, a handler that joins others gets them too, and the others do not get them again, unless
   * one of them has set `retainAsPublished`.
   *
   * @default 0
   */
  readonly retainHandling?: 0 | 1 | 2
  /**
   * User Properties of the SUBSCRIBE, also when the subscription is restored (MQTT 5 §3.8.2.1.3). Of several subscriptions
   * to one topic filter, the newest that has some gives them.
   *
   * @default none
   */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  /**
   * When a message is acknowledged: on receipt, or when the handler's promise resolves. If the promise rejects, the
   * handler is called again: see `retry`, or `MessageRefusedError` to refuse the message. In an async loop, a message is acknowledged when the loop asks for the next
   * one or ends: to receive a message again after an error, use a handler that rejects.
   *
   * @default 'on-receipt'
   */
  readonly ack?: 'on-receipt' | 'after-handler'
  /**
   * How a failed handler is called again. Requires `ack: 'after-handler'` and QoS 1 or 2.
   *
   * @default the defaults of `HandlerRetryOptions`
   */
  readonly retry?: HandlerRetryOptions
  /** Decodes the payload. @default binary, which leaves it as bytes */
  readonly codec?: Codec<Value>
  /** Checks the value, with any validator that implements Standard Schema. @default none: every value is taken */
  readonly schema?: StandardSchema<Value>
  /** Called with each message that cannot be decoded or is not valid. @default the client's `error` event */
  readonly onInvalid?: (error: InvalidMessageError, message: Message) => void
  /**
   * Maximum number of messages that wait for an async loop; beyond it, the oldest is dropped. Messages of QoS 1 and 2
   * are not dropped while their acknowledgements wait for the loop: the broker then holds further messages back.
   *
   * @default no limit, because `inbox.maxUnprocessed` makes the broker wait for the loop. With `ack: 'on-receipt'`, which
   *   that option does not count unless the subscription is paused, 1_000
   */
  readonly bufferSize?: number
}

/**
 * How a handler that threw or rejected is called again with the same message. Only failed handlers are called again.
 * Later messages are delivered meanwhile, but their acknowledgements wait, because MQTT requires their order
 * (MQTT-4.6.0-2). The retries end when the handler is unsubscribed or the connection ends. Durations are in
 * milliseconds.
 */
export interface HandlerRetryOptions {
  /** The delay before the first retry. @default 1_000 */
  readonly initialDelay?: number
  /** What each further delay is multiplied by. @default 2 */
  readonly multiplier?: number
  /** The longest delay between two retries. @default 30_000 */
  readonly maxDelay?: number
  /** How the delays are spread randomly. @default 'equal' */
  readonly jitter?: Jitter
  /** Maximum number of retries. @default 8, which takes about a minute and a half */
  readonly maxAttempts?: number
  /**
   * What happens when the last retry fails. The event `messageFailed` reports it in both cases.
   *
   * - `acknowledge`: the message is acknowledged, and the broker does not send it again
   * - `reconnect`: the connection is replaced, and the broker resends all unacknowledged messages
   *
   * @default `reconnect` if the broker keeps the session (`clean: false`), else `acknowledge`, because a new connection
   *   would lose this message and all other unacknowledged ones
   */
  readonly whenExhausted?: 'acknowledge' | 'reconnect'
}

/**
 * Called with each message of a subscription. With `ack: 'after-handler'`, the promise that it returns decides when the
 * message is acknowledged.
 */
export type MessageHandler<Value = Uint8Array> = (message: Message<Value>) => unknown

/**
 * A subscription. The client restores it after every interruption, until you unsubscribe. Overlapping subscriptions
 * each receive a message once, even if the broker sends a copy for each of them, provided that the broker supports
 * Subscription Identifiers (MQTT 5 §3.3.4). On MQTT 3.1.1 a copy does not show which subscription it is for, so a
 * shared subscription should not overlap with others there.
 */
export interface Subscription {
  readonly filter: string
  /**
   * Resolves with the granted QoS. Rejects if the broker refuses the subscription for good, or if you unsubscribe
   * first. A refusal for a reason that may pass is tried again for about half a minute: see the event
   * `subscriptionRefused`. If it rejects with `ConnectionFailedError`, because the client gave up (see the option `onGiveUp`), the
   * client still wants the subscription: once a later connection has restored it, `ready` is a new promise. The promise
   * stays pending while the subscription is suspended.
   */
  readonly ready: Promise<Qos>
  /** Ends the subscription. While offline, the UNSUBSCRIBE is sent later. Messages that a pause holds are dropped. */
  unsubscribe(): void
  /** Whether `pause()` was called last. */
  readonly isPaused: boolean
  /**
   * Hands no more messages to the handler or the loops, until `resume()`. The broker still sends them: they are held in
   * order, and count towards `inbox.maxUnprocessed` and `inbox.maxUnprocessedBytes`. At these limits the messages of all
   * subscriptions wait, and the socket is not read.
   *
   * With `ack: 'after-handler'`, and in loops, held messages of QoS 1 and 2 are not acknowledged, so a broker that keeps the
   * session sends them again after a reconnect. It sends no more than the Receive Maximum, and the acknowledgements of
   * later messages of other subscriptions wait, too (MQTT-4.6.0-2). With `ack: 'on-receipt'`, held messages are
   * acknowledged: if the process ends, they are lost.
   *
   * A message that the handler is processing is not interrupted. A message that fails its `schema` or can't be decoded is
   * still reported on arrival.
   */
  pause(): void
  /** Ends a pause. The held messages come first, after the code that is running now. */
  resume(): void
}

/**
 * A subscription whose messages you read in a loop: `for await (const message of subscription)`. Several loops share
 * the messages. When the last loop ends, the subscription ends, and waiting messages are dropped.
 */
export interface IterableSubscription<Value = Uint8Array> extends Subscription, AsyncIterable<Message<Value>> {
  /** Number of messages that were dropped because the loop was too slow. */
  readonly dropped: number
}

/** How to recognize the response to a request. */
export interface ResponseOptions {
  /** The topic filter that the response matches. A retained message never counts as the response. */
  readonly filter: string
  /** How long to wait for the response after the request is sent, in milliseconds. @default the interval */
  readonly timeout?: number
  /** Returns whether a message is the response. @default the first message is */
  readonly match?: (message: Message) => boolean
}

/** Options of `startPeriodicRequests`. */
export interface PeriodicRequestOptions {
  /** The topic that the requests are published to. */
  readonly topic: string
  /** The payload, or a function that returns it for each request. */
  readonly payload: Payload | (() => Payload | Promise<Payload>)
  /**
   * The time from one request to the next, in milliseconds. It is longer if a request takes longer to be sent,
   * acknowledged and answered. A request that is not sent within 30 s (or the interval, if that is longer), or not
   * acknowledged if no response is expected, is abandoned and reported through the client's `error` event.
   */
  readonly interval: number
  /** Spreads each interval by up to this fraction of it, in both directions. @default 0 */
  readonly jitter?: number
  /** @default 0 */
  readonly qos?: Qos
  /** Set this if each request has a response. @default none: a request is done when it is acknowledged */
  readonly response?: ResponseOptions
  /** Called with each response. @default nothing is called */
  readonly onResponse?: (message: Message) => unknown
  /** Called when no response arrives in time. @default nothing is called */
  readonly onTimeout?: () => unknown
}

/** Requests that repeat while the connection is ready. */
export interface PeriodicRequestHandle {
  /** Stops sending requests until `resume()`. A pending request is abandoned. */
  pause(): void
  /** Sends the next request immediately if the connection is ready. */
  resume(): void
  /** Ends the requests for good. */
  stop(): void
}

/** Options of `request`. */
export interface RequestOptions {
  /** How long to wait for the response, in milliseconds, including the wait for a connection. @default 30_000 */
  readonly timeout?: number
  /** Rejects the promise with the signal's reason when it aborts. @default none */
  readonly signal?: AbortSignal
  /** @default 1 */
  readonly qos?: Qos
  /**
   * The topic of the response. On MQTT 5 the client has one topic of its own for all its requests. MQTT 3.1.1 has no
   * property for it, so it is required there, and the responder must know it.
   *
   * @default the topic of the client on MQTT 5
   */
  readonly responseTopic?: string
  /** Returns whether a message is the response. @default by Correlation Data on MQTT 5, else the first message is */
  readonly match?: (message: Message) => boolean
}

/** Options of `disconnect`. */
export interface DisconnectOptions {
  /**
   * What happens to handlers with `ack: 'after-handler'`, and loops, that are processing messages:
   *
   * - `abandon`: the connection ends, and a broker that keeps the session sends their messages again
   * - `finish`: no more messages are handed over; those that handlers and loops have are processed and acknowledged first,
   *   within `timeout`. A broker that keeps the session keeps the others, and those that a paused subscription holds
   *
   * @default 'abandon'
   */
  readonly handlers?: 'abandon' | 'finish'
  /**
   * How long to wait for handlers with `finish`, in milliseconds. Then the connection ends as with `abandon`, and the call
   * still resolves.
   *
   * @default timeouts.disconnectTimeout
   */
  readonly timeout?: number
  /**
   * Of the DISCONNECT: 0 lets the broker discard the will, 0x04 lets it publish the will (MQTT 5 §3.14.2.1). MQTT 3.1.1 has
   * no reason code: with 0x04 the connection is closed without a DISCONNECT, which has the same effect.
   *
   * @default 0
   */
  readonly reasonCode?: 0x00 | 0x04
  /**
   * How long the broker keeps the session from now on, in milliseconds, instead of the option `sessionExpiry` (MQTT 5). 0
   * ends the session. If CONNECT asked for 0, it can't be more (MQTT 5 §3.14.2.2.2).
   *
   * @default unchanged
   */
  readonly sessionExpiry?: number
  /** User properties of the DISCONNECT (MQTT 5). @default none */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  /** Stops waiting when it aborts. The connection is closed nevertheless. @default none */
  readonly signal?: AbortSignal
  /**
   * How long to wait for the outbox to drain first, in milliseconds, if a connection is open.
   *
   * @default timeouts.disconnectTimeout
   */
  readonly drainTimeout?: number
  /**
   * What happens to the publishes that are left: they are rejected with `DisconnectedError`, or kept for the next
   * `connect()`. Durable publishes stay in the store either way.
   *
   * @default 'reject'
   */
  readonly outbox?: 'reject' | 'keep'
}

/** The result of a publish. */
export interface PublishResult {
  /** The reason code of the PUBACK or PUBREC: 0, or 0x10 if there are no subscribers (MQTT 5 only). 0 for QoS 0. */
  readonly reasonCode: number
}
