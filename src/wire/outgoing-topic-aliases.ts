/** The topic that an alias stands for. */
interface AliasedTopic {
  readonly topic: string
  readonly alias: number
  /** The number of the publish that used it last. */
  usedAt: number
}

/** A topic that is used more rarely than once in so many publishes for each alias gives its alias to another topic. */
const RARELY = 100

/**
 * The Topic Aliases that we assign on one connection (MQTT 5 §3.3.2.3.4).
 *
 * The first topics get the aliases and keep them. To assign them to the topics that were used last would be of no use to a
 * client that publishes to more topics in turn than there are aliases (mosquitto allows 10): each publish would assign an
 * alias anew, and be longer than without. Topics that are published to once, such as those of responses, still make room for
 * others after a while.
 */
export class OutgoingTopicAliases {
  readonly #maximum: number
  readonly #byTopic = new Map<string, AliasedTopic>()
  /** Alias 1 comes first. */
  readonly #aliased: AliasedTopic[] = []
  #last: AliasedTopic | undefined
  #publishes = 0
  /** The place of the alias that is looked at next, to find a topic that is rarely used. */
  #next = 0

  /** @param maximum - the server's Topic Alias Maximum (MQTT 5 §3.2.2.3.8), at least 1 */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The alias that stands for the topic of the next publish; 0 if none does. */
  use(topic: string): number {
    const aliased = this.#last?.topic === topic ? this.#last : this.#byTopic.get(topic)
    this.#publishes++
    if (!aliased) return 0
    aliased.usedAt = this.#publishes
    this.#last = aliased
    return aliased.alias
  }

  /** An alias that `assign` may give to another topic; 0 if there is none. */
  free(): number {
    if (this.#aliased.length < this.#maximum) return this.#aliased.length + 1
    // One look for each publish bounds the cost.
    const aliased = this.#aliased[this.#next] as AliasedTopic
    this.#next = (this.#next + 1) % this.#maximum
    return this.#publishes - aliased.usedAt > RARELY * this.#maximum ? aliased.alias : 0
  }

  /** From the next packet on, the alias stands for this topic. Called only when a packet with both is complete. */
  assign(topic: string, alias: number): void {
    const before = this.#aliased[alias - 1]
    if (before) this.#byTopic.delete(before.topic)
    // Another object: `#last` may still be the one before.
    const aliased = { topic, alias, usedAt: this.#publishes }
    this.#aliased[alias - 1] = aliased
    this.#byTopic.set(topic, aliased)
    this.#last = aliased
  }
}
