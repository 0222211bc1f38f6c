import type { Failure } from '../../machines/failure.ts'
import { withoutSecrets } from '../shared/redaction.ts'
import type { SchemaIssue } from './codec.ts'
import { describeFailure } from './describe-failure.ts'
import { reasonWithCode } from './reason-codes.ts'

/** The base class of all errors of this package. `code` is stable, and `name` is the name of the class. */
export abstract class ResilientMqttError extends Error {
  abstract readonly code: string
}

/** An option is invalid. Nothing was done. */
export class InvalidOptionError extends ResilientMqttError {
  override readonly name = 'InvalidOptionError'
  readonly code = 'INVALID_OPTION'

  readonly option: string
  readonly rule: string
  /** The invalid value, with `[redacted]` for what looks like a secret. `undefined` for objects and functions. */
  readonly value: unknown

  /**
   * @param option - the path of the option, such as `reconnect.maxDelay`
   * @param rule - the rule that the value breaks, such as `must be at least 0`
   * @param value - the invalid value; leave it out for secrets
   */
  constructor(option: string, rule: string, value?: unknown) {
    super(`${option} ${rule}${value === undefined ? '' : `, got ${show(value)}`}`)
    this.option = option
    this.rule = rule
    // Not an object: a logger would write its contents, and a password among them.
    if (typeof value === 'string') this.value = withoutSecrets(value)
    else if (Object(value) !== value) this.value = value
  }
}

/**
 * Thrown by your credentials source when the account itself is wrong: the client gives up. Any other rejection counts
 * as temporary.
 */
export class InvalidCredentialsError extends ResilientMqttError {
  override readonly name = 'InvalidCredentialsError'
  readonly code = 'INVALID_CREDENTIALS'

  constructor(message = 'the credentials are invalid', options?: ErrorOptions) {
    super(message, options)
  }
}

/** The client gave up, and stays in the state `failed`. */
export class ConnectionFailedError extends ResilientMqttError {
  override readonly name = 'ConnectionFailedError'
  readonly code = 'CONNECTION_FAILED'

  readonly failure: Failure
  /** The name of the client, if it has one. */
  readonly client: string | undefined

  constructor(failure: Failure, options: ErrorOptions & { readonly client?: string | undefined } = {}) {
    const { client } = options
    super(`${client === undefined ? '' : `${client} `}gave up: ${describeFailure(failure)}`, options)
    this.failure = failure
    this.client = client
  }

  /** The reason code, if the failure was a CONNACK or DISCONNECT of the server. */
  get reasonCode(): number | undefined {
    return 'reasonCode' in this.failure ? this.failure.reasonCode : undefined
  }
}

/** The connection ended before the call was done. */
export class ConnectionLostError extends ResilientMqttError {
  override readonly name = 'ConnectionLostError'
  readonly code = 'CONNECTION_LOST'

  constructor(what: string) {
    super(`the connection was lost before ${what}`)
  }
}

/** `disconnect()` was called before the call was done. */
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

/** The call took longer than its timeout. */
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

/** The broker refused a publish. */
export class PublishRefusedError extends ResilientMqttError {
  override readonly name = 'PublishRefusedError'
  readonly code = 'PUBLISH_REFUSED'

  readonly topic: string
  /** The reason code of the PUBACK, PUBREC or PUBCOMP (MQTT 5 §3.4.2.1). */
  readonly reasonCode: number
  readonly reasonString: string | undefined

  constructor(topic: string, reasonCode: number, reasonString: string | undefined) {
    super(`the broker refused the publish to ${topic}: ${reasonWithCode(reasonCode, reasonString)}`)
    this.topic = topic
    this.reasonCode = reasonCode
    this.reasonString = reasonString
  }
}

/** The message waited in the outbox longer than its time to live. */
export class PublishExpiredError extends ResilientMqttError {
  override readonly name = 'PublishExpiredError'
  readonly code = 'PUBLISH_EXPIRED'

  readonly topic: string

  constructor(topic: string) {
    super(`the publish to ${topic} expired before it could be sent`)
    this.topic = topic
  }
}

/** The outbox is full, and its overflow policy dropped this message. */
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

/** A newer message with the same `latest` key replaced this one. */
export class PublishSupersededError extends ResilientMqttError {
  override readonly name = 'PublishSupersededError'
  readonly code = 'PUBLISH_SUPERSEDED'

