import type { Jitter } from '../../machines/policy/backoff.ts'
import type { Codec, StandardSchema } from './codec.ts'
import type { InvalidMessageError } from './errors.ts'
import type { Message, Payload, PublishProperties, Qos } from './message.ts'

export interface PublishOptions<Value = Payload> {
  /** @default 0 */
  readonly qos?: Qos
  /** @default false */
  readonly retain?: boolean
  /** MQTT 5. The Message Expiry Interval is sent reduced by the time that the message waited. */
  readonly properties?: PublishProperties
  /**
   * How long it may wait until it is sent, in milliseconds of the client's `clock`. It also holds after it was sent: one
   * that is not acknowledged when the broker has lost the session is not sent anew, and rejects with
   * `PublishExpiredError`, though it may have been delivered. With its session it is sent again as MQTT demands.
   *
   * @default the Message Expiry Interval, or for ever
   */
  readonly ttl?: number
  /** Of all that wait with the same key only the newest is sent; `true` takes the topic for it. */
  readonly latest?: boolean | string
  /** Survives the end of the process. Needs QoS 1 or 2 and the client's option `store`. @default false */
  readonly durable?: boolean
  /** Makes the payload of the value. */
  readonly codec?: Codec<Value>
  /**
   * Rejects the promise with the signal's reason. A message that was not sent is removed; one that was sent may be
   * delivered, also again on a later connection with its session, but is not sent anew if the session is lost.
   */
  readonly signal?: AbortSignal
}

/** Options of a publish whose payload a codec makes. */
export interface EncodedPublishOptions<Value> extends PublishOptions<Value> {
  readonly codec: Codec<Value>
}

/**
 * A publish on its way: resolves at PUBACK or PUBCOMP, for QoS 0 when it is written. Its payload is not copied: a
 * `Uint8Array` must not be changed before that.
 */
export interface PendingPublish extends Promise<PublishResult> {
  /** Resolves when the client is answerable for it: a durable one is on disk then. Rejects if it is not accepted. */
  readonly accepted: Promise<void>
}

export interface SubscribeOptions<Value = Uint8Array> {
  /** @default 0 */
  readonly qos?: Qos
  /** Not what this client publishes itself (MQTT 5 §3.8.3.1). @default false */
  readonly noLocal?: boolean
  /** Keep the retain flag as it was published (MQTT 5 §3.8.3.1). @default false */
  readonly retainAsPublished?: boolean
  /** When retained messages come: 0 at each SUBSCRIBE, 1 if it is new, 2 never (MQTT 5 §3.8.3.1). @default 0 */
  readonly retainHandling?: 0 | 1 | 2
  /**
   * When the broker gets its acknowledgement: at once, or when the handler's promise has resolved. If it rejects, the
   * handler is called again: see `retry`.
   *
   * @default 'on-receipt'; in an async loop, when the next message is asked for, or the loop is left: what is to come again
   *   after an error needs a handler that rejects
   */
  readonly ack?: 'on-receipt' | 'after-handler'
  /** How a handler that failed is called again. It needs `ack: 'after-handler'` and QoS 1 or 2. */
  readonly retry?: HandlerRetryOptions
  /** Makes the value of the payload. @default bytes */
  readonly codec?: Codec<Value>
  /** Checks the value, by any validator that speaks Standard Schema. */
  readonly schema?: StandardSchema<Value>
  /** Gets what can't be decoded or is not valid. @default the client's `error` event */
  readonly onInvalid?: (error: InvalidMessageError, message: Message) => void
  /**
   * In an async loop: how many messages may wait; beyond it the oldest is dropped. Those of QoS 1 and 2 are not, as
   * long as their acknowledgements wait for the loop: then the broker holds the others back.
   *
   * @default 1_000
   */
  readonly bufferSize?: number
}

/**
 * How a handler that threw or rejected is called again for its message. Only the handlers that failed are called, later
 * messages are delivered meanwhile, and acknowledgements wait, because they keep their order (MQTT-4.6.0-2). An unsubscribe
 * and the end of the connection end it. Durations are in milliseconds.
 */
export interface HandlerRetryOptions {
  /** Before the first call that repeats one. @default 1_000 */
  readonly initialDelay?: number
  /** @default 2 */
  readonly multiplier?: number
  /** @default 30_000 */
  readonly maxDelay?: number
  /** @default 'equal' */
  readonly jitter?: Jitter
  /** How often it is called again. @default 8, which takes about a minute and a half */
  readonly maxAttempts?: number
  /**
   * What follows when it still fails; `messageFailed` tells of it in both cases.
   *
   * - `acknowledge`: the message is acknowledged, and the broker forgets it
   * - `reconnect`: the connection is replaced, and the broker sends again what was un-acked
   *
   * @default `reconnect` if the broker keeps the session (`clean: false`). Without a kept session a new connection would
   *   lose this message and all others that are un-acked, so it is `acknowledge` there
   */
  readonly whenExhausted?: 'acknowledge' | 'reconnect'
}

