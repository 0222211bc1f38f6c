import type { PacketIdSource } from '../session/link.ts'

/**
 * The packet identifiers of SUBSCRIBE and UNSUBSCRIBE for one client of MQTT.js. They come from the session, which
 * chooses those of publishes, because both share one range (MQTT 5 §2.2.1).
 */
export class ControlPacketIds {
  readonly #source: PacketIdSource
  #used: Set<number> | undefined
  #last: number | null = null

  constructor(source: PacketIdSource) {
    this.#source = source
  }

  allocate(): number | null {
    this.#last = this.#source.allocate()
    if (this.#last !== null) (this.#used ??= new Set()).add(this.#last)
    return this.#last
  }

  getLastAllocated(): number | null {
    return this.#last
  }

  register(): boolean {
    return true
  }

  deallocate(packetId: number): void {
    if (this.#used?.delete(packetId)) this.#source.release(packetId)
  }

  /** MQTT.js calls this at the CONNACK, when none is used. */
  clear(): void {}

  /** The connection ended. No SUBACK or UNSUBACK will come. */
  releaseAll(): void {
    for (const packetId of this.#used ?? []) this.#source.release(packetId)
    this.#used = undefined
  }
}
