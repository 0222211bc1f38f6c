import mqtt from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { PacketIdSource } from '../session/link.ts'

type Done = (error?: Error) => void
type Found = (error?: Error, packet?: Packet) => void

/**
 * The outgoing store for MQTT.js, which is always empty. The session keeps un-acked publishes itself: MQTT.js would
 * resend one packet per round trip, without DUP, into new sessions too, and delay `connect` until then.
 */
export class EmptyStore extends mqtt.Store {
  readonly #releasing: (packetId: number) => Promise<void> | undefined

  /** @param releasing - PUBREL is sent when the promise that it returns resolves */
  constructor(releasing: (packetId: number) => Promise<void> | undefined) {
    super()
    this.#releasing = releasing
  }

  override put(packet: Packet, done: Done): this {
    const first = packet.cmd === 'pubrel' ? this.#releasing(packet.messageId ?? 0) : undefined
    if (first) void first.then(() => done())
    else done()
    return this
  }

  override del(packet: Pick<Packet, 'messageId'>, found: Found): this {
    found(undefined, packet as Packet)
    return this
  }

  override close(done: Done): void {
    done()
  }
}

/**
 * The incoming store that all clients of a session share. It holds the QoS 2 messages between PUBLISH and PUBREL, which
 * outlive a connection but not the session (MQTT-3.2.2-5).
 */
export class IncomingStore extends mqtt.Store {
  readonly #packets = new Map<number | undefined, Packet>()

  override put(packet: Packet, done: Done): this {
    this.#packets.set(packet.messageId, packet)
    done()
    return this
  }

  override get(packet: Pick<Packet, 'messageId'>, found: Found): this {
    const stored = this.#packets.get(packet.messageId)
    found(stored ? undefined : new Error('no such packet'), stored)
    return this
  }

  override del(packet: Pick<Packet, 'messageId'>, found: Found): this {
    this.#packets.delete(packet.messageId)
    found(undefined, packet as Packet)
    return this
  }

  override close(done: Done): void {
    done()
  }

  delete(packetId: number): void {
    this.#packets.delete(packetId)
  }

  clear(): void {
    this.#packets.clear()
  }
}

/** The message-id provider for MQTT.js. It returns the ids that the session chose. */
export class SessionIds {
  readonly #source: PacketIdSource
  /** The ids of SUBSCRIBE and UNSUBSCRIBE packets, which become free when the connection ends. */
  readonly #volatile = new Set<number>()
  #next: number | null = null
  #last: number | null = null

  constructor(source: PacketIdSource) {
    this.#source = source
  }

  /** The id for the next `allocate`, which the session chose for a PUBLISH. */
  use(packetId: number): void {
    this.#next = packetId
  }

  /** The packet of the last `use` was never written. */
  forget(): void {
    this.#next = null
  }

  allocate(): number | null {
    const chosen = this.#next
    this.#next = null
    this.#last = chosen ?? this.#source.allocate()
    if (chosen === null && this.#last !== null) this.#volatile.add(this.#last)
    return this.#last
  }

  getLastAllocated(): number | null {
    return this.#last
  }

  register(): boolean {
    return true
  }

  /** Releases only ids that this provider allocated. The session releases those of publishes. */
  deallocate(packetId: number): void {
    if (this.#volatile.delete(packetId)) this.#source.release(packetId)
  }

  /** MQTT.js clears its provider at each CONNACK. The ids of the session have to survive that. */
  clear(): void {}

  /** The connection ended. No SUBACK or UNSUBACK will come. */
  releaseAll(): void {
    for (const packetId of this.#volatile) this.#source.release(packetId)
    this.#volatile.clear()
  }
}
