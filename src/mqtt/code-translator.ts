import type { Packet } from 'mqtt-packet'

import type { Frame } from '../wire/framer.ts'
import { FIRST_ERROR } from '../wire/packets.ts'

/** Packet types (MQTT 5 §2.1.2). */
const SUBACK = 9
const UNSUBACK = 11
const DISCONNECT = 14

/** The fixed header of a packet that came in part. */
interface FixedHeader {
  /** Of the fixed header, in bytes. */
  readonly length: number
  readonly remainingLength: number
}

/**
 * Replaces the codes of SUBACK, UNSUBACK and DISCONNECT packets by codes that mqtt-packet knows, and puts the true ones
 * into what it has parsed. mqtt-packet ends the connection on all others, and brokers use others: ejabberd 23.01, for
 * example, refuses a filter on MQTT 3.1.1 with 0x8F.
 */
export class CodeTranslator {
  readonly #protocolVersion: 3 | 4 | 5
  /** What came of such a packet, if not all of it came. */
  #parts: Uint8Array[] = []
  #size = 0
  /** The codes of the packet that mqtt-packet parses now. */
  #codes: number[] = []

  constructor(protocolVersion: 3 | 4 | 5) {
    this.#protocolVersion = protocolVersion
  }

  /**
   * Takes bytes of a control packet.
   *
   * @param frame - of the kind `control`
   * @returns the bytes for mqtt-packet; `undefined` until the rest of the packet has come
   */
  translate({ header, bytes, start, end }: Frame): Uint8Array | undefined {
    const part = bytes.subarray(start, end)
    const type = header >> 4
    if (type !== SUBACK && type !== UNSUBACK && type !== DISCONNECT) return part
    const packet = this.#whole(part)
    if (!packet) return undefined
    const at = this.#codesAt(packet, type)
    this.#codes = [...packet.subarray(at)]
    // DISCONNECT has one code, and properties behind it.
    if (type === DISCONNECT) this.#codes.length = Math.min(1, this.#codes.length)
    for (const [i, code] of this.#codes.entries()) packet[at + i] = knownCode(code, type)
    return packet
  }

  /** Puts the true codes into the packet that was parsed. */
  restore(packet: Packet): void {
    if (packet.cmd === 'disconnect' && this.#protocolVersion === 5) packet.reasonCode = this.#codes[0] ?? 0
    if (packet.cmd === 'suback') packet.granted = this.#codes
    if (packet.cmd === 'unsuback' && packet.granted) packet.granted = this.#codes
  }

  /** @returns a copy of the packet, once all of it has come */
  #whole(part: Uint8Array): Uint8Array | undefined {
    this.#parts.push(part)
    this.#size += part.length
    const size = sizeOf(this.#parts)
    if (size === undefined || this.#size < size) return undefined
    const packet = new Uint8Array(this.#size)
    let at = 0
    for (const each of this.#parts) {
      packet.set(each, at)
      at += each.length
    }
    this.#parts = []
    this.#size = 0
    return packet
  }

  /** Where the codes begin: behind the packet identifier and the properties (MQTT 5 §3.9.3, §3.11.3, §3.14.2.1). */
  #codesAt(packet: Uint8Array, type: number): number {
    const { length } = fixedHeader(packet) ?? { length: packet.length }
    if (type === DISCONNECT) return this.#protocolVersion === 5 ? length : packet.length
    if (this.#protocolVersion !== 5) return type === SUBACK ? length + 2 : packet.length
    const properties = variableByteInteger(packet, length + 2)
    return properties ? properties.end + properties.value : packet.length
  }
}

/** @returns the code, if mqtt-packet knows it for all these packets, or one with the same outcome (MQTT 5 §2.4) */
function knownCode(code: number, type: number): number {
  if (type === SUBACK && code <= 2) return code
  return type === SUBACK || code >= FIRST_ERROR ? FIRST_ERROR : 0
}

/** @returns how long the packet is that begins with these parts; `undefined` until its fixed header has come */
function sizeOf(parts: readonly Uint8Array[]): number | undefined {
  const [first] = parts
  // A fixed header has at most 5 bytes.
  const begin = first && first.length >= 5 ? first : Uint8Array.from(parts.slice(0, 5).flatMap((part) => [...part]))
  const header = fixedHeader(begin)
  return header && header.length + header.remainingLength
}

function fixedHeader(packet: Uint8Array): FixedHeader | undefined {
  const length = variableByteInteger(packet, 1)
  return length && { length: length.end, remainingLength: length.value }
}

function variableByteInteger(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0
  for (let at = start; at < Math.min(bytes.length, start + 4); at++) {
    const byte = bytes[at] as number
    value |= (byte & 0x7f) << (7 * (at - start))
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return undefined
}
