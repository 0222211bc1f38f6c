import { Publication, type PublicationInit } from '../../src/session/outgoing/publication.ts'

/** A publication of QoS 1 without a payload. Nothing hears of its end. */
export function publication(topic: string, init: Partial<PublicationInit> = {}): Publication {
  return new Publication({
    topic,
    payload: '',
    qos: 1,
    retain: false,
    properties: undefined,
    acceptedAt: 0,
    expiresAt: Number.POSITIVE_INFINITY,
    latest: undefined,
    durable: false,
    resolve: () => {},
    reject: () => {},
    ...init,
  })
}

/** The same, for a store. */
export function durablePublication(topic: string, init: Partial<PublicationInit> = {}): Publication {
  return publication(topic, { durable: true, ...init })
}
