import type { PublishOptions } from './client-types.ts'
import { InvalidOptionError } from './errors.ts'
import { Publication, type PublishResult } from './session/publication.ts'
import type { Session } from './session/session.ts'
import { checkTopic } from './topics.ts'
import type { Payload } from './types.ts'

/** 256 MiB less one byte, less the topic (MQTT 5 §1.5.5). */
const MAX_PAYLOAD = 268_435_455 - 65_535

/**
 * Gives a publish to the session.
 *
 * @param now - in milliseconds since 1970
 * @throws {InvalidOptionError} if topic, payload or an option is wrong
 */
export function publish(
  session: Session,
  topic: string,
  payload: Payload,
  options: PublishOptions,
  now: number,
): Promise<PublishResult> {
  return new Promise((resolve, reject) => {
    checkTopic(topic)
    checkPublish(payload, options)
    const { signal, latest, ttl } = options
    signal?.throwIfAborted()
    const onAbort = () => session.outbox.remove(publication, signal?.reason)
    const settled = <Value>(settle: (value: Value) => void) =>
      signal
        ? (value: Value) => {
            signal.removeEventListener('abort', onAbort)
            settle(value)
          }
        : settle
    const publication = new Publication({
      topic,
      payload,
      qos: options.qos ?? 0,
      retain: options.retain ?? false,
      properties: options.properties,
      acceptedAt: now,
      expiresAt: ttl === undefined ? Number.POSITIVE_INFINITY : now + ttl,
      latest: latest === true ? topic : latest || undefined,
      resolve: settled(resolve),
      reject: settled(reject),
    })
    session.publish(publication)
    signal?.addEventListener('abort', onAbort)
  })
}

/** @throws {InvalidOptionError} */
export function checkQos(qos: unknown): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new InvalidOptionError('qos', 'must be 0, 1 or 2', qos)
}

function checkPublish(payload: unknown, { qos = 0, ttl }: PublishOptions): void {
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    throw new InvalidOptionError('payload', 'must be a string or a Uint8Array', payload)
  }
  if (payload.length > MAX_PAYLOAD) {
    throw new InvalidOptionError('payload', `must be at most ${MAX_PAYLOAD} bytes`, payload.length)
  }
  checkQos(qos)
  if (ttl !== undefined && !(ttl > 0)) throw new InvalidOptionError('ttl', 'must be more than 0 milliseconds', ttl)
}
