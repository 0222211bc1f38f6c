/** The packet types that the benchmarks know: the first four bits of a packet (MQTT 5 §2.1.2). */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  PINGREQ: 12,
} as const

/**
 * A packet whose payload may not be there yet. The scanner uses one object for all packets of its stream, so a listener
 * must not keep it.
 */
export interface ScannedPacket {
  readonly type: number
  /** The first byte of the packet, with its type and flags. */
  readonly first: number
  /** Contains the whole packet, or of a PUBLISH at least the topic and the packet identifier. */
  readonly bytes: Buffer
  /** Where the variable header begins in `bytes`. */
  readonly start: number
  /** The Remaining Length (MQTT 5 §2.1.4). */
  readonly length: number
}

const NOTHING = Buffer.alloc(0)

/**
 * Finds the MQTT packets in a byte stream. It copies nothing but packets that are split between two chunks, and it skips
 * payloads, so that it hardly slows down the connection.
 */
export class PacketScanner implements ScannedPacket {
  type = 0
  first = 0
  bytes: Buffer = NOTHING
  start = 0
  length = 0
  readonly #onPacket: (packet: ScannedPacket) => void
  /** The beginning of a packet whose end is in the next chunk. */
  #rest: Buffer = NOTHING
  /** How many bytes of a payload are still to come. */
  #skip = 0

  constructor(onPacket: (packet: ScannedPacket) => void) {
    this.#onPacket = onPacket
  }

  push(chunk: Buffer): void {
    if (this.#skip >= chunk.length) {
      this.#skip -= chunk.length
      return
    }
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = this.#skip
    this.#skip = 0
    this.bytes = bytes
    while (at < bytes.length && this.#read(at)) {
      this.#onPacket(this)
      at = this.start + this.length
    }
    if (at > bytes.length) this.#skip = at - bytes.length
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : NOTHING
    this.bytes = NOTHING
  }

  /** @returns false if too little of the packet is there */
  #read(at: number): boolean {
    const { bytes } = this
    let length = 0
    let start = at + 1
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new Error('The bytes are not MQTT')
      const byte = bytes[start++]
      if (byte === undefined) return false
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    this.first = bytes[at] ?? 0
    this.type = this.first >> 4
    this.start = start
    this.length = length
    if (start + length <= bytes.length) return true
    // Of a PUBLISH, the topic and the packet identifier are enough.
    return this.type === PacketType.PUBLISH && start + 2 <= bytes.length && packetIdAt(this) + 2 <= bytes.length
  }
}

/** The packet identifier of a PUBLISH with QoS 1 or 2, of an acknowledgement, a SUBSCRIBE or a SUBACK. */
export function packetIdOf(packet: ScannedPacket): number {
  return packet.bytes.readUInt16BE(packet.type === PacketType.PUBLISH ? packetIdAt(packet) : packet.start)
}

/** The number of topic filters that an MQTT 5 SUBACK without properties answers. */
export function answersOf({ length }: ScannedPacket): number {
  return length - 3
}

function packetIdAt({ bytes, start }: ScannedPacket): number {
  return start + 2 + bytes.readUInt16BE(start)
}
