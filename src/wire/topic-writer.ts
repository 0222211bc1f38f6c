import { utf8 } from './text.ts'
import { checkedLength } from './unencodable-packet.ts'

/** Writes topics, and remembers the last one: most clients send several messages to one topic in a row. */
export class TopicWriter {
  #topic = ''
  #length = 0
  /** Of the last topic, from the second time on. */
  #bytes: Uint8Array | undefined

  /**
   * Makes a topic the one that `write` writes.
   *
   * @returns how many bytes that will be
   * @throws {UnencodablePacketError}
   */
  prepare(topic: string): number {
    if (topic === this.#topic) {
      this.#bytes ??= utf8.encode(topic)
    } else {
      this.#length = checkedLength(utf8.lengthOf(topic), 'the topic')
      this.#topic = topic
      this.#bytes = undefined
    }
    return 2 + this.#length
  }

  /** @returns where it ends */
  write(into: Uint8Array, at: number): number {
    into[at] = this.#length >>> 8
    into[at + 1] = this.#length
    if (!this.#bytes) return utf8.write(this.#topic, into, at + 2)
    into.set(this.#bytes, at + 2)
    return at + 2 + this.#length
  }
}
