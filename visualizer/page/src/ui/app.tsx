import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'

import type { Command } from '../../../protocol.ts'
import { entryAt } from '../model/entries.ts'
import { countdown, duration, shown, when } from '../model/format.ts'
import { chosenActor, silentSince } from '../model/processes.ts'
import { familyOf } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry, Link } from '../model/types.ts'
import type { ViewerSocket } from '../viewer-socket.ts'
import { ChartView } from './chart.tsx'
import { Context } from './context.tsx'
import { Header, momentOf } from './header.tsx'
import { useNow, useVersion } from './hooks.ts'
import { Log } from './log.tsx'
import { Servers } from './servers.tsx'
import { Theme } from './theme.tsx'
import { Timeline } from './timeline.tsx'
import { Tree } from './tree.tsx'

export function App({ store, socket }: { store: Store; socket: ViewerSocket }) {
  const version = useVersion(store)
  const [selectedId, select] = useState<string | null>(null)
  const [at, travel] = useState<Entry | null>(null)
  const [details, showDetails] = useState(false)
  const now = useNow(store, null, 1_000)
  const lastShown = useRef<string | null>(null)
  /** The actor that was selected before a past moment was shown. */
  const before = useRef<string | null>(null)
  const actor = chosenActor(store, selectedId, lastShown.current)
  if (store.link.status === 'live') lastShown.current = actor?.sessionId ?? null
  const root = actor && rootOf(store, actor)
  // The status is always that of the connection, even if one of its children is selected.
  const subject = root?.connection ? root : actor

  useEffect(() => {
    // After a restart of the server, the actor no longer exists.
    if (at && store.actors.get(at.actor.sessionId) !== at.actor) travel(null)
  }, [version])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') latest.current.goTo(null)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  const goTo = (entry: Entry | null) => {
    travel(entry)
    if (!entry) {
      if (at) select(before.current)
      return
    }
    if (!at) before.current = selectedId
    if (entry.actor.chart) select(entry.actor.sessionId)
    showDetails(true)
  }

  const latest = useRef({ subject, goTo })
  latest.current = { subject, goTo }
  const travelTo = useCallback((seq: number | null) => {
    const { subject: whose, goTo: go } = latest.current
    go(seq === null ? null : (whose?.entries.find((entry) => entry.seq === seq) ?? null))
  }, [])

  return (
    <div class={at ? 'app past' : 'app'}>
      <TopBar store={store} at={at} onLive={() => goTo(null)} />
      {subject && actor ? (
        <>
          <Header
            store={store}
            actor={subject}
            at={at}
            second={now}
            version={version}
            onCommand={(target: Actor, command: Command) => socket.command(target.sessionId, command)}
          />
          <main>
            <div class="main-chart">
              <Stage store={store} actor={actor} at={at} version={version} />
            </div>
            <div class="side">
              <Tree
                store={store}
                selected={actor}
                at={at}
                version={version}
                onSelect={({ sessionId }) => {
                  select(sessionId)
                  before.current = sessionId
                }}
              />
              <Servers actor={subject} at={at} now={now} version={version} />
              <Log store={store} actor={actor} at={at} version={version} onSelect={goTo} />
              <details class="context" open={details} onToggle={(event) => showDetails(event.currentTarget.open)}>
                <summary>Context of {shown(actor.name, 60)}</summary>
                {details && <Context actor={actor} at={at} version={version} />}
              </details>
            </div>
          </main>
          <Timeline
            actor={subject}
            at={at}
            now={now}
            known={silentSince(store, subject) ?? now}
            link={store.link.status}
            onTravel={travelTo}
          />
        </>
      ) : (
        <Welcome store={store} />
      )}
      <Toast store={store} version={version} />
    </div>
  )
}

/** The chart of an actor, now or at a past moment. */
function Stage({ store, actor, at, version }: { store: Store; actor: Actor; at: Entry | null; version: number }) {
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

function TopBar({ store, at, onLive }: { store: Store; at: Entry | null; onLive: () => void }) {
  return (
    <div class="bar">
      <span class="brand">xstate-mqtt</span>
      {at ? (
        <div class="past-note" role="status">
          <span>
            You see the state at <b>{when(at.time, store.now())}</b>.
          </span>
          <button type="button" class="live-button" onClick={onLive}>
            Return to live <kbd>Esc</kbd>
          </button>
        </div>
      ) : (
        <LinkState link={store.link} />
      )}
      <Theme />
    </div>
  )
}

function LinkState({ link }: { link: Link }) {
  const [now, tick] = useState(Date.now())
  useEffect(() => {
    if (link.status !== 'lost') return undefined
    tick(Date.now())
    const timer = setInterval(() => tick(Date.now()), 500)
    return () => clearInterval(timer)
  }, [link])
  const words = {
    connecting: 'Connecting to the visualizer…',
    replaying: 'Loading the history…',
    live: 'Live',
    lost:
      link.status === 'lost'
        ? `No connection to the visualizer for ${duration(now - link.since)}. This page is out of date. Next attempt: ${countdown(link.retryAt - now)}.`
        : '',
    refused: link.status === 'refused' ? link.message : '',
  }[link.status]
  return (
    <p class={`link link-${link.status}`} role="status" data-test="link">
      <span class="dot" aria-hidden="true" />
      {words}
    </p>
  )
}

const titles: Partial<Record<Link['status'], string>> = { live: 'Waiting for an actor', refused: 'Access refused' }

function Welcome({ store }: { store: Store }) {
  const { link } = store
  return (
    <main class="welcome">
      <h1>{titles[link.status] ?? 'One moment'}</h1>
      {link.status === 'live' && (
        <p>
          Pass <code>inspect</code> to a <code>ResilientMqttClient</code> or to <code>createActor</code>. The actor then
          appears here.
        </p>
      )}
    </main>
  )
}

function Toast({ store }: { store: Store; version: number }) {
  const { result } = store
  const [hidden, hide] = useState<unknown>(null)
  useEffect(() => {
    if (!result) return undefined
    const timer = setTimeout(() => hide(result), 6_000)
    return () => clearTimeout(timer)
  }, [result])
  const visible = result !== null && hidden !== result
  return (
    <div class="toasts" role="status" aria-live="polite">
      {visible && <p class={result.ok ? 'toast' : 'toast refused'}>{shown(result.message)}</p>}
    </div>
  )
}

function rootOf(store: Store, actor: Actor): Actor {
  let root = actor
  for (let depth = 0; depth < 50 && !root.connection && root.parentId !== undefined; depth++) {
    root = store.actors.get(root.parentId) ?? root
  }
  return root
}
