import { InvalidPacketError, type PacketRule } from './invalid-packet.ts'
import { readText } from './text.ts'

type UserProperties = Record<string, string | string[]>

/** Reads the properties of one packet, one value after the other (MQTT 5 §2.2.2). */
export class PropertyReader {
  readonly #bytes: Uint8Array
  readonly #header: number
  #at: number
  readonly #end: number

  /**
   * Reads the Property Length.
   *
   * @param at - where it starts
   * @param end - of the packet
   * @param header - the first byte of the packet, for errors
   */
  constructor(bytes: Uint8Array, at: number, end: number, header: number) {
    this.#bytes = bytes
    this.#header = header
    this.#at = at
    this.#end = end
    const length = this.variableByteInteger()
    if (this.#at + length > end) this.fail('truncated')
    this.#end = this.#at + length
  }

  /** Where the packet goes on behind its properties. */
  get end(): number {
    return this.#end
  }

  get hasMore(): boolean {
    return this.#at < this.#end
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number
  }

  twoByteInteger(): number {
    const at = this.#take(2)
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number)
  }

  fourByteInteger(): number {
    const high = this.twoByteInteger()
    return high * 0x1_0000 + this.twoByteInteger()
  }

  variableByteInteger(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return this.fail('variableByteInteger')
  }

  text(): string {
    const length = this.twoByteInteger()
    const start = this.#take(length)
    return readText(this.#bytes, start, start + length, this.#header)
  }

  binary(): Uint8Array {
    const length = this.twoByteInteger()
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Adds a User Property to those before it; a name may come several times (MQTT 5 §3.3.2.3.7). */
  userProperty(known: Readonly<Record<string, string | readonly string[]>> | undefined): UserProperties {
    // Without a prototype `__proto__` is a name like any other.
    const properties = (known ?? Object.create(null)) as UserProperties
    const name = this.text()
    const value = this.text()
    const before = properties[name]
    if (before === undefined) properties[name] = value
    else if (typeof before === 'string') properties[name] = [before, value]
    else before.push(value)
    return properties
  }

  /** Refuses a property that came before, and may come once. @param before - its value */
  once(before: unknown): void {
    if (before !== undefined) this.fail('propertyTwice')
  }

  fail(rule: PacketRule): never {
    throw new InvalidPacketError(rule, this.#header)
  }

  /** @returns where the bytes start */
  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#end) this.fail('truncated')
    this.#at = at + count
    return at
  }
}
