import { Assembly } from './assembly.ts'
import { EMPTY } from './bytes.ts'
import { Chunk } from './chunk.ts'
import { InvalidPacketError } from './invalid-packet.ts'

/** A whole PUBLISH, PUBACK, PUBREC, PUBREL or PUBCOMP, or a range of the bytes of other packets. */
export interface Frame {
  /** The first byte of a data packet: its type and flags. */
  readonly header: number
  /** Views of it may be kept: they keep at most 8 KiB in memory, or the chunks of a large packet. */
  readonly bytes: Uint8Array
  /** Of a data packet where its Variable Header starts, of others where their range starts. */
  readonly start: number
  readonly end: number
}

/** `control` is a range of other packets, for MQTT.js to parse. It may start and end in the middle of a packet. */
export type FrameKind = 'publish' | 'ack' | 'control'

/** Types of packets that carry data are those from PUBLISH to PUBCOMP (MQTT 5 §2.1.2). */
const PUBLISH = 3
const PUBCOMP = 7

/**
 * Cuts what comes from a socket into packets. It reads fixed headers and nothing else.
 *
 * The caller asks for one frame after the other. It may stop between two frames: the framer keeps the rest.
 *
 * ```ts
 * framer.push(chunk)
 * for (let kind = framer.next(); kind; kind = framer.next()) handle(kind, framer.frame)
 * ```
 */
export class Framer {
  /** What `next` found. It is the same object each time. */
  readonly frame: Frame
  readonly #frame: { -readonly [Key in keyof Frame]: Frame[Key] }
  readonly #maximumPacketSize: number
  readonly #chunk = new Chunk()
  /** Chunks behind that one, which came while it was not read to its end. */
  readonly #waiting: Uint8Array[] = []
  /** Of the packet under way: its first byte, or -1 between two packets. */
  #header = -1
  /** How many bytes of its Remaining Length came. */
  #lengthBytes = 0
  #remainingLength = 0
  #hasLength = false
  /** The content of a data packet that came in part. */
  #assembly: Assembly | undefined
  #failure: InvalidPacketError | undefined

  /** @param maximumPacketSize - in bytes, with the fixed header (MQTT 5 §3.1.2.11.4) */
  constructor(maximumPacketSize = Number.POSITIVE_INFINITY) {
    this.#maximumPacketSize = maximumPacketSize
    this.#frame = { header: 0, bytes: EMPTY, start: 0, end: 0 }
    this.frame = this.#frame
  }

  /** How many bytes were pushed and not asked for. */
  get unread(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, this.#chunk.bytes.length - this.#chunk.at)
  }

  /** Adds what came from the socket. The framer reads it later, so it must not change. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#failure) return
    if (this.#chunk.isRead) this.#chunk.set(chunk)
    else this.#waiting.push(chunk)
  }

  /**
   * Finds what comes next.
   *
   * @returns what `frame` is now, or `undefined` if more bytes must come first
   * @throws {InvalidPacketError} a packet is too large, or has no valid Remaining Length. No frame follows it: each further
   *   call throws it again.
   */
  next(): FrameKind | undefined {
    const chunk = this.#chunk
    while (!chunk.isRead || this.#nextChunk()) {
      const header = this.#header < 0 ? (chunk.bytes[chunk.at] as number) : this.#header
      if (!isData(header)) {
        if (this.#passOn()) return 'control'
        continue
      }
      if (this.#readHeader() && this.#readContent()) return header >> 4 === PUBLISH ? 'publish' : 'ack'
    }
    this.#rethrow()
    // Nor may the frame keep it.
    this.#frame.bytes = EMPTY
    return undefined
  }

  #nextChunk(): boolean {
    const bytes = this.#waiting.shift()
    // The one before is not kept: it may be of 64 KiB, and nothing may come for a long time.
    this.#chunk.set(bytes ?? EMPTY)
    return bytes !== undefined
  }

  /** Reads on in a fixed header. @returns whether all of it came, and the packet may be of that size */
  #readHeader(): boolean {
    if (this.#hasLength) return true
    const chunk = this.#chunk
    const { bytes } = chunk
    if (this.#header < 0) this.#header = bytes[chunk.at++] as number
    while (chunk.at < bytes.length) {
      const byte = bytes[chunk.at++] as number
      this.#remainingLength += (byte & 0x7f) << (7 * this.#lengthBytes++)
      if (byte < 0x80) {
        this.#hasLength = 1 + this.#lengthBytes + this.#remainingLength <= this.#maximumPacketSize
        return this.#hasLength || this.#fail('packetTooLarge')
      }
      if (this.#lengthBytes === 4) return this.#fail('remainingLength')
    }
    return false
  }

  /** Reads on in the content of a data packet. @returns whether all of it came */
  #readContent(): boolean {
    const chunk = this.#chunk
    const frame = this.#frame
    const length = this.#remainingLength
    if (!this.#assembly && chunk.at + length <= chunk.bytes.length) {
      chunk.take(length, frame)
    } else {
      if (!this.#assemble(length)) return false
      frame.start = 0
      frame.end = length
    }
    frame.header = this.#header
    this.#endPacket()
    return true
  }

  /** Adds to a packet that comes in several chunks. @returns whether all of it came: then the frame has it */
  #assemble(length: number): boolean {
    try {
      this.#assembly ??= new Assembly(length)
      this.#chunk.at = this.#assembly.append(this.#chunk.bytes, this.#chunk.at)
    } catch {
      return this.#fail('outOfMemory')
    }
    if (this.#assembly.missing > 0) return false
    this.#frame.bytes = this.#assembly.bytes
    this.#assembly = undefined
    return true
  }

  /** Finds where a range of other packets ends. @returns whether there is one before a failure */
  #passOn(): boolean {
    const chunk = this.#chunk
    const { bytes } = chunk
    const start = chunk.at
    let end = start
    while (!chunk.isRead) {
      if (this.#header < 0 && isData(bytes[chunk.at] as number)) break
      if (this.#readHeader()) {
        const packetEnd = chunk.at + this.#remainingLength
        chunk.at = Math.min(packetEnd, bytes.length)
        if (packetEnd > bytes.length) this.#remainingLength = packetEnd - bytes.length
        else this.#endPacket()
      } else if (this.#failure) {
        break
      }
      end = chunk.at
    }
    const frame = this.#frame
    frame.bytes = bytes
    frame.start = start
    frame.end = end
    return end > start
  }

  #endPacket(): void {
    this.#header = -1
    this.#lengthBytes = 0
    this.#remainingLength = 0
    this.#hasLength = false
  }

  #rethrow(): void {
    if (this.#failure) throw this.#failure
  }

  #fail(rule: 'packetTooLarge' | 'remainingLength' | 'outOfMemory'): false {
    this.#failure = new InvalidPacketError(rule, this.#header)
    this.#chunk.set(EMPTY)
    this.#waiting.length = 0
    this.#assembly = undefined
    return false
  }
}

function isData(header: number): boolean {
  const type = header >> 4
  return type >= PUBLISH && type <= PUBCOMP
}
