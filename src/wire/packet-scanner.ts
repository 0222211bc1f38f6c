import type { PacketType } from '../api/packet-event.ts'
import { joinBytes } from '../shared/bytes.ts'
import { describePacket, type PacketDescription, packetType } from './describe-packet.ts'
import type { Frame } from './framer.ts'

/** More than the topic of a PUBLISH and its length. Of a longer packet only its beginning is kept, in bytes. */
const MOST_KEPT = 70_000

/** Called with each packet. @param whole - its content, of a PUBLISH whose payload is wanted */
export type OnPacket = (packet: PacketDescription, size: number, whole: Frame | undefined) => void

/**
 * Finds the packets in bytes that pass, and describes them. Each is described as soon as enough of it has passed, and at the
 * latest at its end. Payloads are not kept, unless they are wanted, and of a CONNECT nothing is read.
 */
export class PacketScanner {
  readonly #protocolVersion: 3 | 4 | 5
  readonly #onPacket: OnPacket
  /** The first byte of the packet under way, or -1 between two packets. */
  #header = -1
  #lengthBytes = 0
  #remainingLength = 0
  /** How many bytes of its content are missing; -1 as long as its length is. */
  #missing = -1
  /** Views of its content, until it is described. */
  #parts: Uint8Array[] | undefined
  #kept = 0
  readonly #wantsPayloads: () => boolean
  /** Whether all of the packet under way is kept. */
  #keepsAll = false

  /** @param wantsPayloads - asked at the beginning of each PUBLISH */
  constructor(protocolVersion: 3 | 4 | 5, onPacket: OnPacket, wantsPayloads: () => boolean = () => false) {
    this.#protocolVersion = protocolVersion
    this.#onPacket = onPacket
    this.#wantsPayloads = wantsPayloads
  }

  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#missing < 0) at = this.#readHeader(bytes, at)
      if (this.#missing < 0) return
      const end = Math.min(bytes.length, at + this.#missing)
      this.#missing -= end - at
      this.#readContent(bytes.subarray(at, end))
      at = end
    }
  }

  /** @returns where the content begins, if all of the header has passed */
  #readHeader(bytes: Uint8Array, start: number): number {
    let at = start
    if (this.#header < 0) {
      this.#header = bytes[at++] as number
      this.#parts = []
      this.#keepsAll = packetType(this.#header) === 'publish' && this.#wantsPayloads()
    }
    while (at < bytes.length) {
      const byte = bytes[at++] as number
      this.#remainingLength += (byte & 0x7f) * 128 ** this.#lengthBytes++
      if (byte >= 0x80) continue
      this.#missing = this.#remainingLength
      break
    }
    return at
  }

  #readContent(part: Uint8Array): void {
    const type = packetType(this.#header)
    const isWhole = this.#missing === 0
    if (this.#parts) {
      if (this.#keepsAll) this.#parts.push(part)
      else if (type !== 'connect' && this.#kept < MOST_KEPT && part.length > 0) {
        this.#parts.push(part.subarray(0, MOST_KEPT - this.#kept))
        this.#kept += part.length
      }
      // A large payload need not be waited for.
      if (type && (isWhole || (type === 'publish' && !this.#keepsAll))) this.#describe(type, isWhole)
    }
    if (isWhole) this.#endPacket()
  }

  #describe(type: PacketType, isWhole: boolean): void {
    const parts = this.#parts ?? []
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : joinBytes(parts)
    const size = 1 + this.#lengthBytes + this.#remainingLength
    const frame = { header: this.#header, bytes, start: 0, end: bytes.length }
    const packet = describePacket(type, frame, this.#protocolVersion) ?? (isWhole ? { type } : undefined)
    if (!packet) return
    this.#parts = undefined
    this.#onPacket(packet, size, this.#keepsAll ? frame : undefined)
  }

  #endPacket(): void {
    this.#header = -1
    this.#lengthBytes = 0
    this.#remainingLength = 0
    this.#missing = -1
    this.#parts = undefined
    this.#kept = 0
  }
}
