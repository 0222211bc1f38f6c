import type { OutgoingTopicAliases } from './outgoing-topic-aliases.ts'
import { utf8 } from './text.ts'
import { checkedLength } from './unencodable-packet.ts'

/** The bytes of the property Topic Alias (MQTT 5 §3.3.2.3.4). */
export const ALIAS_BYTES = 3

/** An alias for a shorter topic would save nothing. */
const SHORTEST_ALIASED = ALIAS_BYTES + 1

/**
 * Writes topics, or the Topic Aliases that stand for them. It remembers the last topic: most clients send several messages to
 * one topic in a row.
 */
export class TopicWriter {
  readonly #aliases: OutgoingTopicAliases | undefined
  #topic = ''
  #length = 0
  /** Of the last topic, from the second time on. */
  #bytes: Uint8Array | undefined
  #alias = 0
  /** Whether the alias stands for the topic already, which is then left out. */
  #isKnown = false

  /** @param aliases - `undefined` if there are none on this connection */
  constructor(aliases?: OutgoingTopicAliases) {
    this.#aliases = aliases
  }

  /**
   * Makes a topic the one that `write` writes, if there is an alias for it as an alias.
   *
   * @param whole - whether to write the topic in any case, without an alias
   * @returns how many bytes that will be
   * @throws {UnencodablePacketError}
   */
  prepare(topic: string, whole: boolean): number {
    this.#alias = 0
    this.#isKnown = false
    if (this.#aliases && !whole) {
      this.#alias = this.#aliases.use(topic)
      this.#isKnown = this.#alias > 0
      if (this.#isKnown) return 2
    }
    if (topic === this.#topic) {
      this.#bytes ??= utf8.encode(topic)
    } else {
      this.#length = checkedLength(utf8.lengthOf(topic), 'the topic')
      this.#topic = topic
      this.#bytes = undefined
    }
    if (this.#aliases && !whole && this.#length >= SHORTEST_ALIASED) this.#alias = this.#aliases.free()
    return 2 + this.#length
  }

  /** The bytes of the property that `writeAlias` writes: 0 if there is none. */
  get aliasSize(): number {
    return this.#alias > 0 ? ALIAS_BYTES : 0
  }

  /** Assigns no alias, because the packet would be too large with both. One that is assigned already is smaller. */
  assignNone(): void {
    if (!this.#isKnown) this.#alias = 0
  }

  /** Writes the topic. @returns where it ends */
  write(into: Uint8Array, at: number): number {
    if (this.#isKnown) {
      into[at] = 0
      into[at + 1] = 0
      return at + 2
    }
    into[at] = this.#length >>> 8
    into[at + 1] = this.#length
    if (!this.#bytes) return utf8.write(this.#topic, into, at + 2)
    into.set(this.#bytes, at + 2)
    return at + 2 + this.#length
  }

  /** Writes the property. @returns where it ends */
  writeAlias(into: Uint8Array, at: number): number {
    into[at] = 0x23
    into[at + 1] = this.#alias >>> 8
    into[at + 2] = this.#alias
    return at + ALIAS_BYTES
  }

  /** The packet with the property is complete: from the next one on, the alias stands for the topic. */
  assign(): void {
    if (!this.#isKnown) this.#aliases?.assign(this.#topic, this.#alias)
  }
}
