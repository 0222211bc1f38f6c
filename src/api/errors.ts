import type { Failure } from '../../machines/failure.ts'
import type { SchemaIssue } from './codec.ts'
import { describeFailure, hex } from './describe-failure.ts'

/** What all errors of this package are: `code` is stable, `name` is the class's. */
export abstract class ResilientMqttError extends Error {
  abstract readonly code: string
}

/** An option is wrong. Nothing was done. */
export class InvalidOptionError extends ResilientMqttError {
  override readonly name = 'InvalidOptionError'
  readonly code = 'INVALID_OPTION'

  readonly option: string
  readonly rule: string
  readonly value: unknown

  /**
   * @param option - its path, such as `reconnect.maxDelay`
   * @param rule - what it must be, such as `must be at least 0`
   * @param value - what it was; leave it out for secrets
   */
  constructor(option: string, rule: string, value?: unknown) {
    super(`${option} ${rule}${value === undefined ? '' : `, got ${show(value)}`}`)
    this.option = option
    this.rule = rule
    this.value = value
  }
}

/**
 * For the credentials source to reject with when the account itself is wrong: no further attempt is made. Any other
 * rejection counts as transient.
 */
export class InvalidCredentialsError extends ResilientMqttError {
  override readonly name = 'InvalidCredentialsError'
  readonly code = 'INVALID_CREDENTIALS'

  constructor(message = 'the credentials are invalid', options?: ErrorOptions) {
    super(message, options)
  }
}

/** The machine gave up: it rests in `failed`. */
export class ConnectionFailedError extends ResilientMqttError {
  override readonly name = 'ConnectionFailedError'
  readonly code = 'CONNECTION_FAILED'

  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super(`gave up: ${describeFailure(failure)}`, options)
    this.failure = failure
  }

  /** The reason code of the CONNACK or DISCONNECT, if that was it. */
  get reasonCode(): number | undefined {
    return 'reasonCode' in this.failure ? this.failure.reasonCode : undefined
  }
}

/** The connection ended before this was done. */
export class ConnectionLostError extends ResilientMqttError {
  override readonly name = 'ConnectionLostError'
  readonly code = 'CONNECTION_LOST'

  constructor(what: string) {
    super(`the connection was lost before ${what}`)
  }
}

/** `disconnect()` was called while this was under way. */
export class DisconnectedError extends ResilientMqttError {
  override readonly name = 'DisconnectedError'
  readonly code = 'DISCONNECTED'

  constructor(what: string) {
    super(`disconnected before ${what}`)
  }
}

/** The client was disposed. */
export class ClientDisposedError extends ResilientMqttError {
  override readonly name = 'ClientDisposedError'
  readonly code = 'CLIENT_DISPOSED'

  constructor() {
    super('the client was disposed')
  }
}

/** It took longer than the timeout that was given. */
export class TimeoutError extends ResilientMqttError {
  override readonly name = 'TimeoutError'
  readonly code = 'TIMEOUT'

  /** In milliseconds. */
  readonly timeout: number

  constructor(what: string, timeout: number) {
    super(`${what} took longer than ${timeout} ms`)
    this.timeout = timeout
  }
}

/** The broker refused a message. */
export class PublishRefusedError extends ResilientMqttError {
  override readonly name = 'PublishRefusedError'
  readonly code = 'PUBLISH_REFUSED'

  readonly topic: string
  /** Of the PUBACK, PUBREC or PUBCOMP (MQTT 5 §3.4.2.1). */
  readonly reasonCode: number
  readonly reasonString: string | undefined

  constructor(topic: string, reasonCode: number, reasonString: string | undefined) {
    super(`the broker refused the publish to ${topic}: ${hex(reasonCode)}${reasonString ? ` ${reasonString}` : ''}`)
    this.topic = topic
    this.reasonCode = reasonCode
    this.reasonString = reasonString
  }
}

/** The message waited in the outbox for longer than its time to live. */
export class PublishExpiredError extends ResilientMqttError {
  override readonly name = 'PublishExpiredError'
  readonly code = 'PUBLISH_EXPIRED'

  readonly topic: string

  constructor(topic: string) {
    super(`the publish to ${topic} expired before it could be sent`)
    this.topic = topic
  }
}

/** The outbox is full, and its overflow policy chose this message. */
export class OutboxOverflowError extends ResilientMqttError {
  override readonly name = 'OutboxOverflowError'
  readonly code = 'OUTBOX_OVERFLOW'

  readonly topic: string
  readonly policy: string

  constructor(topic: string, policy: string) {
    super(`the outbox is full: the publish to ${topic} was dropped (overflow: '${policy}')`)
    this.topic = topic
    this.policy = policy
  }
}

/** A newer message with the same `latest` key took its place. */
export class PublishSupersededError extends ResilientMqttError {
  override readonly name = 'PublishSupersededError'
  readonly code = 'PUBLISH_SUPERSEDED'

  readonly topic: string

  constructor(topic: string) {
    super(`a newer publish to ${topic} took the place of this one`)
    this.topic = topic
  }
}

/** The broker does not support what the message needs: its size, its QoS, or retain. */
export class NotSupportedByBrokerError extends ResilientMqttError {
  override readonly name = 'NotSupportedByBrokerError'
  readonly code = 'NOT_SUPPORTED_BY_BROKER'

