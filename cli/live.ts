import { setTimeout as sleep } from 'node:timers/promises'

import type { Message, Qos } from '../src/api/message.ts'
import { ResilientMqttClient } from '../src/client.ts'
import type { Connection } from './connection.ts'
import { interruption } from './interruption.ts'
import { Narrator, timeOfDay } from './narrator.ts'
import { openPage, type Page } from './page.ts'
import { printable, type Terminal } from './terminal.ts'

export interface LiveOptions {
  readonly connection: Connection
  readonly subscribe: readonly string[]
  readonly publish: string | undefined
  /** In milliseconds. */
  readonly interval: number
  readonly qos: Qos
  /** Whether to serve the visualizer. */
  readonly visualizer: boolean
}

/**
 * Runs a client on the user's broker until Ctrl-C.
 *
 * @returns the exit code: 0 after Ctrl-C, 1 if the client gave up
 */
export async function runLive(terminal: Terminal, options: LiveOptions): Promise<number> {
  const { connection, subscribe, publish, interval, qos, visualizer } = options
  await using page: Page | undefined = visualizer ? await openPage('demo') : undefined
  await using client = new ResilientMqttClient({ ...connection.options, ...page?.inspection })
  const counts = { received: 0, accepted: 0, acknowledged: 0 }
  page?.watch(client, () => ({ published: counts.acknowledged, received: counts.received }))
  const activity = () => {
    const { received, accepted, acknowledged } = counts
    return `${received} received${publish === undefined ? '' : ` · ${acknowledged}/${accepted} acknowledged`}`
  }
  const narrator = new Narrator(terminal, client, { time: timeOfDay, activity })
  const show = (message: Message) => {
    counts.received++
    narrator.note(`${printable(message.topic, 60)}  ${printable(message.text(), 120)}`)
  }
  for (const filter of subscribe) {
    const subscription = client.subscribe(filter, show, { qos })
    subscription.ready.catch((error: Error) => narrator.note(printable(error.message), 'red'))
  }

  terminal.line(terminal.paint('bold', `${connection.brokers.join(', ')}, until Ctrl-C`))
  if (page) terminal.whole(page.header)
  terminal.line()
  narrator.header()
  const interrupted = interruption()
  let gaveUp = false
  const stop = client.on('gaveUp', () => {
    gaveUp = true
    interrupted.abort()
  })
  try {
    await client.connect({ signal: interrupted.signal }).catch(() => {})
    if (publish === undefined) await aborted(interrupted.signal)
    else await publishCounter(client, { topic: publish, interval, qos, counts, signal: interrupted.signal, narrator })
  } finally {
    stop()
    await client.disconnect()
    narrator.end()
  }
  return gaveUp ? 1 : 0
}

interface Counter {
  readonly topic: string
  readonly interval: number
  readonly qos: Qos
  readonly counts: { accepted: number; acknowledged: number }
  readonly signal: AbortSignal
  readonly narrator: Narrator
}

async function publishCounter(client: ResilientMqttClient, counter: Counter): Promise<void> {
  const { topic, interval, qos, counts, signal, narrator } = counter
  while (!signal.aborted) {
    const number = ++counts.accepted
    client.publish(topic, String(number), { qos }).then(
      () => counts.acknowledged++,
      (error: Error) => {
        if (!signal.aborted) narrator.note(printable(error.message), 'red')
      },
    )
    await sleep(interval, undefined, { signal }).catch(() => {})
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  // Between two attempts, for example, nothing else keeps the process alive.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      resolve()
    })
  })
}
