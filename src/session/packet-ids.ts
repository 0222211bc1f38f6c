import type { PacketIdSource } from './link.ts'

const MAX_PACKET_ID = 65_535

/** The packet ids of one session: from 1 to 65,535 and round again, never one that is in use (MQTT-2.2.1-3). */
export class PacketIds implements PacketIdSource {
  readonly #used = new Set<number>()
  #last = 0

  /** Whether there is a free one. */
  get available(): boolean {
    return this.#used.size < MAX_PACKET_ID
  }

  allocate(): number | null {
    if (!this.available) return null
    do this.#last = (this.#last % MAX_PACKET_ID) + 1
    while (this.#used.has(this.#last))
    this.#used.add(this.#last)
    return this.#last
  }

  /** Takes an id that an earlier process used. */
  claim(packetId: number): void {
    this.#used.add(packetId)
  }

  release(packetId: number): void {
    this.#used.delete(packetId)
  }
}
