import { allocateAlone, EMPTY } from './bytes.ts'

/** From this size on the content of a packet stays where it came. */
const LARGE = 16_384

/** A view of a small payload keeps at most so many bytes in memory, or its own packet. */
const LIGHT = 8_192

/**
 * What came from a socket in one piece, and how much of it was read.
 *
 * Payloads are views, and a view keeps the whole memory that it is cut from. Chunks of a busy socket have 64 KiB. Small packets
 * of such a chunk are read from copies of 8 KiB: one copy serves many packets, which is cheaper than a copy of each payload.
 */
export class Chunk {
  bytes = EMPTY
  /** Where reading goes on. */
  at = 0
  #isLight = true
  #copy = EMPTY
  /** Where the copy starts in the chunk. */
  #copyStart = 0

  /** Takes the place of the bytes before. */
  set(bytes: Uint8Array): void {
    this.bytes = bytes
    this.at = 0
    this.#isLight = bytes.buffer.byteLength <= LIGHT
    this.#copy = EMPTY
    this.#copyStart = 0
  }

  get isRead(): boolean {
    return this.at === this.bytes.length
  }

  /** Reads past the content of a packet, which must be complete, and puts into `place` where it is. */
  take(length: number, place: { bytes: Uint8Array; start: number; end: number }): void {
    const start = this.at
    this.at = start + length
    const shift = this.#isLight || length >= LARGE ? 0 : this.#copied(start, this.at)
    place.bytes = this.#isLight || length >= LARGE ? this.bytes : this.#copy
    place.start = start - shift
    place.end = this.at - shift
  }

  /** Copies a range, unless the last copy has it. @returns where the copy starts in the chunk */
  #copied(start: number, end: number): number {
    if (end > this.#copyStart + this.#copy.length) {
      const source = this.bytes.subarray(start, Math.max(end, start + LIGHT))
      this.#copy = allocateAlone(source.length)
      this.#copy.set(source)
      this.#copyStart = start
    }
    return this.#copyStart
  }
}
