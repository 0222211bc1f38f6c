import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

import { countUpTo } from '../model/entries.ts'
import { fileName, logLines } from '../model/export.ts'
import { namesOf } from '../model/processes.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'
import { download } from './download.ts'
import { useSize } from './hooks.ts'
import { Row } from './log-row.tsx'
import { useFiltered, type Scope } from './use-filtered.ts'

interface LogProps {
  readonly store: Store
  readonly actor: Actor | null
  readonly at: Entry | null
  readonly version: number
  /** Whether there are so many connections that the list begins with this one only. */
  readonly isFleet: boolean
  readonly onSelect: (entry: Entry | null) => void
}

const ROW = 48
const OVERSCAN = 6

/** The list of events, newest first. Only the visible rows are in the document. */
export function Log({ store, actor, at, version, isFleet, onSelect }: LogProps) {
  const [query, setQuery] = useState('')
  const [scope, setScope] = useState<Scope>(isFleet ? 'root' : 'all')
  const [every, setEvery] = useState(false)
  const [held, hold] = useState<number | null>(null)
  /** Whether the list was paused because an entry was chosen. Then it continues when the page returns to live. */
  const heldByChoice = useRef(false)
  const [top, setTop] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const { height } = useSize(list, 0, 400)
  const search = useRef<HTMLInputElement>(null)
  const entries = useFiltered(store, version, { query, scope, every, actor })
  // While the list is paused, new entries are not inserted above.
  const until = held ?? at?.seq ?? null
  const upTo = until === null ? entries.length : countUpTo(entries, until)
  const fresh = entries.length - upTo
  const paused = held !== null

  // Not after the next frame: a key may be pressed as soon as the list is visible.
  useLayoutEffect(() => {
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
  const holdForChoice = () => {
    if (held !== null) return
    heldByChoice.current = true
    hold(newest())
  }
  const toggle = () => {
    heldByChoice.current = false
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

  useEffect(() => {
    if (at || !heldByChoice.current) return
    heldByChoice.current = false
    hold(null)
    list.current?.scrollTo({ top: 0 })
  }, [at])

  const select = (index: number) => {
    const entry = entries[upTo - 1 - Math.max(0, Math.min(upTo - 1, index))]
    if (!entry) return
    holdForChoice()
    onSelect(entry)
  }
  const names = namesOf(store)
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
        <select
          aria-label="Filter by actor"
          value={scope}
          onChange={(event) => setScope(event.currentTarget.value as Scope)}
        >
          <option value="all">All actors</option>
          <option value="root">This system</option>
          <option value="actor">This actor</option>
        </select>
        <select
          aria-label="Filter by kind"
          value={every ? 'every' : 'changes'}
          onChange={(event) => setEvery(event.currentTarget.value === 'every')}
        >
          <option value="changes">Changes</option>
          <option value="every">All events</option>
        </select>
        <button type="button" onClick={toggle} aria-pressed={paused} title="Pause (p)">
          {paused ? resumeWords(fresh) : 'Pause'}
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
        <button
          type="button"
          onClick={() => download(fileName(actor?.name ?? '', store.now()), logLines(entries.slice(0, upTo), names))}
          title="Save the events of this list as JSON Lines"
        >
          Export
        </button>
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
              names={names}
              onSelect={() => {
                holdForChoice()
                onSelect(entry === at ? null : entry)
              }}
            />
          ))}
        </div>
        {upTo === 0 && <p class="empty">{query ? 'Nothing matches.' : 'Nothing has happened yet.'}</p>}
      </div>
    </section>
  )
}

function resumeWords(fresh: number): string {
  if (fresh === 0) return 'Resume'
  return `Resume, ${fresh > 999 ? '999+' : fresh} new`
}
