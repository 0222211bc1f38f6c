import type { UserProperties } from '../api/message.ts'
import type { BrokerStatus } from '../api/status.ts'
import { byteLength, varintLength } from '../shared/byte-length.ts'
import { propertiesSize } from './write-properties.ts'

/** What the size of such packets depends on. */
type SizeLimits = Pick<BrokerStatus, 'maximumPacketSize' | 'subscriptionIdentifiersAvailable'>

/** What SUBSCRIBE or UNSUBSCRIBE packets have in common, whatever their topic filters are. */
export interface FilterPackets {
  readonly kind: 'subscribe' | 'unsubscribe'
  readonly link: { readonly protocolVersion: 3 | 4 | 5; readonly limits: SizeLimits }
  /** Of a SUBSCRIBE, if the broker supports Subscription Identifiers. */
  readonly identifier?: number
  readonly userProperties?: UserProperties | undefined
}

/** How many bytes a SUBSCRIBE or UNSUBSCRIBE takes on the wire (MQTT 5 §3.8, §3.10). */
export function filterPacketSize(packets: FilterPackets, filters: readonly string[]): number {
  return packetSize(filters.reduce((bytes, filter) => bytes + filterSize(packets, filter), filterHeaderSize(packets)))
}

/** The bytes of the packet id and, in MQTT 5, of the properties with their length. */
export function filterHeaderSize({ link, identifier, userProperties }: FilterPackets): number {
  if (link.protocolVersion !== 5) return 2
  const isIdentified = identifier !== undefined && link.limits.subscriptionIdentifiersAvailable
  const bytes =
    (isIdentified ? 1 + varintLength(identifier) : 0) + (userProperties ? propertiesSize({ userProperties }) : 0)
  return 2 + varintLength(bytes) + bytes
}

/** The bytes of a topic filter and, in a SUBSCRIBE, of its options. */
export function filterSize({ kind }: FilterPackets, filter: string): number {
  return text(filter) + (kind === 'subscribe' ? 1 : 0)
}

/** The bytes of a whole packet. @param remainingLength - the bytes after the fixed header (MQTT 5 §2.1.4) */
export function packetSize(remainingLength: number): number {
  return 1 + varintLength(remainingLength) + remainingLength
}

/** The bytes of a string or binary data, with its length in two bytes. */
function text(value: string | Uint8Array): number {
  return 2 + byteLength(value)
}
