import { setTimeout as sleep } from 'node:timers/promises'

import { ResilientMqttClient } from '../client.ts'
import type { ConnectOptions } from '../options.ts'
import type { Message, Qos } from '../types.ts'
import { Narrator, timeOfDay } from './narrator.ts'
import { printable, type Terminal } from './terminal.ts'

export interface LiveOptions extends Pick<
  ConnectOptions,
  'protocolVersion' | 'clientId' | 'username' | 'password' | 'tls'
> {
  readonly url: string
  readonly subscribe: readonly string[]
  readonly publish: string | undefined
  /** In milliseconds. */
  readonly interval: number
  readonly qos: Qos
}

/** npm passes on the SIGINT that the terminal has sent to us already: both are one Ctrl-C. In milliseconds. */
const ONE_CTRL_C = 300

/**
 * Runs a client on a real broker until Ctrl-C.
 *
 * @returns the exit code: 0 after Ctrl-C, 1 if the client gave up
 */
export async function runLive(terminal: Terminal, options: LiveOptions): Promise<number> {
  const { url, subscribe, publish, interval, qos, ...connect } = options
  await using client = new ResilientMqttClient({ url, options: connect })
  const counts = { received: 0, accepted: 0, acknowledged: 0 }
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

  terminal.line(terminal.paint('bold', `${withoutUser(url)}, until Ctrl-C`))
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

/** Aborts at the first Ctrl-C, or SIGTERM. The second ends the process at once. */
function interruption(): AbortController {
  const controller = new AbortController()
  let first = 0
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      first = performance.now()
      controller.abort()
    } else if (performance.now() - first > ONE_CTRL_C) {
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  // Nothing else may keep the process alive, between two attempts for one.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      resolve()
    })
  })
}

/** A URL as it may be shown: what stands before the host is nobody's business, nor is a signature in the query. */
function withoutUser(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
