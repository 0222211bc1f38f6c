import type { PacketIdSource } from '../link.ts'
import { PacketIdMap } from './packet-id-map.ts'

export const MAX_PACKET_ID = 65_535

/**
 * The number of ids that publishes leave to SUBSCRIBE and UNSUBSCRIBE. Without a free id, MQTT.js would hold those
 * back, and all packets behind them.
 */
const RESERVED = 8_192

/**
 * The packet ids of one session, in a cycle from the first to the last. An id in use is never allocated (MQTT-2.2.1-3).
 */
export class PacketIds implements PacketIdSource {
  readonly #first: number
  readonly #count: number
  readonly #used = new PacketIdMap<true>()
  #last: number

  /** @param begin - the first id that is allocated */
  constructor(first = 1, last = MAX_PACKET_ID, begin = first) {
    this.#first = first
    this.#count = last - first + 1
    this.#last = begin === first ? last : begin - 1
  }

  /** Whether an id is free for a publish. */
  get available(): boolean {
    return this.#used.size < this.#count - RESERVED
  }

  allocate(): number | null {
    if (this.#used.size >= this.#count) return null
    do this.#last = this.#first + ((this.#last - this.#first + 1) % this.#count)
    while (this.#used.has(this.#last))
    this.#used.set(this.#last, true)
    return this.#last
  }

  /** Marks an id that an earlier process used. */
  claim(packetId: number): void {
    this.#used.set(packetId, true)
    this.#last = packetId
  }

  release(packetId: number): void {
    this.#used.delete(packetId)
  }
}
