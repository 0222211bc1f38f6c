import type { Entry } from './types.ts'

/** If there is not enough space, so many times more entries are kept of a connection than of any other actor. */
const WORTH = 4

/**
 * Chooses the entries to remove: the oldest entries of the actors that have the most. An actor with a thousand events a
 * second must not push out the entries of the connection from last night. Actors that replace each other count as one.
 */
export function chattiest(entries: readonly Entry[], count: number): Set<Entry> {
  const kinds = new Map<string, { readonly entries: Entry[]; readonly worth: number; taken: number }>()
  for (const entry of entries) {
    const { rootId, name, connection } = entry.actor
    const key = `${rootId}/${name}`
    const kind = kinds.get(key)
    if (kind) kind.entries.push(entry)
    else kinds.set(key, { entries: [entry], worth: connection ? WORTH : 1, taken: 0 })
  }
  const trimmed = new Set<Entry>()
  const left = ({ entries: all, taken, worth }: { readonly entries: Entry[]; taken: number; worth: number }) =>
    (all.length - taken) / worth
  while (trimmed.size < Math.min(count, entries.length)) {
    const [most] = [...kinds.values()].toSorted((a, b) => left(b) - left(a))
    if (!most) break
    // In portions, because another actor may soon have the most.
    for (let part = 0; part < 50 && trimmed.size < count; part++) {
      const entry = most.entries[most.taken]
      if (!entry) break
      most.taken++
      trimmed.add(entry)
    }
  }
  return trimmed
}
