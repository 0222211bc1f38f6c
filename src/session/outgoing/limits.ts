import { NotSupportedByBrokerError } from '../../api/errors.ts'
import { publishSize } from '../../wire/encoded-size.ts'
import type { Link } from '../link.ts'
import type { Publication } from './publication.ts'

/** The largest PUBLISH header: fixed header, topic length, packet id, property length. */
const HEADER_BYTES = 13

/** Checks a publication against the limits in the CONNACK. MQTT.js would send it regardless. */
export function beyondLimits(publication: Publication, link: Link): NotSupportedByBrokerError | undefined {
  const { topic, qos, retain, bytes, properties } = publication
  const { maximumQos, retainAvailable, maximumPacketSize } = link.limits
  if (qos > maximumQos) {
    return new NotSupportedByBrokerError(topic, 'maximumQos', `QoS ${qos}, but it takes at most ${maximumQos}`)
  }
  if (retain && !retainAvailable) {
    return new NotSupportedByBrokerError(topic, 'retainAvailable', 'it takes no retained messages')
  }
  // Exact sizes cost time. They are needed only if the message comes near the limit.
  if (maximumPacketSize === Number.POSITIVE_INFINITY) return undefined
  if (properties === undefined && bytes + HEADER_BYTES <= maximumPacketSize) return undefined
  const size = sizeOf(publication, link)
  if (size === undefined || size <= maximumPacketSize) return undefined
  const rule = `${size} bytes, but it takes packets of at most ${maximumPacketSize}`
  return new NotSupportedByBrokerError(topic, 'maximumPacketSize', rule)
}

/** @returns `undefined` if it can't be encoded, which is reported when it is written */
function sizeOf(publication: Publication, { protocolVersion }: Link): number | undefined {
  try {
    return publishSize(publication, protocolVersion)
  } catch {
    return undefined
  }
}
