import type { DecodedPublish } from './decode-publish.ts'
import { InvalidPacketError } from './invalid-packet.ts'

const PUBLISH = 0x30

/** What the server's Topic Aliases stand for on one connection (MQTT 5 §3.3.2.3.4). */
export class IncomingTopicAliases {
  readonly #maximum: number
  #topics: Map<number, string> | undefined

  /** @param maximum - our Topic Alias Maximum (MQTT 5 §3.1.2.11.5). With 0 the server must use none. */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * Gives a PUBLISH without a topic the one that its alias stands for, or remembers the topic for the alias.
   *
   * @throws {InvalidPacketError} the alias is above our maximum, or stands for no topic yet
   */
  resolve(publish: DecodedPublish): void {
    const { topic, topicAlias } = publish
    if (topicAlias === 0) return
    if (topicAlias > this.#maximum) throw new InvalidPacketError('topicAliasInvalid', PUBLISH)
    if (topic !== '') {
      this.#topics ??= new Map()
      this.#topics.set(topicAlias, topic)
      return
    }
    const known = this.#topics?.get(topicAlias)
    if (known === undefined) throw new InvalidPacketError('topicAliasUnknown', PUBLISH)
    publish.topic = known
  }
}
