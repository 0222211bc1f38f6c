import { generate, type IConnackPacket, type Packet, parser } from 'mqtt-packet'

import { safeText } from '../../../src/shared/safe-text.ts'

export type Version = 4 | 5

/** What the doctor needs of a packet from a broker. */
export interface Received {
  readonly type: number
  readonly packetId: number
  /** One code of a CONNACK, PUBACK or DISCONNECT; one for each filter of a SUBACK. */
  readonly codes: readonly number[]
  readonly reasonString?: string
  readonly topic?: string
  /** Of a CONNACK. */
  readonly connack?: IConnackPacket
}

/** Packet types (MQTT 5 §2.1.2). */
export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const SUBACK = 9
export const UNSUBACK = 11
export const PINGRESP = 13
export const DISCONNECT = 14

/**
 * Cuts bytes into packets and reads what the doctor needs. It takes any reason code, unlike a client: what a broker really
 * sends is what the doctor looks for.
 */
export class PacketReader {
  readonly #version: Version
  /** What came and is not decoded, of which the first packet is not complete. */
  #chunks: Uint8Array[] = []
  #length = 0
  /** How many bytes must be there before it is worth a look. */
  #needed = 2

  constructor(version: Version) {
    this.#version = version
  }

  /** @throws {Error} if the bytes are no packets of MQTT */
  read(bytes: Uint8Array): readonly Received[] {
    this.#chunks.push(bytes)
    this.#length += bytes.length
    if (this.#length < this.#needed) return []
    let rest = Buffer.concat(this.#chunks)
    const packets: Received[] = []
    let end = endOfPacket(rest)
    for (; end > 0 && end <= rest.length; end = endOfPacket(rest)) {
      packets.push(decode(rest.subarray(0, end), this.#version))
      rest = rest.subarray(end)
    }
    this.#chunks = [rest]
    this.#length = rest.length
    // A large packet comes in many chunks, which are not put together before the last.
    this.#needed = end || rest.length + 1
    return packets
  }
}

export function encode(packet: Packet, version: Version): Buffer {
  return generate(packet, { protocolVersion: version })
}

/** How many bytes the first packet has; 0 if that has not come yet. @throws {Error} without a valid Remaining Length */
function endOfPacket(bytes: Buffer): number {
  let length = 0
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at] as number
    length += (byte & 0x7f) * 128 ** (at - 1)
    if (byte < 0x80) return at + 1 + length
    if (at === 4) throw new Error('a packet without a valid Remaining Length')
  }
  return 0
}

function decode(packet: Buffer, version: Version): Received {
  const type = (packet[0] as number) >> 4
  let at = 1
  while (((packet[at++] as number) & 0x80) !== 0);
  const body = packet.subarray(at)
  const idAt = (offset: number) => (body.length >= offset + 2 ? body.readUInt16BE(offset) : 0)
  switch (type) {
    case CONNACK:
      return connack(packet, body, version)
    case PUBLISH: {
      const topicEnd = 2 + idAt(0)
      return {
        type,
        packetId: (packet[0] as number) & 0x06 ? idAt(topicEnd) : 0,
        codes: [],
        topic: body.toString('utf8', 2, topicEnd),
      }
    }
    case SUBACK:
    case UNSUBACK: {
      const properties = version === 5 ? propertiesAt(body, 2) : { end: 2 }
      return { type, packetId: idAt(0), codes: [...body.subarray(properties.end)], ...reasonIn(properties) }
    }
    case PUBACK: {
      const properties = version === 5 && body.length > 3 ? propertiesAt(body, 3) : {}
      return { type, packetId: idAt(0), codes: [body[2] ?? 0], ...reasonIn(properties) }
    }
    case DISCONNECT: {
      const properties = version === 5 && body.length > 1 ? propertiesAt(body, 1) : {}
      return { type, packetId: 0, codes: [body[0] ?? 0], ...reasonIn(properties) }
    }
    default:
      return { type, packetId: 0, codes: [] }
  }
}

/** A CONNACK of MQTT 3.1.1 may answer a CONNECT of MQTT 5: it has no properties. */
function connack(packet: Buffer, body: Buffer, version: Version): Received {
  let parsed: IConnackPacket | undefined
  const reader = parser({ protocolVersion: body.length > 2 ? version : 4 })
  reader.on('packet', (each) => {
    if (each.cmd === 'connack') parsed = each
  })
  // A code that mqtt-packet does not know. The code itself is read below.
  reader.on('error', () => {})
  reader.parse(packet)
  const reason = parsed?.properties?.reasonString
  return {
    type: CONNACK,
    packetId: 0,
    codes: [body[1] ?? 0],
    ...(parsed && { connack: parsed }),
    ...(reason !== undefined && { reasonString: safeText(reason) }),
  }
}

interface Properties {
  readonly end?: number
  readonly reasonString?: string
}

/** Finds the Reason String, which most brokers send as the only property. */
function propertiesAt(body: Buffer, start: number): Properties & { readonly end: number } {
  let [length, at] = [0, start]
  for (let shift = 0; at < body.length && shift < 4; shift++) {
    const byte = body[at++] as number
    length += (byte & 0x7f) * 128 ** shift
    if (byte < 0x80) break
  }
  const end = Math.min(at + length, body.length)
  if (body[at] !== 0x1f || at + 3 > end) return { end }
  return {
    end,
    reasonString: safeText(body.toString('utf8', at + 3, Math.min(at + 3 + body.readUInt16BE(at + 1), end))),
  }
}

function reasonIn({ reasonString }: Properties): { readonly reasonString?: string } {
  return reasonString === undefined ? {} : { reasonString }
}