  readonly topic: string
  readonly limit: 'maximumPacketSize' | 'maximumQos' | 'retainAvailable'

  constructor(topic: string, limit: 'maximumPacketSize' | 'maximumQos' | 'retainAvailable', rule: string) {
    super(`the publish to ${topic} is beyond the broker's limits: ${rule}`)
    this.topic = topic
    this.limit = limit
  }
}

/**
 * The broker closed the connection on this publish again and again, and took others meanwhile, so it was taken out. A
 * durable one is in `client.quarantine` then.
 */
export class PoisonPacketError extends ResilientMqttError {
  override readonly name = 'PoisonPacketError'
  readonly code = 'POISON_PACKET'

  readonly kind = 'publish'
  readonly topic: string

  constructor(topic: string) {
    super(`the broker closed the connection again and again on the publish to ${topic}: it was taken out`)
    this.topic = topic
  }
}

/** A packet could not be encoded, so it was not sent. That is a fault of this package: please report it. */
export class PacketEncodingError extends ResilientMqttError {
  override readonly name = 'PacketEncodingError'
  readonly code = 'PACKET_ENCODING'

  readonly topic: string

  constructor(topic: string, options?: ErrorOptions) {
    super(`the publish to ${topic} could not be encoded`, options)
    this.topic = topic
  }
}

/** The broker refused a subscription. */
export class SubscriptionRefusedError extends ResilientMqttError {
  override readonly name = 'SubscriptionRefusedError'
  readonly code = 'SUBSCRIPTION_REFUSED'

  readonly filter: string
  /** Of the SUBACK (MQTT 5 §3.9.3). */
  readonly reasonCode: number

  constructor(filter: string, reasonCode: number) {
    super(`the broker refused the subscription to ${filter}: ${hex(reasonCode)}`)
    this.filter = filter
    this.reasonCode = reasonCode
  }
}

/** A message could not be decoded, or does not fit the subscription's schema. */
export class InvalidMessageError extends ResilientMqttError {
  override readonly name = 'InvalidMessageError'
  readonly code = 'INVALID_MESSAGE'

  readonly topic: string
  /** What the schema found; empty if the codec failed, which is the `cause` then. */
  readonly issues: readonly SchemaIssue[]

  constructor(topic: string, issues: readonly SchemaIssue[], options?: ErrorOptions) {
    const [first] = issues
    super(`a message to ${topic} is invalid${first ? `: ${first.message}` : ': it could not be decoded'}`, options)
    this.topic = topic
    this.issues = issues
  }
}

/** The subscription was ended by `unsubscribe()` before this was done. */
export class UnsubscribedError extends ResilientMqttError {
  override readonly name = 'UnsubscribedError'
  readonly code = 'UNSUBSCRIBED'

  readonly filter: string

  constructor(filter: string) {
    super(`unsubscribed from ${filter}`)
    this.filter = filter
  }
}

/** What is wrong with a store. */
export type StoreProblem = keyof typeof STORE_PROBLEMS

const STORE_PROBLEMS = {
  locked: 'is in use already: give each client a store of its own, or end the one that has it open',
  foreign: 'holds something else, which was left as it is: choose another place',
  corrupt: 'is damaged, and was left as it is',
  newer: 'was written by a newer version of xstate-mqtt, and was left as it is: upgrade, or choose another place',
  'no-package': 'is a path, which needs Node and the optional package classic-level: npm install classic-level',
  unavailable: 'could not be opened',
  write: 'could not be written',
} as const

/** The store of durable publishes can't be opened, or can't be written. */
export class StoreError extends ResilientMqttError {
  override readonly name = 'StoreError'
  readonly code = 'STORE'

  readonly problem: StoreProblem
  /** Its path, if it has one. */
  readonly location: string

  /** Of a damaged store: how many of its publishes are as they were written. `undefined` if that is not known. */
  readonly sound: number | undefined

  /** @param options - `salvage`: whether `xstate-mqtt store salvage` can read it */
  constructor(
    problem: StoreProblem,
    location: string,
    options?: ErrorOptions & { readonly sound?: number; readonly salvage?: boolean },
  ) {
    super(`the store ${location} ${STORE_PROBLEMS[problem]}${advice(problem, location, options)}`, options)
    this.problem = problem
    this.location = location
    this.sound = options?.sound
  }
}

function advice(
  problem: StoreProblem,
  location: string,
  { cause, sound, salvage }: { readonly cause?: unknown; readonly sound?: number; readonly salvage?: boolean } = {},
): string {
  if ((problem === 'unavailable' || problem === 'write') && cause instanceof Error) return `: ${cause.message}`
  if (problem !== 'corrupt') return ''
  const counted = sound === undefined ? '' : `, ${sound} of its publishes are sound`
  const command = salvage ? `get out what is sound with 'xstate-mqtt store salvage ${location}', or ` : ''
  return `${counted}: ${command}move it away to begin with an empty one`
}

/** In UTF-16 code units. */
const MAX_SHOWN = 100

/** A value, in words: a string on one line and not all of a long one, an object without what is in it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, 20)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