  readonly topic: string

  constructor(topic: string) {
    super(`a newer publish to ${topic} replaced this one`)
    this.topic = topic
  }
}

/** The broker does not support the size of the message, its QoS, or retain. Nothing was sent: see `status.broker`. */
export class NotSupportedByBrokerError extends ResilientMqttError {
  override readonly name = 'NotSupportedByBrokerError'
  readonly code = 'NOT_SUPPORTED_BY_BROKER'

  readonly topic: string
  readonly limit: 'maximumPacketSize' | 'maximumQos' | 'retainAvailable'

  constructor(topic: string, limit: 'maximumPacketSize' | 'maximumQos' | 'retainAvailable', rule: string) {
    super(`the publish to ${topic} exceeds the broker's limits: ${rule}`)
    this.topic = topic
    this.limit = limit
  }
}

/**
 * The broker repeatedly closed the connection on this publish, and accepted others meanwhile, so the client removed it
 * from the outbox. A durable publish is now in `client.quarantine`.
 */
export class PoisonPacketError extends ResilientMqttError {
  override readonly name = 'PoisonPacketError'
  readonly code = 'POISON_PACKET'

  readonly kind = 'publish'
  readonly topic: string

  constructor(topic: string) {
    super(`the broker repeatedly closed the connection on the publish to ${topic}, so it was removed`)
    this.topic = topic
  }
}

/** A packet could not be encoded, so it was not sent. This is a bug in this package: please report it. */
export class PacketEncodingError extends ResilientMqttError {
  override readonly name = 'PacketEncodingError'
  readonly code = 'PACKET_ENCODING'

  readonly topic: string

  constructor(topic: string, options?: ErrorOptions) {
    super(`the publish to ${topic} could not be encoded`, options)
    this.topic = topic
  }
}

/** A limit that the broker announced, and that a subscription exceeds: see `status.broker`. */
export type SubscriptionLimit = 'maximumPacketSize' | 'sharedSubscriptionAvailable' | 'wildcardSubscriptionAvailable'

/** The broker refused a subscription, or has announced that it would. */
export class SubscriptionRefusedError extends ResilientMqttError {
  override readonly name = 'SubscriptionRefusedError'
  readonly code = 'SUBSCRIPTION_REFUSED'

  readonly filter: string
  /** The reason code of the SUBACK (MQTT 5 §3.9.3), or the one that fits the limit. */
  readonly reasonCode: number
  /** The broker's own words, if it gave any. They concern all filters of that SUBSCRIBE. */
  readonly reasonString: string | undefined
  /** The limit that the broker announced, if nothing was sent because of it. */
  readonly limit: SubscriptionLimit | undefined

  constructor(
    filter: string,
    reasonCode: number,
    { reasonString, limit }: { reasonString?: string | undefined; limit?: SubscriptionLimit | undefined } = {},
  ) {
    const words = reasonWithCode(reasonCode, reasonString)
    super(
      limit
        ? `the subscription to ${filter} exceeds the broker's limits: ${words}`
        : `the broker refused the subscription to ${filter}: ${words}`,
    )
    this.filter = filter
    this.reasonCode = reasonCode
    this.reasonString = reasonString
    this.limit = limit
  }
}

/** A message could not be decoded, or fails the subscription's schema. */
export class InvalidMessageError extends ResilientMqttError {
  override readonly name = 'InvalidMessageError'
  readonly code = 'INVALID_MESSAGE'

  readonly topic: string
  /** The issues that the schema found. Empty if the codec failed: its error is then the `cause`. */
  readonly issues: readonly SchemaIssue[]

  constructor(topic: string, issues: readonly SchemaIssue[], options?: ErrorOptions) {
    const [first] = issues
    super(`a message to ${topic} is invalid${first ? `: ${first.message}` : ': it could not be decoded'}`, options)
    this.topic = topic
    this.issues = issues
  }
}

/** The reason codes with which a receiver may refuse a message (MQTT 5 §3.4.2.1). */
export const REFUSALS: readonly number[] = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]

/** Not willing to accept the message (MQTT 5 §3.4.2.1). */
const NOT_WILLING = 0x83

