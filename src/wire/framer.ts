import { Assembly } from './assembly.ts'
import { EMPTY } from './bytes.ts'
import { Chunk } from './chunk.ts'
import { InvalidPacketError } from './invalid-packet.ts'

/** A whole PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, PINGRESP or AUTH, or some bytes of another packet. */
export interface Frame {
  /** The first byte of the packet: its type and flags. */
  readonly header: number
  /** Views of it may be kept: they keep at most 16 KiB in memory, or the chunks of a large packet. */
  readonly bytes: Uint8Array
  /** Where the Variable Header starts; of a control packet where its bytes start. */
  readonly start: number
  readonly end: number
}

/**
 * `control` is some bytes of one other packet, for MQTT.js to parse: all of it, or a part if it came in several chunks.
 */
export type FrameKind = 'publish' | 'ack' | 'pingresp' | 'auth' | 'control'

/** Packet types (MQTT 5 §2.1.2). Those that carry data are the ones from PUBLISH to PUBCOMP. */
const PUBLISH = 3
const PUBCOMP = 7
const PINGRESP = 13
const AUTH = 15

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
  /** Whether its packet begins with it. Only a control packet comes in several frames. */
  isStart = true
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
  /** The content of a packet of ours that came in part. */
  #assembly: Assembly | undefined
  #failure: InvalidPacketError | undefined

  /** @param maximumPacketSize - in bytes, with the fixed header (MQTT 5 §3.1.2.11.4) */
  constructor(maximumPacketSize = Number.POSITIVE_INFINITY) {
    this.#maximumPacketSize = maximumPacketSize
    this.#frame = { header: 0, bytes: EMPTY, start: 0, end: 0 }
    this.frame = this.#frame
  }

  /** The first byte of a packet of ours that came in part, or -1. */
  get begun(): number {
    return this.#header >= 0 && isOurs(this.#header) ? this.#header : -1
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
      if (!isOurs(header)) {
        if (this.#passOn(header)) return 'control'
      } else if (this.#readHeader() && this.#readContent()) {
        return kindOf(header)
      }
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

  /** Reads on in the content of a packet of ours. @returns whether all of it came */
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

  /** Passes on the bytes of a control packet that are there. @returns whether there are any before a failure */
  #passOn(header: number): boolean {
    const chunk = this.#chunk
    const start = chunk.at
    this.isStart = this.#header < 0
    if (this.#readHeader()) {
      const missing = this.#remainingLength
      const available = chunk.bytes.length - chunk.at
      chunk.at += Math.min(missing, available)
      if (missing > available) this.#remainingLength = missing - available
      else this.#endPacket()
    } else if (this.#failure) {
      return false
    }
    const frame = this.#frame
    frame.header = header
    frame.bytes = chunk.bytes
    frame.start = start
    frame.end = chunk.at
    return true
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

function isOurs(header: number): boolean {
  const type = header >> 4
  return (type >= PUBLISH && type <= PUBCOMP) || type === PINGRESP || type === AUTH
}

function kindOf(header: number): FrameKind {
  const type = header >> 4
  if (type === PUBLISH) return 'publish'
  if (type <= PUBCOMP) return 'ack'
  return type === PINGRESP ? 'pingresp' : 'auth'
}
