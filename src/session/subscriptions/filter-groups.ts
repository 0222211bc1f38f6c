import { TopicMatcher } from './topic-matcher.ts'

interface Grouped {
  readonly filter: string
  /** The number of its group, from 1 on. */
  readonly identifier: number
}

/**
 * Divides topic filters into groups, so that no two filters of a group match the same topic. The number of its group is
 * the Subscription Identifier of a filter. A broker may send a message once for each matching subscription (MQTT 5
 * §3.3.4); the identifier shows for which one.
 */
export class FilterGroups<Value extends Grouped> {
  readonly #groups: TopicMatcher<Value>[] = []

  /** The first group that has room for a filter. */
  identifierFor(filter: string): number {
    const free = this.#groups.findIndex((group) => !group.overlaps(filter))
    return 1 + (free === -1 ? this.#groups.length : free)
  }

  add(value: Value): void {
    const group = this.#groups[value.identifier - 1]
    if (group) return group.add(value.filter, value)
    this.#groups.push(new TopicMatcher())
    this.add(value)
  }

  remove(value: Value): void {
    this.#groups[value.identifier - 1]?.remove(value.filter, value)
  }

  /**
   * The values that match a topic, each once.
   *
   * @param identifiers - those that came with the message
   */
  match(topic: string, identifiers: number | readonly number[] | undefined): readonly Value[] {
    if (this.#groups.length === 1) return this.#groups[0]?.match(topic) ?? []
    const meant = typeof identifiers === 'number' ? [identifiers] : (identifiers ?? [])
    const addressed = meant.flatMap((identifier) => this.#groups[identifier - 1]?.match(topic) ?? [])
    // The broker does not support identifiers, or kept the message for an earlier process with other groups.
    return addressed.length > 0 ? addressed : this.#groups.flatMap((group) => group.match(topic))
  }
}
