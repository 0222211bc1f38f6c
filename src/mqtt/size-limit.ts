/** The bytes of the longest fixed header: type and flags, then the Remaining Length (MQTT 5 §2.1). */
const LONGEST_HEADER = 5

/**
 * Finds packets that are too large as soon as their fixed header has arrived, before any of their content is kept. It
 * reads nothing but fixed headers.
 */
export class SizeLimit {
  readonly #limit: number
  /** How many bytes of the current packet are missing, after its fixed header. */
  #rest = 0
  /** How many bytes of the fixed header have arrived. */
  #header = 0
  #remainingLength = 0

  /** @param limit - in bytes, for a whole packet (MQTT 5 §3.1.2.11.4) */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns the size of the first packet that is too large, in bytes */
  exceededBy(chunk: Uint8Array): number | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const skipped = Math.min(this.#rest, chunk.length - at)
        this.#rest -= skipped
        at += skipped
      } else {
        const size = this.#next(chunk[at] ?? 0)
        if (size !== undefined && size > this.#limit) return size
        at++
      }
    }
    return undefined
  }

  /** @returns the size of the packet if this byte ends its fixed header */
  #next(byte: number): number | undefined {
    this.#header++
    if (this.#header === 1) return undefined
    this.#remainingLength += (byte & 0x7f) * 128 ** (this.#header - 2)
    if (byte >= 0x80) {
      // This is not a length. MQTT.js's parser reports it, and the bytes that follow have no meaning.
      if (this.#header === LONGEST_HEADER) this.#rest = Number.POSITIVE_INFINITY
      return undefined
    }
    const size = this.#header + this.#remainingLength
    this.#rest = this.#remainingLength
    this.#header = 0
    this.#remainingLength = 0
    return size
  }
}
