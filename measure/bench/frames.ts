/** The packet types that are counted: the first four bits of a packet (MQTT 5 §2.1.2). */
export const PacketType = { CONNECT: 1, CONNACK: 2, PUBLISH: 3, PUBACK: 4, SUBSCRIBE: 8, SUBACK: 9 } as const

/** Splits a byte stream into MQTT packets without parsing them, so that it hardly slows down the connection. */
export class Frames {
  readonly #onFrame: (frame: Buffer) => void
  #rest: Buffer = Buffer.alloc(0)

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const length = frameLength(this.#rest)
      if (length === undefined || length > this.#rest.length) return
      this.#onFrame(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
    }
  }
}

export function typeOf(frame: Buffer): number {
  return (frame[0] ?? 0) >> 4
}

/** The packet id of a PUBACK or SUBACK. */
export function packetIdOf(frame: Buffer): number {
  return frame.readUInt16BE(headerLength(frame))
}

/** The number of topic filters that an MQTT 5 SUBACK without properties answers. */
export function answersOf(suback: Buffer): number {
  return suback.length - headerLength(suback) - 3
}

function headerLength(frame: Buffer): number {
  let i = 1
  while ((frame[i] ?? 0) & 0x80) i++
  return i + 1
}

/** The length of the first packet (MQTT 5 §2.1.4); `undefined` if its fixed header is not complete. */
function frameLength(bytes: Buffer): number | undefined {
  let remaining = 0
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[i]
    if (byte === undefined) return undefined
    remaining |= (byte & 0x7f) << (7 * (i - 1))
    if (byte < 0x80) return 1 + i + remaining
  }
  throw new Error('The bytes are not MQTT')
}
