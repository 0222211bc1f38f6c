import type { Entry } from './types.ts'

/** What a connection did is looked for longest: of others so many times less is kept, if there is no room for both. */
const WORTH = 4

/**
 * The oldest entries of those who have most of them: an actor with a thousand events a second is not to push out what
 * the connection did last night. Actors of which there is one after the other count as one.
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
    // In portions: who has most now may not have most soon.
    for (let part = 0; part < 50 && trimmed.size < count; part++) {
      const entry = most.entries[most.taken]
      if (!entry) break
      most.taken++
      trimmed.add(entry)
    }
  }
  return trimmed
}
