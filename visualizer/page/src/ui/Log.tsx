import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { clockMs, shortDelay, shown } from '../model/format.ts'
import { contextOf, number } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'
import { eventTitle } from '../model/words.ts'

interface LogProps {
  readonly store: Store
  readonly actor: Actor | null
  readonly at: Entry | null
  readonly version: number
  readonly onSelect: (entry: Entry | null) => void
}

type Scope = 'all' | 'root' | 'actor'

const ROW = 48
const OVERSCAN = 6

/** What happened, newest first. Only the rows in sight are in the document. */
export function Log({ store, actor, at, version, onSelect }: LogProps) {
  const [query, setQuery] = useState('')
  const [scope, setScope] = useState<Scope>('all')
  const [every, setEvery] = useState(false)
  const [held, hold] = useState<number | null>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(400)
  const list = useRef<HTMLDivElement>(null)
  const search = useRef<HTMLInputElement>(null)
  const entries = useFiltered(store, version, { query, scope, every, actor })
  // While somebody reads, what is new waits above.
  const until = held ?? at?.seq ?? null
  const upTo = until === null ? entries.length : countUpTo(entries, until)
  const fresh = entries.length - upTo
  const paused = held !== null

  useEffect(() => {
    const element = list.current
    if (!element) return undefined
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key === '/' && !typing) {
        event.preventDefault()
        search.current?.focus()
      } else if (event.key === 'p' && !typing && !event.ctrlKey && !event.metaKey) {
        toggle()
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })

  const newest = () => store.entries.at(-1)?.seq ?? 0
  const toggle = () => {
    hold(paused ? null : newest())
    if (paused) list.current?.scrollTo({ top: 0 })
  }
  const shownFirst = Math.max(0, Math.floor(top / ROW) - OVERSCAN)
  const shownLast = Math.min(upTo, Math.ceil((top + height) / ROW) + OVERSCAN)
  const rows: Entry[] = []
  for (let place = shownFirst; place < shownLast; place++) {
    const entry = entries[upTo - 1 - place]
    if (entry) rows.push(entry)
  }
  const place = at ? upTo - 1 - entries.lastIndexOf(at) : -1

  useLayoutEffect(() => {
    const element = list.current
    if (!at || !element || place < 0 || place >= upTo) return
    const y = place * ROW
    if (y < element.scrollTop) element.scrollTop = y
    else if (y + ROW > element.scrollTop + element.clientHeight) element.scrollTop = y + ROW - element.clientHeight
  }, [at])

  const select = (index: number) => {
    const entry = entries[upTo - 1 - Math.max(0, Math.min(upTo - 1, index))]
    if (!entry) return
    if (held === null) hold(newest())
    onSelect(entry)
  }
  const page = Math.max(1, Math.floor(height / ROW) - 1)
  const steps: Readonly<Record<string, () => void>> = {
    ArrowDown: () => select(place + 1),
    ArrowUp: () => select(place < 0 ? 0 : place - 1),
    PageDown: () => select(place + page),
    PageUp: () => select(place - page),
    Home: () => select(0),
    End: () => select(upTo - 1),
  }

  return (
    <section class="log" aria-label="Events">
      <div class="log-tools">
        <h2>Events</h2>
        <select aria-label="Whose events" value={scope} onChange={(event) => setScope(event.currentTarget.value as Scope)}>
          <option value="all">All actors</option>
          <option value="root">This system</option>
          <option value="actor">This actor</option>
        </select>
        <select
          aria-label="Which events"
          value={every ? 'every' : 'changes'}
          onChange={(event) => setEvery(event.currentTarget.value === 'every')}
        >
          <option value="changes">State changes</option>
          <option value="every">All events</option>
        </select>
        <button type="button" onClick={toggle} aria-pressed={paused} title="Pause (p)">
          {paused ? (fresh > 0 ? `Go on, ${fresh > 999 ? '999+' : fresh} new` : 'Go on') : 'Pause'}
        </button>
        <input
          ref={search}
          type="search"
          placeholder="Search  /"
          aria-label="Search events"
          value={query}
          maxLength={200}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <div
        class="log-list"
        ref={list}
        tabIndex={0}
        role="listbox"
        aria-label="Events, newest first"
        aria-activedescendant={rows.some((entry) => entry === at) ? `entry-${at?.seq}` : undefined}
        onScroll={(event) => {
          const { scrollTop } = event.currentTarget
          setTop(scrollTop)
          if (scrollTop > ROW / 2 && held === null) hold(newest())
          else if (scrollTop === 0 && held !== null && !at && fresh === 0) hold(null)
        }}
        onKeyDown={(event) => {
          const step = steps[event.key]
          if (!step) return
          event.preventDefault()
          step()
        }}
      >
        <div class="log-space" role="presentation" style={{ height: `${upTo * ROW}px` }}>
          {rows.map((entry, index) => (
            <Row
              key={entry.seq}
              entry={entry}
              y={(shownFirst + index) * ROW}
              position={shownFirst + index + 1}
              of={upTo}
              selected={entry === at}
              own={entry.actor === actor}
              onSelect={() => {
                if (held === null) hold(newest())
                onSelect(entry === at ? null : entry)
              }}
            />
          ))}
        </div>
        {upTo === 0 && <p class="empty">{query ? 'Nothing matches.' : 'Nothing happened yet.'}</p>}
      </div>
    </section>
  )
}

