import type { ConnectionCounters } from '../machines/connection-types.ts'
import type { Failure } from '../machines/failure.ts'
import type { ConnectionState } from './events.ts'
import type { Message, Payload, PublishProperties, Qos } from './types.ts'

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
  readonly lastFailure: Failure | null
  readonly counters: ConnectionCounters
}

export interface PublishOptions {
  /** @default 0 */
  readonly qos?: Qos
  /** @default false */
  readonly retain?: boolean
  /** MQTT 5. */
  readonly properties?: PublishProperties
  /** How long it may wait in the outbox, in milliseconds. @default for ever */
  readonly ttl?: number
  /** Of all that wait with the same key only the newest is sent; `true` takes the topic for it. */
  readonly latest?: boolean | string
  /** Removes it, as long as it was not sent. */
  readonly signal?: AbortSignal
}

export interface SubscribeOptions {
  /** @default 0 */
  readonly qos?: Qos
  /** Not what this client publishes itself (MQTT 5 §3.8.3.1). @default false */
  readonly noLocal?: boolean
  /** Keep the retain flag as it was published (MQTT 5 §3.8.3.1). @default false */
  readonly retainAsPublished?: boolean
  /** When retained messages come: 0 at each SUBSCRIBE, 1 if it is new, 2 never (MQTT 5 §3.8.3.1). @default 0 */
  readonly retainHandling?: 0 | 1 | 2
}

export type MessageHandler = (message: Message) => unknown

/** A subscription, until it is ended. It is restored by itself after every interruption. */
export interface Subscription {
  readonly filter: string
  /** Resolves with the granted QoS; rejects if the broker refuses it for good, or it is ended before. */
  readonly ready: Promise<Qos>
  /** Ends it, also while offline: the broker is told later, then. */
  unsubscribe(): void
}

export interface PeriodicRequestOptions {
  readonly topic: string
  /** The payload, or what gives it for each request. */
  readonly payload: Payload | (() => Payload | Promise<Payload>)
  /** From one request to the next, in milliseconds. */
  readonly interval: number
  /** Spreads each interval by up to this fraction of it, in both directions. @default 0 */
  readonly jitter?: number
  /** @default 0 */
  readonly qos?: Qos
}

/** Requests that repeat while the connection is ready. */
export interface PeriodicRequestHandle {
  /** Ends them for good. */
  stop(): void
}
