import { byteLength, varintLength } from './byte-length.ts'
import type { Link } from './link.ts'

type FilterPacket = 'subscribe' | 'unsubscribe'

/** How many bytes a SUBSCRIBE or UNSUBSCRIBE takes on the wire (MQTT 5 §3.8, §3.10). */
export function filterPacketSize(kind: FilterPacket, filters: readonly string[], { protocolVersion }: Link): number {
  return total(filters.reduce((bytes, filter) => bytes + sizeOf(kind, filter), headerSize(protocolVersion)))
}

/** Spreads items over packets of at most so many filters, and no larger than the broker takes, if that is possible. */
export function inPackets<Item>(
  kind: FilterPacket,
  items: readonly Item[],
  filterOf: (item: Item) => string,
  maxFilters: number,
  { protocolVersion, limits }: Link,
): Item[][] {
  const packets: Item[][] = []
  let packet: Item[] = []
  let bytes = headerSize(protocolVersion)
  for (const item of items) {
    const size = sizeOf(kind, filterOf(item))
    if (packet.length === maxFilters || (packet.length > 0 && total(bytes + size) > limits.maximumPacketSize)) {
      packets.push(packet)
      packet = []
      bytes = headerSize(protocolVersion)
    }
    packet.push(item)
    bytes += size
  }
  return packet.length > 0 ? [...packets, packet] : packets
}

/** The packet id; in MQTT 5 the length of the properties, of which there are none. */
function headerSize(protocolVersion: Link['protocolVersion']): number {
  return protocolVersion === 5 ? 3 : 2
}

/** The filter after its length; in a SUBSCRIBE its options. */
function sizeOf(kind: FilterPacket, filter: string): number {
  return 2 + byteLength(filter) + (kind === 'subscribe' ? 1 : 0)
}

/** With the fixed header. */
function total(bytes: number): number {
  return 1 + varintLength(bytes) + bytes
}
