import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

import type { Command } from '../../../protocol.ts'
import { shown } from '../model/format.ts'
import { chosenActor, rootOf, silentSince } from '../model/processes.ts'
import { topState } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import { tabOf } from '../model/tab.ts'
import type { Actor, Entry } from '../model/types.ts'
import type { Source } from '../source.ts'
import { Context } from './context.tsx'
import { Header } from './header.tsx'
import { useNow, useVersion } from './hooks.ts'
import { Log } from './log.tsx'
import { Player } from './player.tsx'
import { Servers } from './servers.tsx'
import { Stage } from './stage.tsx'
import { Timeline } from './timeline.tsx'
import { TopBar } from './top-bar.tsx'
import { Tree } from './tree.tsx'
import { useTab } from './use-tab.ts'

interface OneProps {
  readonly store: Store
  readonly source: Source
  /** The chosen actor; `null` to choose one. */
  readonly id: string | null
  readonly connections: number
  /** Whether there are so many connections that the lists show only this one. */
  readonly isFleet: boolean
  /** Called when the reader chooses another actor. */
  readonly onChoose: (actor: Actor) => void
  readonly onAll: () => void
}

/** One connection, or any other actor: its state in words, its chart, its events and its past. */
export function One({ store, source, id, connections, isFleet, onChoose, onAll }: OneProps) {
  const version = useVersion(store)
  const [selectedId, select] = useState<string | null>(id)
  const [at, travel] = useState<Entry | null>(null)
  const [details, showDetails] = useState(false)
  const now = useNow(store, null, 1_000)
  const lastShown = useRef<string | null>(null)
  /** The actor that was selected before a past moment was shown. */
  const before = useRef<string | null>(id)
  const actor = chosenActor(store, selectedId, lastShown.current)
  if (store.link.status === 'live') lastShown.current = actor?.sessionId ?? null
  const root = actor && rootOf(store, actor)
  // The status is always that of the connection, even if one of its children is selected.
  const subject = root?.connection ? root : actor
  useTab(tabOf(store, subject, subject ? topState(subject.snapshot) : ''))

  useEffect(() => select(id), [id])

  useEffect(() => {
    // After a restart of the server, the actor no longer exists.
    if (at && store.actors.get(at.actor.sessionId) !== at.actor) travel(null)
  }, [version])

  const goTo = (entry: Entry | null) => {
    travel(entry)
    if (!entry) {
      if (at) select(before.current)
      return
    }
    store.playback?.pause()
    if (!at) before.current = selectedId
    if (entry.actor.chart) select(entry.actor.sessionId)
    showDetails(true)
  }

  const escape = () => (at ? goTo(null) : onAll())
  const latest = useRef({ subject, goTo, escape })
  latest.current = { subject, goTo, escape }
  // A step that was chosen is left when the recording goes to another moment.
  const played = store.playback?.time ?? null
  useEffect(() => {
    if (at) latest.current.goTo(null)
  }, [played])

  const travelTo = useCallback((seq: number | null) => {
    const { subject: whose, goTo: go } = latest.current
    go(seq === null ? null : (whose?.entries.find((entry) => entry.seq === seq) ?? null))
  }, [])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.target instanceof HTMLInputElement) return
      latest.current.escape()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  if (!subject || !actor) return null
  return (
    <div class={at ? 'app past' : 'app'}>
      <TopBar
        store={store}
        at={at?.time ?? null}
        onLive={() => goTo(null)}
        onAll={connections > 1 ? onAll : null}
        connections={connections}
      />
      <Header
        store={store}
        actor={subject}
        at={at}
        second={now}
        version={version}
        onCommand={(target: Actor, command: Command) => source.command(target.sessionId, command)}
      />
      <main>
        <div class="main-chart">
          <Stage store={store} actor={actor} at={at} version={version} />
        </div>
        <div class="side">
          <Tree
            store={store}
            selected={actor}
            only={isFleet ? subject.rootId : null}
            at={at}
            version={version}
            onSelect={(chosen) => {
              select(chosen.sessionId)
              before.current = chosen.sessionId
              onChoose(chosen)
            }}
          />
          <Servers actor={subject} at={at} now={now} version={version} />
          <Log store={store} actor={actor} at={at} version={version} isFleet={isFleet} onSelect={goTo} />
          <details class="context" open={details} onToggle={(event) => showDetails(event.currentTarget.open)}>
            <summary>Context of {shown(actor.name, 60)}</summary>
            {details && <Context actor={actor} at={at} version={version} />}
          </details>
        </div>
      </main>
      {store.playback ? (
        <Player store={store} playback={store.playback} actor={subject} />
      ) : (
        <Timeline
          actor={subject}
          at={at}
          now={now}
          known={silentSince(store, subject) ?? now}
          link={store.link.status}
          onTravel={travelTo}
        />
      )}
    </div>
  )
}
