import type { OutgoingPublish } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { Publication } from './publication.ts'

/**
 * A publication as it goes to the wire: its Message Expiry Interval is reduced by the time that it has waited
 * (MQTT 5 §3.3.2.3.3).
 */
export function withRemainingExpiry(publication: Publication, link: Link, time: () => number): OutgoingPublish {
  const interval = publication.properties?.messageExpiryInterval
  if (interval === undefined || link.protocolVersion !== 5) return publication
  const waited = Math.floor((time() - publication.startedAt) / 1_000)
  if (waited <= 0) return publication
  const messageExpiryInterval = Math.max(1, interval - waited)
  const { topic, payload, qos, retain, properties } = publication
  return { topic, payload, qos, retain, properties: { ...properties, messageExpiryInterval } }
}
