import { useEffect, useState } from 'preact/hooks'

import { clock, countdown, dayAndTime, duration, shown, when } from '../model/format.ts'
import type { Store } from '../model/store.ts'
import type { Link } from '../model/types.ts'
import { useDerived } from './hooks.ts'
import { KeyHelp } from './key-help.tsx'
import { Theme } from './theme.tsx'

interface TopBarProps {
  readonly store: Store
  /** The past moment that is shown; `null` for now. */
  readonly at: number | null
  readonly onLive: () => void
  /** Leads back to all connections; `null` if they are shown, or if there is only one. */
  readonly onAll: (() => void) | null
  readonly connections: number
}

export function TopBar({ store, at, onLive, onAll, connections }: TopBarProps) {
  const link = useDerived(store, () => store.link)
  return (
    <section class="bar" aria-label="Page">
      {onAll ? (
        <button type="button" class="back" onClick={onAll} data-test="back">
          ‹ All {connections} connections {at === null && <kbd>Esc</kbd>}
        </button>
      ) : (
        <span class="brand">xstate-mqtt</span>
      )}
      {at === null ? (
        <Status store={store} link={link} />
      ) : (
        <div class="past-note" role="status">
          <span>
            You see the state at <b>{when(at, store.now())}</b>.
          </span>
          <button type="button" class="live-button" onClick={onLive}>
            {store.playback ? `Return to ${clock(store.playback.time)}` : 'Return to live'} <kbd>Esc</kbd>
          </button>
        </div>
      )}
      <KeyHelp store={store} />
      <Theme />
    </section>
  )
}

function Status({ store, link }: { store: Store; link: Link }) {
  const { playback } = store
  if (!playback) return <LinkState link={link} />
  const { file, package: version, from, until } = playback.info
  return (
    <p class="link link-recording" data-test="link">
      <b class="recording-name">{shown(file, 80)}</b>
      <span>
        {dayAndTime(from)} to {when(until, from)}
        <span class="recording-version">, recorded by xstate-mqtt {shown(version, 40)}</span>
      </span>
    </p>
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
