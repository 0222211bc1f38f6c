import { useMemo, useRef } from 'preact/hooks'

import type { Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'
import { eventTitle } from '../model/words.ts'

export type Scope = 'all' | 'root' | 'actor'

interface Filter {
  readonly query: string
  readonly scope: Scope
  readonly every: boolean
  readonly actor: Actor | null
}

/** The entries that match the filter. Each entry is checked once, and again only when the filter changes. */
export function useFiltered(store: Store, version: number, { query, scope, every, actor }: Filter): readonly Entry[] {
  const kept = useRef<{ list: Entry[]; seq: number }>({ list: [], seq: 0 })
  const words = query.trim().toLowerCase()
  const who = { all: undefined, root: actor?.rootId, actor: actor?.sessionId }[scope]
  useMemo(() => {
    kept.current = { list: [], seq: 0 }
  }, [words, scope, every, who, store.generation])
  return useMemo(() => {
    const { list } = kept.current
    let first = store.entries.length
    while (first > 0 && (store.entries[first - 1]?.seq ?? 0) > kept.current.seq) first--
    for (const entry of store.entries.slice(first)) {
      kept.current.seq = entry.seq
      if (!every && !entry.changed) continue
      if (who !== undefined && who !== (scope === 'actor' ? entry.actor.sessionId : entry.actor.rootId)) continue
      if (words && !textOf(entry).includes(words)) continue
      list.push(entry)
    }
    return list
  }, [version, words, scope, every, who, store.generation])
}

function textOf(entry: Entry): string {
  const { event, from, to, guards, failure, actor } = entry
  entry.search ??= [event.type, eventTitle(event), from, to, ...guards, failure, actor.name].join(' ').toLowerCase()
  return entry.search
}
