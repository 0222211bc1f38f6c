import type { BirthPublishOptions } from '../api/birth.ts'
import { InvalidOptionError, show } from '../api/errors.ts'
import type { PendingPublish, PublishOptions, PublishResult } from '../api/message-options.ts'
import type { Payload, Qos } from '../api/message.ts'
import { birthPublishRules, publishRules } from '../config/call-rules.ts'
import { defaultPublish } from '../config/defaults.ts'
import { MAX_USER_BYTES, parseProperties } from '../config/publish-properties.ts'
import { checkTopic } from '../config/topics.ts'
import { Publication, type RejectionObserver } from '../session/outgoing/publication.ts'
import type { Session } from '../session/session.ts'
import { isLonger } from '../shared/byte-length.ts'
import { isBytes } from '../shared/bytes.ts'
import { checkCallOptions } from '../shared/read-options.ts'
import { FollowedPublish } from './followed-publish.ts'
import { PublishPromise } from './publish-promise.ts'

/** 256 MiB less one byte, less a topic and all properties but user properties (MQTT 5 §1.5.5). */
const MAX_PAYLOAD = 268_435_455 - 4 * 65_535

/** The reason by which `publishNow` rejects if the publish would have to wait. */
export const notNow = new Error('the publish cannot be sent immediately')

/** The options of a call without options. */
export const noOptions: PublishOptions<never> = Object.freeze({})

/** Options that concern the packet, and not how its payload is made. */
type WireOptions = Omit<PublishOptions, 'codec'>

/** The parts of a client that a publish needs. */
export interface Publisher {
  readonly session: Session
  readonly now: () => number
  /** Learns of publishes that fail. */
  readonly observer: RejectionObserver
  /** Why the client gave up, unless publishes wait for a retry then (`onGiveUp: 'wait'`). */
  readonly givenUp: () => Error | undefined
}

