import { allocate } from './bytes.ts'

/** Up to this size the whole packet is allocated at once. Above it a header alone, which may lie, must not take memory. */
const AT_ONCE = 262_144

/**
 * The content of one packet that comes in several chunks. A byte is copied twice on average at most: when it comes, and when
 * the memory grows. The memory is at most four times what came (but {@link AT_ONCE}), and in the end as large as the packet.
 */
export class Assembly {
  readonly #size: number
  #bytes: Uint8Array
  #filled = 0

  /** @param size - the Remaining Length of the packet */
  constructor(size: number) {
    this.#size = size
    this.#bytes = allocate(Math.min(size, AT_ONCE))
  }

  get missing(): number {
    return this.#size - this.#filled
  }

  /** The whole content, when none of it is missing. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /**
   * Takes what there is of the content.
   *
   * @returns where the chunk goes on behind it
   * @throws {RangeError} no memory is left
   */
  append(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.missing)
    const filled = this.#filled + end - at
    if (filled > this.#bytes.length) this.#grow(filled)
    this.#bytes.set(chunk.subarray(at, end), this.#filled)
    this.#filled = filled
    return end
  }

  #grow(needed: number): void {
    const next = needed * 4 >= this.#size ? this.#size : Math.max(needed, this.#bytes.length * 2)
    const larger = allocate(next)
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
