import { byteLength, varintLength } from '../shared/byte-length.ts'
import type { BrokerLimits } from './packets.ts'

/** How the SUBSCRIBE or UNSUBSCRIBE packets for some filters look. */
export interface FilterPackets {
  readonly kind: 'subscribe' | 'unsubscribe'
  readonly link: { readonly protocolVersion: 3 | 4 | 5; readonly limits: BrokerLimits }
  /** Of a SUBSCRIBE, if the broker knows identifiers. */
  readonly identifier?: number
}

/** How many bytes a packet takes on the wire (MQTT 5 §3.8, §3.10). */
export function filterPacketSize(packets: FilterPackets, filters: readonly string[]): number {
  return total(filters.reduce((bytes, filter) => bytes + sizeOf(packets, filter), headerSize(packets)))
}

/** Spreads items over packets of at most so many filters, and no larger than the broker takes, if that is possible. */
export function inPackets<Item>(
  packets: FilterPackets,
  items: readonly Item[],
  filterOf: (item: Item) => string,
  maxFilters: number,
): Item[][] {
  const { maximumPacketSize } = packets.link.limits
  const spread: Item[][] = []
  let packet: Item[] = []
  let bytes = headerSize(packets)
  for (const item of items) {
    const size = sizeOf(packets, filterOf(item))
    if (packet.length === maxFilters || (packet.length > 0 && total(bytes + size) > maximumPacketSize)) {
      spread.push(packet)
      packet = []
      bytes = headerSize(packets)
    }
    packet.push(item)
    bytes += size
  }
  return packet.length > 0 ? [...spread, packet] : spread
}

/** The packet id; in MQTT 5 the properties after their length, of which there is at most the identifier. */
function headerSize({ link: { protocolVersion, limits }, identifier }: FilterPackets): number {
  if (protocolVersion !== 5) return 2
  return 3 + (identifier !== undefined && limits.subscriptionIdentifiers ? 1 + varintLength(identifier) : 0)
}

/** The filter after its length; in a SUBSCRIBE its options. */
function sizeOf({ kind }: FilterPackets, filter: string): number {
  return 2 + byteLength(filter) + (kind === 'subscribe' ? 1 : 0)
}

/** With the fixed header. */
function total(bytes: number): number {
  return 1 + varintLength(bytes) + bytes
}
