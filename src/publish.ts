import { onAbort } from './abort.ts'
import type { PendingPublish, PublishOptions } from './client-types.ts'
import { publishRules } from './call-rules.ts'
import { InvalidOptionError } from './errors.ts'
import { checkCallOptions } from './option-rules.ts'
import { PublishPromise } from './publish-promise.ts'
import { MAX_USER_BYTES, parseProperties } from './publish-properties.ts'
import { isLonger } from './session/byte-length.ts'
import type { Journal } from './session/journal.ts'
import { Publication, type PublishResult } from './session/publication.ts'
import type { Session } from './session/session.ts'
import { checkTopic } from './topics.ts'
import type { Payload, Qos } from './types.ts'

/** 256 MiB less one byte, less a topic and all properties but user properties (MQTT 5 §1.5.5). */
const MAX_PAYLOAD = 268_435_455 - 4 * 65_535

const ACCEPTED = Promise.resolve()

/** What `publishNow` rejects with if it would have to wait. */
export const notNow = new Error('the connection takes no publish now')

/** Options of a payload, whatever made it. */
type WireOptions = Omit<PublishOptions, 'codec'>

/** Where a publish goes. */
export interface Publisher {
  readonly session: Session
  /** Of durable publishes, if the client has a store. */
  readonly journal: Journal | undefined
  readonly now: () => number
}

/** Gives a publish to the session. Whatever is wrong with it rejects the promise, and that of its acceptance. */
export function publish<Value>(
  publisher: Publisher,
  topic: string,
  value: Value,
  options: PublishOptions<Value>,
): PendingPublish {
  let accepted: Promise<void> | undefined
  const published = new PublishPromise((resolve, reject) => {
    const { session, journal, now } = publisher
    checkCallOptions('publish', options, publishRules)
    const payload = encode(value, options)
    checkPublish(topic, payload, options, journal)
    const publication = createPublication(session, topic, payload, options, now(), resolve, reject)
    session.publish(publication)
    // Then the outbox had no room for it, or it is done.
    if (publication.phase === 'settled') return
    accepted = publication.durable && journal ? writeDown(publication, journal, session) : ACCEPTED
  })
  if (accepted) PublishPromise.accept(published, accepted)
  return published
}

/** A publish that is refused before anything else. */
export function refusedPublish(error: Error): PendingPublish {
  return new PublishPromise((_, reject) => reject(error))
}

/** Gives a publish to the session only if it can go at once: for periodic requests, which must not pile up. */
export function publishNow(
  { session, now }: Publisher,
  topic: string,
  payload: Payload,
  qos: Qos,
): Promise<PublishResult> {
  return new Promise((resolve, reject) => {
    checkPublish(topic, payload, { qos }, undefined)
    // It is worth nothing later: should the connection be lost, with the session, it is not sent anew.
    const publication = createPublication(session, topic, payload, { qos, ttl: 0 }, now(), resolve, reject)
    if (!session.publishNow(publication)) reject(notNow)
  })
}

function createPublication(
  session: Session,
  topic: string,
  payload: Payload,
  options: WireOptions,
  now: number,
  resolve: (result: PublishResult) => void,
  reject: (error: unknown) => void,
): Publication {
  const { signal, latest } = options
  const publication = new Publication({
    topic,
    payload,
    qos: options.qos ?? 0,
    retain: options.retain ?? false,
    properties: parseProperties(options.properties),
    acceptedAt: now,
    expiresAt: now + timeToLive(options),
    latest: latest === true ? topic : latest || undefined,
    durable: options.durable ?? false,
    resolve: signal ? settling(resolve) : resolve,
    reject: signal ? settling(reject) : reject,
  })
  const stopWaiting = signal && onAbort(signal, () => session.outbox.remove(publication, signal.reason))
  return publication

  function settling<Argument>(settle: (argument: Argument) => void) {
    return (argument: Argument) => {
      stopWaiting?.()
      settle(argument)
    }
  }
}

function writeDown(publication: Publication, journal: Journal, { outbox }: Session): Promise<void> {
  const written = journal.accepted(publication).then(() => outbox.written(publication))
  // The publish rejects, too: who awaits that need not ask for this.
  written.catch(nothing)
  return written
}

/** The shorter of the two, in milliseconds. */
function timeToLive({ ttl, properties }: WireOptions): number {
  const interval = properties?.messageExpiryInterval
  return Math.min(ttl ?? Number.POSITIVE_INFINITY, interval === undefined ? Number.POSITIVE_INFINITY : interval * 1_000)
}

function encode<Value>(value: Value, { codec }: PublishOptions<Value>): Payload {
  return codec ? codec.encode(value) : (value as Payload)
}

function checkPublish(
  topic: string,
  payload: unknown,
  { qos = 0, durable, signal, properties }: WireOptions,
  journal: Journal | undefined,
): void {
  checkTopic(topic)
  const maxPayload = properties?.userProperties ? MAX_PAYLOAD - MAX_USER_BYTES : MAX_PAYLOAD
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    throw new InvalidOptionError('payload', 'must be a string or a Uint8Array, or have a codec', payload)
  }
  if (typeof payload === 'string' ? isLonger(payload, maxPayload) : payload.byteLength > maxPayload) {
    throw new InvalidOptionError('payload', `must be at most ${maxPayload} bytes`)
  }
  if (durable && qos === 0) throw new InvalidOptionError('durable', 'needs QoS 1 or 2', qos)
  if (durable && !journal) throw new InvalidOptionError('durable', "needs the client's option store", durable)
  signal?.throwIfAborted()
}

function nothing(): void {}
