import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'

import type { Store } from '../model/store.ts'
import { useDerived } from './hooks.ts'

/** Shown until the page has the data. */
export function Loading({ store }: { store: Store }) {
  const link = useDerived(store, () => store.link.status)
  const entries = useDerived(store, () => store.entries.length)
  const title = link === 'lost' ? 'The visualizer does not answer' : 'Loading…'
  return (
    <main class="welcome" aria-busy={link !== 'lost'}>
      <h1>{title}</h1>
      <div class="loading-bar" aria-hidden="true" />
      <p>
        {link === 'lost'
          ? 'The page tries again by itself. Is the process running that printed this address?'
          : entries > 0 && `${entries.toLocaleString('en')} steps of the history so far`}
      </p>
    </main>
  )
}

export function Refused({ store }: { store: Store }) {
  const { link } = store
  return (
    <main class="welcome">
      <h1>Access refused</h1>
      <p>{link.status === 'refused' && link.message}</p>
    </main>
  )
}

/** Shown while no app reports. It says how to connect one. */
export function Empty() {
  const address = `${location.origin}${location.pathname}${location.search}`
  const here = [
    "import { ResilientMqttClient } from 'xstate-mqtt'",
    "import { createVisualizer } from 'xstate-mqtt/visualizer'",
    '',
    'const visualizer = await createVisualizer()',
    "new ResilientMqttClient({ url: 'mqtt://localhost', inspect: visualizer.inspect })",
  ]
  const elsewhere = [
    "import { ResilientMqttClient } from 'xstate-mqtt'",
    "import { connectVisualizer } from 'xstate-mqtt/visualizer'",
    '',
    `const feed = connectVisualizer('${address}', { name: 'my app' })`,
    "new ResilientMqttClient({ url: 'mqtt://localhost', inspect: feed.inspect })",
  ]
  return (
    <main class="welcome">
      <h1>No connection yet</h1>
      <p>This page is ready. A connection appears here as soon as an app reports one.</p>
      <div class="recipes">
        <Recipe title="From another process" code={elsewhere.join('\n')}>
          If nothing appears, <code>feed.status</code> tells why.
        </Recipe>
        <Recipe title="From the process that serves this page" code={here.join('\n')}>
          Any actor of XState 5 can report too: pass <code>inspect</code> to <code>createActor</code>.
        </Recipe>
      </div>
    </main>
  )
}

function Recipe({ title, code, children }: { title: string; code: string; children: ComponentChildren }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(code)
    setCopied(true)
  }
  return (
    <section class="recipe" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" onClick={() => void copy().catch(() => setCopied(false))}>
          {copied ? 'Copied' : 'Copy'}
        </button>
      </header>
      <pre tabIndex={0}>{code}</pre>
      <p>{children}</p>
    </section>
  )
}
