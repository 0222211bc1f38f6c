import { textDecoder, textEncoder } from '../shared/text-coders.ts'

// A byte order mark is kept as part of the text.
const decoder = textDecoder({ fatal: true, ignoreBOM: true })

/** The size of a buffer that many small values share. A buffer of its own would cost each of them a microsecond. */
const SHARED = 16_384

/** Larger values get buffers of their own: a shared buffer stays in memory as long as any of its values. */
const MAX_SHARING = SHARED / 4

/** What is reserved after a large payload, for the checksum. */
const RESERVE = 16

/** The numbers below this one take one byte. */
const ONE_BYTE = 0x80

/** Writes values one after the other, big-endian as on the wire. */
export class Writer {
  #bytes: Uint8Array = new Uint8Array(SHARED)
  #view = new DataView(this.#bytes.buffer)
  /** Where the value begins that is being written. */
  #start = 0
  #at = 0

  /** Begins a value. One that was not finished is dropped. */
  start(): this {
    this.#at = this.#start
    return this
  }

  u8(value: number): this {
    this.#grow(1)
    this.#bytes[this.#at++] = value
    return this
  }

  u16(value: number): this {
    this.#grow(2)
    this.#view.setUint16(this.#at, value)
    this.#at += 2
    return this
  }

  u32(value: number): this {
    this.#grow(4)
    this.#view.setUint32(this.#at, value)
    this.#at += 4
    return this
  }

  /** A whole number of up to 53 bits, so that byte order is numeric order. */
  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32)
  }

  f64(value: number): this {
    this.#grow(8)
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
    return this
  }

  /** Seven bits per byte, lowest first, like MQTT's Variable Byte Integer (MQTT 5 §1.5.5) but without its limit. */
  varint(value: number): this {
    let rest = value
    while (rest >= ONE_BYTE) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  raw(bytes: Uint8Array): this {
    this.#grow(bytes.byteLength)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.byteLength
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.byteLength).raw(bytes)
  }

  text(text: string): this {
    return text.length < ONE_BYTE && this.#ascii(text) ? this : this.bytes(textEncoder().encode(text))
  }

  /** Text up to the end, without a length. */
  rawText(text: string): this {
    this.#grow(text.length * 3)
    this.#at += textEncoder().encodeInto(text, this.#bytes.subarray(this.#at)).written
    return this
  }

  /** @returns the value. Its buffer may hold other values, too */
  finish(): Uint8Array {
    const { buffer, byteLength } = this.#bytes
    const length = this.#at - this.#start
    const value = new Uint8Array(buffer, this.#start, length)
    if (length <= MAX_SHARING) {
      this.#start = this.#at
      return value
    }
    if (byteLength > SHARED) this.#renew(SHARED)
    return byteLength <= length + RESERVE ? value : value.slice()
  }

  /** Writes a short text with its length, if it is ASCII. The encoder has a high price for each call. */
  #ascii(text: string): boolean {
    const { length } = text
    this.#grow(1 + length)
    const from = this.#at + 1
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code >= ONE_BYTE) return false
      this.#bytes[from + at] = code
    }
    this.#bytes[this.#at] = length
    this.#at = from + length
    return true
  }

  #grow(by: number): void {
    if (this.#at + by <= this.#bytes.byteLength) return
    const written = this.#bytes.subarray(this.#start, this.#at)
    const needed = written.byteLength + by
    // A large payload is the last part of its value. What grows in small steps is copied rarely.
    this.#renew(Math.max(SHARED, by > written.byteLength ? needed + RESERVE : 2 * needed))
    this.#bytes.set(written)
    this.#at = written.byteLength
  }

  #renew(size: number): void {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
    this.#start = 0
    this.#at = 0
  }
}

/** @throws {TypeError} if the bytes are not valid UTF-8 */
export function textOf(bytes: Uint8Array): string {
  return decoder().decode(bytes)
}

/** Converts numbers. A `DataView` of its own would cost each value as much as all of its reading. */
const converted = new Uint8Array(8)
const converter = new DataView(converted.buffer)

/** Reads the format of `Writer`. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at = 0

  /** @param end - how many of the bytes count */
  constructor(bytes: Uint8Array, end = bytes.byteLength) {
    // A `Buffer` would return views of itself.
    const isPlain = bytes.constructor === Uint8Array
    this.#bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = end
  }

  get done(): boolean {
    return this.#at === this.#end
  }

  /** How many bytes remain. */
  get left(): number {
    return this.#end - this.#at
  }

  /** @throws {RangeError} past the end, like all other methods */
  u8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8()
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  u64(): number {
    return this.u32() * 2 ** 32 + this.u32()
  }

  f64(): number {
    this.copy(8, converted, 0)
    return converter.getFloat64(0)
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
    return textOf(this.view(this.varint()))
  }

  /** The next `length` bytes, as a view. */
  view(length: number): Uint8Array {
    const from = this.#take(length)
    return this.#bytes.subarray(from, from + length)
  }

  /** Copies the next `length` bytes, which are few, to a position of another array. */
  copy(length: number, to: Uint8Array, position: number): void {
    const from = this.#take(length)
    for (let at = 0; at < length; at++) to[position + at] = this.#bytes[from + at] as number
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** The remaining bytes. */
  rest(): Uint8Array {
    return this.#bytes.slice(this.#take(this.left), this.#end)
  }

  #take(length: number): number {
    const from = this.#at
    if (from + length > this.#end) throw new RangeError('a record is cut short')
    this.#at += length
    return from
  }
}