interface RowProps {
  readonly entry: Entry
  readonly y: number
  readonly position: number
  readonly of: number
  readonly selected: boolean
  /** Whether it is an entry of the actor that is looked at. */
  readonly own: boolean
  readonly onSelect: () => void
}

function Row({ entry, y, position, of, selected, own, onSelect }: RowProps) {
  const { event, from, to, changed, guards, failure, family, actor, time } = entry
  const delay = event.type.startsWith('xstate.after.') ? number(contextOf(entry.snapshot).delay) : null
  const isWait = /reconnectDelay|recoveryDelay/.test(event.type)
  return (
    <div
      id={`entry-${entry.seq}`}
      class={`row family-${family}${changed ? ' changed' : ''}`}
      role="option"
      aria-selected={selected}
      aria-posinset={position}
      aria-setsize={of}
      style={{ transform: `translateY(${y}px)` }}
      onClick={onSelect}
    >
      <span class="row-time">{clockMs(time)}</span>
      <span class="row-event">
        {eventTitle(event)}
        {isWait && delay ? <small> {shortDelay(delay)}</small> : null}
        {guards.length > 0 && <span class="row-guard"> [{shown(guards.join(', '), 60)}]</span>}
      </span>
      <span class="row-actor">{own ? '' : shown(actor.name, 40)}</span>
      <span class="row-states">
        {changed ? (
          <>
            {from && <>{shown(from, 60)} → </>}
            <b>{shown(to, 60)}</b>
          </>
        ) : (
          <span class="muted">{shown(to, 60)}</span>
        )}
        {failure && <span class="row-failure"> {failure}</span>}
      </span>
    </div>
  )
}

interface Filter {
  readonly query: string
  readonly scope: Scope
  readonly every: boolean
  readonly actor: Actor | null
}

/** The entries that are wanted. New ones are looked at once, old ones again only when the filter changes. */
function useFiltered(store: Store, version: number, { query, scope, every, actor }: Filter): readonly Entry[] {
  const kept = useRef<{ list: Entry[]; seq: number }>({ list: [], seq: 0 })
  const words = query.trim().toLowerCase()
  const who = scope === 'actor' ? actor?.sessionId : scope === 'root' ? actor?.rootId : undefined
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

function countUpTo(entries: readonly Entry[], seq: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.seq ?? Infinity) <= seq) low = middle + 1
    else high = middle
  }
  return low
}
