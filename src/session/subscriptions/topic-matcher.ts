/** How many topics have their matches cached. Topics often repeat. */
const MAX_CACHED = 1_000

/** How many levels a search for an overlap visits at most. */
const MAX_VISITED = 1_000

const SHARED = /^\$share\/[^/]+\//

/** One level in the tree of filters. Most levels have no next one, or no value: such a collection comes with its first entry. */
interface Level<Value> {
  next: Map<string, Level<Value>> | undefined
  /** The values of the filters that end at this level. */
  values: Value[] | undefined
}

/**
 * Finds the values whose topic filters match a topic (MQTT 5 §4.7). The filters form a tree of levels: the cost of a
 * match depends on the levels of the topic, even with 100,000 filters. qlobber does the same, but cannot be bundled for
 * a browser.
 */
export class TopicMatcher<Value> {
  readonly #root: Level<Value> = createLevel()
  readonly #cache = new Map<string, readonly Value[]>()

  add(filter: string, value: Value): void {
    let level = this.#root
    for (const name of levelsOf(filter)) {
      let next = level.next?.get(name)
      if (!next) (level.next ??= new Map()).set(name, (next = createLevel()))
      level = next
    }
    if (!level.values) level.values = [value]
    else if (!level.values.includes(value)) level.values.push(value)
    this.#cache.clear()
  }

  remove(filter: string, value: Value): void {
    prune(this.#root, levelsOf(filter), 0, value)
    this.#cache.clear()
  }

  /**
   * Whether some topic may match both this filter and one in the tree. A `+` has to be compared with all levels in its
   * place, so the search is limited: it answers `true` if it would take too long.
   */
  overlaps(filter: string): boolean {
    return meets(this.#root, levelsOf(filter), 0, { left: MAX_VISITED })
  }

  /** The values that match, each once. */
  match(topic: string): readonly Value[] {
    const cached = this.#cache.get(topic)
    if (cached) return cached
    const matching = new Set<Value>()
    collect(this.#root, topic.split('/'), 0, matching)
    const values = [...matching]
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
    this.#cache.set(topic, values)
    return values
  }
}

/** The levels of a filter, without the `$share/{ShareName}/` of a shared subscription (MQTT 5 §4.8.2). */
function levelsOf(filter: string): string[] {
  return filter.replace(SHARED, '').split('/')
}

function createLevel<Value>(): Level<Value> {
  return { next: undefined, values: undefined }
}

function collect<Value>(level: Level<Value>, names: readonly string[], depth: number, found: Set<Value>): void {
  const name = names[depth]
  // A wildcard at the beginning does not match topics that begin with `$` (MQTT-4.7.2-1).
  const wild = depth > 0 || !name?.startsWith('$')
  // `a/#` matches `a` too (MQTT-4.7.1-2).
  if (wild) for (const value of level.next?.get('#')?.values ?? []) found.add(value)
  if (name === undefined) {
    for (const value of level.values ?? []) found.add(value)
    return
  }
  const exact = level.next?.get(name)
  if (exact) collect(exact, names, depth + 1, found)
  const any = wild ? level.next?.get('+') : undefined
  if (any) collect(any, names, depth + 1, found)
}

/** Empty levels are pruned, so a filter ends at or below every level. */
function meets<Value>(level: Level<Value>, names: readonly string[], depth: number, visits: { left: number }): boolean {
  if (visits.left-- <= 0) return true
  const name = names[depth]
  if (level.next?.has('#') || name === '#') return !isEmpty(level)
  if (name === undefined) return level.values !== undefined
  if (!level.next) return false
  const nexts = name === '+' ? level.next.values() : [level.next.get(name), level.next.get('+')]
  for (const next of nexts) if (next && meets(next, names, depth + 1, visits)) return true
  return false
}

/** @returns whether the level is empty */
function prune<Value>(level: Level<Value>, names: readonly string[], depth: number, value: Value): boolean {
  const name = names[depth]
  if (name === undefined) {
    const left = level.values?.filter((each) => each !== value)
    level.values = left?.length ? left : undefined
  } else {
    const next = level.next?.get(name)
    if (next && prune(next, names, depth + 1, value)) level.next?.delete(name)
    if (level.next?.size === 0) level.next = undefined
  }
  return isEmpty(level)
}

function isEmpty({ next, values }: Level<unknown>): boolean {
  return next === undefined && values === undefined
}
