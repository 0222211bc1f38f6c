import { filterHeaderSize, type FilterPackets, filterSize, packetSize } from './packet-size.ts'

/** Spreads items over packets with at most `maxFilters` topic filters each, and no larger than the broker accepts, if that is possible. */
export function inPackets<Item>(
  packets: FilterPackets,
  items: readonly Item[],
  filterOf: (item: Item) => string,
  maxFilters: number,
): Item[][] {
  const { maximumPacketSize } = packets.link.limits
  const spread: Item[][] = []
  let packet: Item[] = []
  let bytes = filterHeaderSize(packets)
  for (const item of items) {
    const size = filterSize(packets, filterOf(item))
    if (packet.length === maxFilters || (packet.length > 0 && packetSize(bytes + size) > maximumPacketSize)) {
      spread.push(packet)
      packet = []
      bytes = filterHeaderSize(packets)
    }
    packet.push(item)
    bytes += size
  }
  return packet.length > 0 ? [...spread, packet] : spread
}