/** Passes a publish to the session. Any error rejects the promise, and that of its acceptance. */
export function publish<Value>(
  publisher: Publisher,
  topic: string,
  value: Value,
  given: PublishOptions<Value>,
): PendingPublish {
  let resolve!: (result: PublishResult) => void
  let reject!: (error: unknown) => void
  const published = new PublishPromise((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  try {
    const { session } = publisher
    const options = given === noOptions ? given : checkCallOptions('publish', given, publishRules)
    const payload = encode(value, options)
    checkPublish(topic, payload, options, session.acceptsDurable)
    const failure = publisher.givenUp()
    // A durable publish is still accepted: it stays in the store.
    if (failure && !options.durable) throw failure
    const publication = createPublication(publisher, topic, payload, options, resolve, reject, published)
    const onDisk = session.publish(publication, failure)
    if (onDisk) PublishPromise.acceptBy(published, onDisk)
    // Else the outbox had no room for it, or it is done.
    else if (publication.phase !== 'settled') PublishPromise.accept(published)
  } catch (error) {
    reject(error)
    publisher.observer.rejected(published, topic, error, true)
  }
  return published
}

/** A publish that is rejected at once. */
export function refusedPublish({ observer }: Publisher, topic: string, error: Error): PendingPublish {
  const published = new PublishPromise((_, reject) => reject(error))
  observer.rejected(published, topic, error, true)
  return published
}

/** Passes a publish to the session only if it can be sent at once: periodic requests must not pile up. */
export function publishNow(publisher: Publisher, topic: string, payload: Payload, qos: Qos): Promise<PublishResult> {
  return new Promise((resolve, reject) => {
    checkPublish(topic, payload, { qos }, false)
    // It is worthless later: if the connection is lost together with the session, it is not sent anew.
    const publication = createPublication(publisher, topic, payload, { qos, ttl: 0 }, resolve, reject, undefined)
    // A tap does not learn of it: nothing was published.
    if (!publisher.session.publishNow(publication)) reject(notNow)
  })
}

/** Passes a publish of a birth to the session. @param signal - rejects it with its reason when it aborts */
export function publishFirst<Value>(
  publisher: Publisher,
  topic: string,
  value: Value,
  given: BirthPublishOptions<Value>,
  signal: AbortSignal,
): Promise<PublishResult> {
  return new Promise((resolve, reject) => {
    const options = { ...checkCallOptions('publish', given, birthPublishRules), signal }
    const payload = encode(value, options)
    checkPublish(topic, payload, options, false)
    const publication = createPublication(publisher, topic, payload, options, resolve, reject, undefined)
    publisher.session.publishFirst(publication)
  })
}

function createPublication(
  { session, now, observer }: Publisher,
  topic: string,
  payload: Payload,
  options: WireOptions,
  resolve: (result: PublishResult) => void,
  reject: (error: unknown) => void,
  promise: PublishPromise | undefined,
): Publication {
  const { signal, latest } = options
  const { qos = defaultPublish.qos, retain = defaultPublish.retain } = options
  const given = parseProperties(options.properties)
  const tap = session.tap?.publishing({ topic, payload, qos, retain, properties: given })
  const properties = tap ? tap.properties : given
  const followed = signal || tap ? new FollowedPublish(tap, resolve, reject) : undefined
  const acceptedAt = now()
  const publication = new Publication({
    topic,
    payload,
    qos,
    retain,
    properties,
    acceptedAt,
    expiresAt: acceptedAt + timeToLive(options.ttl, properties?.messageExpiryInterval),
    latest: latest === true ? topic : latest || undefined,
    durable: options.durable ?? defaultPublish.durable,
    resolve: followed ? followed.succeeded : resolve,
    reject: followed ? followed.failed : reject,
    observer: promise && observer,
    promise,
  })
  followed?.begin(publication, signal, session)
  return publication
}

/** The shorter of the two, in milliseconds. */
function timeToLive(ttl = Number.POSITIVE_INFINITY, interval = Number.POSITIVE_INFINITY): number {
  return Math.min(ttl, interval * 1_000)
}

function encode<Value>(value: Value, { codec }: PublishOptions<Value>): Payload {
  return codec ? codec.encode(value) : (value as Payload)
}

function checkPublish(
  topic: string,
  payload: unknown,
  { qos = defaultPublish.qos, durable, signal, properties }: WireOptions,
  acceptsDurable: boolean,
): void {
  checkTopic(topic)
  const maxPayload = properties?.userProperties ? MAX_PAYLOAD - MAX_USER_BYTES : MAX_PAYLOAD
  if (typeof payload !== 'string' && !isBytes(payload)) {
    // Without the value: errors hold no payloads.
    const rule = `must be a string or a Uint8Array, unless a codec is given; got ${kindOf(payload)}`
    throw new InvalidOptionError('payload', rule)
  }
  if (typeof payload === 'string' ? isLonger(payload, maxPayload) : payload.byteLength > maxPayload) {
    throw new InvalidOptionError('payload', `must be at most ${maxPayload} bytes`)
  }
  // Its bytes were transferred to another realm.
  if (typeof payload !== 'string' && payload.byteLength === 0 && isDetached(payload)) {
    throw new InvalidOptionError('payload', 'must not be a view of a detached ArrayBuffer')
  }
  if (durable && qos === 0) throw new InvalidOptionError('durable', 'needs QoS 1 or 2', qos)
  if (durable && !acceptsDurable) throw new InvalidOptionError('durable', "needs the client's option store", durable)
  // Polyfills have no `throwIfAborted`.
  if (signal?.aborted) throw signal.reason
}

function kindOf(value: unknown): string {
  return typeof value === 'object' || typeof value === 'function' ? show(value) : typeof value
}

function isDetached({ buffer }: Uint8Array): boolean {
  try {
    return new Uint8Array(buffer).byteLength < 0
  } catch {
    return true
  }
}
