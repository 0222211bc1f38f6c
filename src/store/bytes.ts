const encoder = new TextEncoder()
// A byte order mark is kept as part of the text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Writes bytes one after the other, big-endian as on the wire. */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  /** @param capacity - the initial size, in bytes */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): this {
    this.#grow(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u32(value: number): this {
    this.#grow(4)
    this.#view.setUint32(this.#length, value)
    this.#length += 4
    return this
  }

  /** A whole number of up to 53 bits, so that byte order is numeric order. */
  u64(value: number): this {
    this.#grow(8)
    this.#view.setBigUint64(this.#length, BigInt(value))
    this.#length += 8
    return this
  }

  f64(value: number): this {
    this.#grow(8)
    this.#view.setFloat64(this.#length, value)
    this.#length += 8
    return this
  }

  /** Seven bits per byte, lowest first, like MQTT's Variable Byte Integer (MQTT 5 §1.5.5) but without its limit. */
  varint(value: number): this {
    let rest = value
    while (rest > 0x7f) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  raw(bytes: Uint8Array): this {
    this.#grow(bytes.byteLength)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.byteLength
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.byteLength).raw(bytes)
  }

  text(text: string): this {
    return this.bytes(encoder.encode(text))
  }

  /** Text up to the end, without a length. */
  rawText(text: string): this {
    this.#grow(text.length * 3)
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
    return this
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#bytes.byteLength) return
    const grown = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length + by))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads the format of `Writer`. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    // A `Buffer` would return views of itself.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.#at === this.#bytes.byteLength
  }

  /** @throws {RangeError} past the end, like all other methods */
  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8)))
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  varint(): number {
    let value = 0
    for (let unit = 1; unit <= 0x80 ** 7; unit *= 0x80) {
      const byte = this.u8()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is too large')
  }

  bytes(): Uint8Array {
    const length = this.varint()
    const from = this.#take(length)
    return this.#bytes.slice(from, from + length)
  }

  /** @throws {TypeError} if the bytes are not valid UTF-8 */
  text(): string {
    return decoder.decode(this.bytes())
  }

  /** The next `length` bytes, as a view. */
  view(length: number): Uint8Array {
    const from = this.#take(length)
    return this.#bytes.subarray(from, from + length)
  }

  /** The remaining bytes. */
  rest(): Uint8Array {
    const from = this.#take(this.#bytes.byteLength - this.#at)
    return this.#bytes.slice(from)
  }

  #take(length: number): number {
    const from = this.#at
    if (from + length > this.#bytes.byteLength) throw new RangeError('a record is cut short')
    this.#at += length
    return from
  }
}