/**
 * Thrown by your handler to refuse a message, with `ack: 'after-handler'`: the handler is not called again, and the message
 * is acknowledged. With QoS 1 on MQTT 5, the PUBACK has the reason code, unless another handler has processed the message.
 * MQTT 3.1.1 has no reason codes, and the PUBREC of QoS 2 was sent before.
 */
export class MessageRefusedError extends ResilientMqttError {
  override readonly name = 'MessageRefusedError'
  readonly code = 'MESSAGE_REFUSED'

  readonly reasonCode: number

  /**
   * @param reasonCode - of the PUBACK: 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 or 0x99 (MQTT 5 §3.4.2.1). The default says that the
   *   message is valid, and the receiver not willing to accept it
   * @param message - for your logs. It is not sent
   * @throws {InvalidOptionError} if the reason code is another one
   */
  constructor(reasonCode: number = NOT_WILLING, message?: string, options?: ErrorOptions) {
    super(message ?? `refused: ${reasonWithCode(reasonCode, undefined)}`, options)
    if (!REFUSALS.includes(reasonCode)) {
      const known = REFUSALS.map((each) => `0x${each.toString(16)}`).join(', ')
      throw new InvalidOptionError('reasonCode', `must be one of ${known}`, reasonCode)
    }
    this.reasonCode = reasonCode
  }
}

/** `unsubscribe()` ended the subscription before the call was done. */
export class UnsubscribedError extends ResilientMqttError {
  override readonly name = 'UnsubscribedError'
  readonly code = 'UNSUBSCRIBED'

  readonly filter: string

  constructor(filter: string) {
    super(`unsubscribed from ${filter}`)
    this.filter = filter
  }
}

/** Why a store cannot be used. */
export type StoreProblem = keyof typeof STORE_PROBLEMS

const STORE_PROBLEMS = {
  locked: 'is already in use: give each client a store of its own, or end the client that uses it',
  foreign: 'contains something else, and was left unchanged: choose another location',
  corrupt: 'is damaged',
  newer: 'was written by a newer version of xstate-mqtt, and was left unchanged: upgrade, or choose another location',
  'no-package': 'is a path, which requires Node and the optional package classic-level: npm install classic-level',
  unavailable: 'could not be opened',
  write: 'could not be written',
} as const

interface StoreErrorOptions extends ErrorOptions {
  readonly intactPublishes?: number
  /** Whether `xstate-mqtt store salvage` can read the store. */
  readonly salvage?: boolean
}

/** The store of durable publishes cannot be opened or written. */
export class StoreError extends ResilientMqttError {
  override readonly name = 'StoreError'
  readonly code = 'STORE'

  readonly problem: StoreProblem
  /** The path of the store, if it has one. */
  readonly location: string

  /** How many publishes of a damaged store are intact; `undefined` if that is not known. */
  readonly intactPublishes: number | undefined

  constructor(problem: StoreProblem, location: string, options?: StoreErrorOptions) {
    super(`the store ${location} ${STORE_PROBLEMS[problem]}${advice(problem, location, options)}`, options)
    this.problem = problem
    this.location = location
    this.intactPublishes = options?.intactPublishes
  }
}

function advice(
  problem: StoreProblem,
  location: string,
  { cause, intactPublishes, salvage }: StoreErrorOptions = {},
): string {
  if ((problem === 'unavailable' || problem === 'write') && cause instanceof Error) return `: ${cause.message}`
  if (problem !== 'corrupt') return ''
  const counted = intactPublishes === undefined ? '' : ` (${countIntact(intactPublishes)})`
  const command =
    salvage && intactPublishes
      ? `copy what is intact to a new store with 'npx xstate-mqtt store salvage ${location}', or `
      : ''
  return `${counted}, and was left unchanged: ${command}move it away to start with an empty store`
}

function countIntact(publishes: number): string {
  if (publishes === 0) return 'none of its publishes are intact'
  return publishes === 1 ? '1 of its publishes is intact' : `${publishes} of its publishes are intact`
}

/** In UTF-16 code units. */
const MAX_SHOWN = 100

/**
 * Describes a value on one line: long strings are shortened, and secrets and the contents of objects are left out. It
 * never throws.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = withoutSecrets(value)
    return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, 20)}…` : text)
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return isList(value) ? 'an array' : 'an object'
  return String(value)
}

function isList(value: object): boolean {
  try {
    return Array.isArray(value)
  } catch {
    // A revoked proxy.
    return false
  }
}
