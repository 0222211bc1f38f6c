import { useEffect, useRef } from 'preact/hooks'

import type { Store } from '../model/store.ts'
import { isTaken } from './keys.ts'

type Keys = readonly (readonly [keys: string, what: string])[]

const anywhere: Keys = [
  ['/', 'search'],
  ['Esc', 'back: to now, to all connections, to no filter'],
  ['p', 'pause the list of events'],
  ['?', 'this help'],
]

const recording: Keys = [
  ['Space', 'play, pause'],
  ['n  N', 'next outage, previous outage'],
  ['.  ,', 'next step, previous step'],
]

const timeline: Keys = [
  ['← →', 'earlier, later'],
  ['+ −  0', 'zoom in, zoom out, all'],
  ['End', 'now'],
]

const playedTimeline: Keys = [
  ['← →', 'a second earlier, later; with Shift 10 seconds'],
  ['PgUp PgDn', 'a large step earlier, later'],
  ['Home End', 'the beginning, the end'],
  ['+ −  0', 'zoom in, zoom out, all'],
]

const lists: Keys = [
  ['↑ ↓', 'newer, older event; in the grid: the row above, below'],
  ['Enter', 'open the connection; in the chart: details of the state'],
]

const chart: Keys = [
  ['← → ↑ ↓', 'move the chart'],
  ['+ −  0', 'zoom in, zoom out, all of it'],
  ['f', 'follow the current state'],
]

/** A button for the help about keys, and the key `?` for it. */
export function KeyHelp({ store }: { store: Store }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '?' || isTaken(event)) return
      event.preventDefault()
      dialog.current?.showModal()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  const isPlayed = store.playback !== null
  return (
    <>
      <button
        type="button"
        class="quiet help-button"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => dialog.current?.showModal()}
      >
        ?
      </button>
      <dialog
        ref={dialog}
        class="help"
        aria-label="Keys"
        // A click beside it.
        onClick={(event) => event.target === dialog.current && dialog.current?.close()}
        // The page itself uses Escape as well.
        onKeyDown={(event) => event.key === 'Escape' && event.stopPropagation()}
      >
        <div class="help-body">
          <header>
            <h2>Keys</h2>
            <button type="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </header>
          {isPlayed && <Table title="Recording" keys={recording} />}
          <Table title="Anywhere" keys={anywhere} />
          <Table title="Timeline" keys={isPlayed ? playedTimeline : timeline} />
          <Table title="Lists" keys={lists} />
          <Table title="Chart" keys={chart} />
        </div>
      </dialog>
    </>
  )
}

function Table({ title, keys }: { title: string; keys: Keys }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>{key.split(' ').map((each, index) => each && <kbd key={index}>{each}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