export type MessageHandler<Value = Uint8Array> = (message: Message<Value>) => unknown

/**
 * A subscription, until it is ended. It is restored by itself after every interruption. Of subscriptions that overlap each
 * gets a message once, even from a broker that sends a copy for each, if it knows Subscription Identifiers (MQTT 5
 * §3.3.4). On MQTT 3.1.1 nobody can tell for which one a copy is: a shared subscription should not overlap with others there.
 */
export interface Subscription {
  readonly filter: string
  /**
   * Resolves with the granted QoS; rejects if the broker refuses it for good, or it is ended before. If it rejects with
   * `ConnectionFailedError`, because the client gave up (see the option `onGiveUp`), the subscription stays wanted, and
   * once a later connection has brought it to the broker `ready` is a new promise. It stays pending while the
   * subscription is suspended.
   */
  readonly ready: Promise<Qos>
  /** Ends it, also while offline: the broker is told later, then. */
  unsubscribe(): void
}

/**
 * A subscription whose messages are taken in a loop: `for await (const message of subscription)`. Several loops share
 * them; when the last one is left, the subscription ends, and what still waits is dropped.
 */
export interface IterableSubscription<Value = Uint8Array> extends Subscription, AsyncIterable<Message<Value>> {
  /** How many messages were dropped because the loop was too slow. */
  readonly dropped: number
}

/** What answers a request. */
export interface ResponseOptions {
  /** The topic filter on which the response comes. A retained message is never taken for it. */
  readonly filter: string
  /** How long it is awaited from when the request is sent, in milliseconds. @default the interval */
  readonly timeout?: number
  /** Whether a message is the response. @default the first that comes */
  readonly match?: (message: Message) => boolean
}

export interface PeriodicRequestOptions {
  readonly topic: string
  /** The payload, or what gives it for each request. */
  readonly payload: Payload | (() => Payload | Promise<Payload>)
  /**
   * From one request to the next, in milliseconds; longer if one takes longer to be sent, acknowledged and answered. One
   * that takes more than 30 s (or the interval, if that is longer) to be sent, or to be acknowledged if no response is
   * expected, is given up, and told by the client's `error` event.
   */
  readonly interval: number
  /** Spreads each interval by up to this fraction of it, in both directions. @default 0 */
  readonly jitter?: number
  /** @default 0 */
  readonly qos?: Qos
  /** Expects a response to each request. */
  readonly response?: ResponseOptions
  readonly onResponse?: (message: Message) => unknown
  /** No response came in time. */
  readonly onTimeout?: () => unknown
}

/** Requests that repeat while the connection is ready. */
export interface PeriodicRequestHandle {
  /** No further request until `resume()`; one under way is given up. */
  pause(): void
  /** The next request follows at once, if the connection is ready. */
  resume(): void
  /** Ends them for good. */
  stop(): void
}

export interface RequestOptions {
  /** For the response, in milliseconds, waiting for a connection included. @default 30_000 */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** @default 1 */
  readonly qos?: Qos
  /**
   * Where the response comes. On MQTT 5 the client has a topic of its own for all its requests; on MQTT 3.1.1 nothing
   * tells the other side where to answer, so it must be given.
   */
  readonly responseTopic?: string
  /** Whether a message is the response. @default by Correlation Data on MQTT 5, else the first that comes */
  readonly match?: (message: Message) => boolean
}

export interface DisconnectOptions {
  /** Stops waiting when it aborts; the connection is closed all the same. */
  readonly signal?: AbortSignal
  /**
   * How long the outbox may drain before, in milliseconds, if the connection is ready.
   *
   * @default timeouts.disconnectTimeout
   */
  readonly drainTimeout?: number
  /**
   * What becomes of publishes that are left then: rejected with `DisconnectedError`, or kept for the next `connect()`.
   * Durable ones are kept in the store either way.
   *
   * @default 'reject'
   */
  readonly outbox?: 'reject' | 'keep'
}

/** What a publish came to. */
export interface PublishResult {
  /** Of the PUBACK or PUBREC: 0, or 0x10 when nobody has subscribed (MQTT 5 only). 0 for QoS 0. */
  readonly reasonCode: number
}
