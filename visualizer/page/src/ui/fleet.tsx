import { useEffect, useMemo, useRef, useState } from 'preact/hooks'

import type { Condition } from '../model/condition.ts'
import { fileName, logLines } from '../model/export.ts'
import { connectionsOf, countsOf, fleetOf, headline } from '../model/fleet.ts'
import { failuresOf, type Filter, filtered, type Order, sorted } from '../model/members.ts'
import { namesOf } from '../model/processes.ts'
import type { Store } from '../model/store.ts'
import { fleetTabOf } from '../model/tab.ts'
import { Cells } from './cells.tsx'
import { Counts } from './counts.tsx'
import { download } from './download.ts'
import { FailureList } from './failure-list.tsx'
import { FleetTools } from './fleet-tools.tsx'
import { HeatStrip } from './heat-strip.tsx'
import { useBeat, useDerived } from './hooks.ts'
import { MemberDetail } from './member-detail.tsx'
import { Player } from './player.tsx'
import { TopBar } from './top-bar.tsx'
import { useTab } from './use-tab.ts'

/** In milliseconds. Faster, nobody could read it; and 500 connections may change a thousand times a second. */
const BEAT = 500
/** A reader who moves through a recording waits for the picture. */
const PLAYED_BEAT = 50

const everything: Filter = { query: '', conditions: new Set(), failure: '', age: 'any' }

interface FleetProps {
  readonly store: Store
  /** The connection that has the focus at first; `null` for none. */
  readonly focus: string | null
  readonly onOpen: (id: string) => void
}

/** All connections: how many are in which state and why, since when, and each as a cell that leads to it. */
export function Fleet({ store, focus, onOpen }: FleetProps) {
  const [filter, setFilter] = useState(everything)
  const [order, setOrder] = useState<Order>('worst')
  const [at, travel] = useState<number | null>(null)
  const [pointed, point] = useState<string | null>(null)
  const version = useBeat(store, store.playback ? PLAYED_BEAT : BEAT)
  // A process that goes silent is shown as such at once.
  const link = useDerived(store, () => store.link)
  const present = useMemo(() => fleetOf(store, null), [version, link])
  const members = useMemo(() => (at === null ? present : fleetOf(store, at)), [present, at])
  const counts = countsOf(members)
  const rows = sorted(filtered(members, filter, at ?? store.now()), order)
  const failures = failuresOf(members)
  const member = members.find(({ id }) => id === pointed)
  const dropped = [...store.feeds.values()].reduce(
    (sum, feed) => sum + feed.droppedTransitions,
    store.droppedTransitions,
  )
  const isFiltered = rows.length < members.length || filter.query !== '' || filter.conditions.size > 0
  useTab(fleetTabOf(store, countsOf(present)))

  const latest = useRef<() => void>(() => {})
  latest.current = () => {
    if (at !== null) travel(null)
    else if (isFiltered) setFilter(everything)
  }
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) latest.current()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  const toggle = (condition: Condition) => {
    const chosen = new Set(filter.conditions)
    if (!chosen.delete(condition)) chosen.add(condition)
    setFilter({ ...filter, conditions: chosen })
  }
  const [sole, another] = rows
  const save = () => {
    const ids = new Set(rows.map(({ id }) => id))
    const entries = store.entries.filter(({ actor }) => ids.has(actor.sessionId) || ids.has(actor.parentId ?? ''))
    download(fileName('fleet', store.now()), logLines(entries, namesOf(store)))
  }

  return (
    <div class={at === null ? 'app fleet' : 'app fleet past'}>
      <TopBar store={store} at={at} onLive={() => travel(null)} onAll={null} connections={members.length} />
      <header class="fleet-head" aria-label="Summary">
        <h1 data-test="fleet-title">{headline(counts)}</h1>
        {dropped > 0 && (
          <p class="fleet-missing">
            {dropped.toLocaleString('en')} changes of state are missing: they came faster than they could be sent.
          </p>
        )}
        <Counts counts={counts} chosen={filter.conditions} onToggle={toggle} />
      </header>
      {store.playback ? (
        <Player store={store} playback={store.playback} actor={null} />
      ) : (
        <HeatStrip store={store} at={at} onTravel={travel} />
      )}
      <main class="fleet-main">
        <section class="fleet-grid" aria-label="Connections">
          <FleetTools
            filter={filter}
            order={order}
            found={rows.length}
            of={members.length}
            onFilter={setFilter}
            onOrder={setOrder}
            onExport={save}
            onDown={() => document.querySelector<HTMLElement>('.cells [data-id]')?.focus()}
            onEnter={() => sole && !another && onOpen(sole.id)}
          />
          <MemberDetail store={store} member={member} at={at} />
          <Cells store={store} members={rows} order={order} at={at} focus={focus} onPoint={point} onOpen={onOpen} />
          {rows.length === 0 && <p class="empty">{emptyWords(store, isFiltered)}</p>}
        </section>
        <FailureList
          failures={failures}
          chosen={filter.failure}
          onChoose={(failure) => setFilter({ ...filter, failure })}
        />
      </main>
    </div>
  )
}

function emptyWords(store: Store, isFiltered: boolean): string {
  if (isFiltered) return 'No connection matches. Escape shows all again.'
  return connectionsOf(store).length > 0 ? 'No connection existed then.' : 'No connection has reported yet.'
}
