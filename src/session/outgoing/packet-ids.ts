import type { PacketIdSource } from '../link.ts'

export const MAX_PACKET_ID = 65_535

/** Publishes leave these to SUBSCRIBE and UNSUBSCRIBE: MQTT.js would hold back what finds no id, and all behind it. */
const RESERVED = 8_192

/** Packet ids of one session: from the first to the last and round again, never one that is in use (MQTT-2.2.1-3). */
export class PacketIds implements PacketIdSource {
  readonly #first: number
  readonly #count: number
  readonly #used = new Set<number>()
  #last: number

  /** @param begin - the first that is allocated */
  constructor(first = 1, last = MAX_PACKET_ID, begin = first) {
    this.#first = first
    this.#count = last - first + 1
    this.#last = begin === first ? last : begin - 1
  }

  /** Whether there is a free one for a publish. */
  get available(): boolean {
    return this.#used.size < this.#count - RESERVED
  }

  allocate(): number | null {
    if (this.#used.size >= this.#count) return null
    do this.#last = this.#first + ((this.#last - this.#first + 1) % this.#count)
    while (this.#used.has(this.#last))
    this.#used.add(this.#last)
    return this.#last
  }

  /** Takes an id that an earlier process used. */
  claim(packetId: number): void {
    this.#used.add(packetId)
    this.#last = packetId
  }

  release(packetId: number): void {
    this.#used.delete(packetId)
  }
}
