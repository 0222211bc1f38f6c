import { Qlobber } from 'qlobber'

/** Topics are often few and repeat: what they match is remembered for this many. */
const MAX_CACHED = 1_000

const SHARED = /^\$share\/[^/]+\//

/** Finds the values whose topic filters match a topic (MQTT 5 §4.7), also among 100,000 of them. */
export class TopicMatcher<Value> {
  readonly #trie = new Qlobber<Value>({
    separator: '/',
    wildcard_one: '+',
    wildcard_some: '#',
    match_empty_levels: true,
    max_words: Number.POSITIVE_INFINITY,
    max_wildcard_somes: 1,
  })
  /** Filters that begin with a wildcard, which must not match topics that begin with `$` (MQTT-4.7.2-1). */
  readonly #wild = new Set<Value>()
  readonly #cache = new Map<string, readonly Value[]>()

  add(filter: string, value: Value): void {
    const topicFilter = topicFilterOf(filter)
    this.#trie.add(topicFilter, value)
    if (topicFilter.startsWith('#') || topicFilter.startsWith('+')) this.#wild.add(value)
    this.#cache.clear()
  }

  remove(filter: string, value: Value): void {
    this.#trie.remove(topicFilterOf(filter), value)
    this.#wild.delete(value)
    this.#cache.clear()
  }

  /** The values that match, each once. */
  match(topic: string): readonly Value[] {
    const cached = this.#cache.get(topic)
    if (cached) return cached
    const matching = [...new Set(this.#trie.match(topic))]
    const values = topic.startsWith('$') ? matching.filter((value) => !this.#wild.has(value)) : matching
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
    this.#cache.set(topic, values)
    return values
  }
}

/** Without the `$share/{ShareName}/` of a shared subscription (MQTT 5 §4.8.2). */
function topicFilterOf(filter: string): string {
  return filter.replace(SHARED, '')
}
