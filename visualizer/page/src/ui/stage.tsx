import { useMemo } from 'preact/hooks'

import { familyOf } from '../../../shared/family.ts'
import { entryAt } from '../model/entries.ts'
import { shown } from '../model/format.ts'
import { silentSince } from '../model/processes.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'
import { ChartView } from './chart.tsx'
import { momentOf } from './header.tsx'
import { useNow } from './hooks.ts'

/** The chart of an actor, now or at a past moment. */
export function Stage({
  store,
  actor,
  at,
  version,
}: {
  store: Store
  actor: Actor
  at: Entry | null
  version: number
}) {
  const silent = at ? null : silentSince(store, actor)
  const now = useNow(store, at?.time ?? silent)
  const entry = entryAt(actor, at)
  const { snapshot, timers } = momentOf(actor, at)
  const counts = useMemo(() => {
    if (!at) return actor.counts
    const then = new Map<string, number>()
    for (const { seq, rows } of actor.entries) {
      if (seq > at.seq) break
      for (const row of rows) then.set(row, (then.get(row) ?? 0) + 1)
    }
    return then
  }, [at, actor])
  if (!actor.chart) {
    return (
      <div class="chart-wait">
        {shown(actor.name, 60)} is {kinds[actor.kind] ?? 'not a state machine'}. Its events are in the list.
      </div>
    )
  }
  return (
    <ChartView
      actor={actor}
      chart={actor.chart}
      value={snapshot.value}
      family={silent === null ? familyOf(snapshot) : 'resting'}
      timers={timers}
      last={lastMove(actor, entry)}
      counts={counts}
      now={now}
      version={version}
    />
  )
}

const kinds: Readonly<Record<string, string>> = {
  machine: 'a state machine that is too large to be drawn',
  transition: 'a reducer without states',
  other: 'a promise, callback or other actor',
}

/** The last step that was a transition. */
function lastMove({ entries }: Actor, entry: Entry | null): Entry | null {
  const place = entry ? entries.lastIndexOf(entry) : -1
  for (let index = place; index >= 0 && index > place - 200; index--) {
    const candidate = entries[index]
    if (candidate && candidate.rows.length > 0) return candidate
  }
  return null
}
