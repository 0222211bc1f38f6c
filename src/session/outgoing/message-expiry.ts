import type { Link } from '../link.ts'
import type { OutgoingPublish } from '../../wire/packets.ts'
import type { Publication } from './publication.ts'

/** As it goes to the wire: the broker is told what is left of the Message Expiry Interval (MQTT 5 §3.3.2.3.3). */
export function aged(publication: Publication, link: Link, now: () => number): OutgoingPublish {
  const interval = publication.properties?.messageExpiryInterval
  if (interval === undefined || link.protocolVersion !== 5) return publication
  const waited = Math.floor((now() - publication.startedAt) / 1_000)
  if (waited <= 0) return publication
  const messageExpiryInterval = Math.max(1, interval - waited)
  const { topic, payload, qos, retain, properties } = publication
  return { topic, payload, qos, retain, properties: { ...properties, messageExpiryInterval } }
}
