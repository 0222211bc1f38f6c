/**
 * The Topic Aliases that the application gives to its publishes (MQTT 5 §3.3.2.3.4). An alias belongs to one connection, and a
 * publish may wait for the next one, so that the topic is sent instead: `autoAssignTopicAlias` shortens it again.
 */
export class TopicAliases {
  readonly #topics = new Map<number, string>()

  /** @returns the topic to publish to. @throws {Error} if an alias stands for none */
  resolve(topic: string, alias: number | undefined): string {
    if (alias === undefined) return topic
    if (topic !== '') {
      this.#topics.set(alias, topic)
      return topic
    }
    const known = this.#topics.get(alias)
    if (known === undefined) throw new Error('Unregistered Topic Alias')
    return known
  }
}
