import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { ResilientMqttClient } from '../../../src/index.ts'
import { TemporaryFolder } from '../../lab/cleanup.ts'
import { watchPauses } from './pauses.ts'

export interface RestartTask {
  readonly kind: 'restart'
  readonly publishes: number
  /** How many of them are sent after the restart. */
  readonly drained: number
  /** The port of the server that acknowledges them. */
  readonly port: number
  /** The store of an earlier process. Without it, this process starts one that fills a store, and then opens that. */
  readonly fill?: string
}

/** How many publishes are accepted together. */
const TOGETHER = 1_000

/** Measures how a client opens a store with many publishes, and how it sends them. */
export async function restart(task: RestartTask) {
  if (task.fill !== undefined) return await fillStore(task.fill, task.publishes)
  using folder = new TemporaryFolder('bench-restart')
  const store = join(folder.path, 'store')
  const filling: RestartTask = { ...task, fill: store }
  const earlier = fork(process.argv[1] ?? '', [JSON.stringify(filling)])
  await once(earlier, 'exit')
  // The first connection of a process loads code, which does not depend on the store.
  await using first = new ResilientMqttClient({ url: urlOf(task.port) })
  await first.connect()
  await using client = createClient(store, urlOf(task.port))
  // The code of the store is loaded when the client is created.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const opened = await open(client, task.publishes)
  const drained = await drain(client, task.drained)
  return { ...opened, drainHeap: drained.heap, drainPause: drained.pause, drainBusy: drained.busy }
}

async function fillStore(store: string, publishes: number) {
  // Nothing listens there.
  await using client = createClient(store, urlOf(1))
  const payload = new Uint8Array(64).fill(120)
  for (let n = 0; n < publishes; n += TOGETHER) {
    const accepted = Array.from({ length: TOGETHER }, () => {
      const published = client.publish('bench/restart', payload, { qos: 1, durable: true })
      published.catch(() => {})
      return published.accepted
    })
    await Promise.all(accepted)
  }
  return {}
}

async function open(client: ResilientMqttClient, publishes: number) {
  const before = process.cpuUsage()
  const watched = watchPauses()
  const restored = new Promise<number>((resolve) => void client.on('outboxRestored', ({ waiting }) => resolve(waiting)))
  client.connect().catch(() => {})
  const waiting = await restored
  const { user, system } = process.cpuUsage(before)
  if (waiting !== publishes) throw new Error(`${waiting} of ${publishes} publishes were restored`)
  return { ...(await watched()), cpu: (user + system) / 1e6 }
}

async function drain(client: ResilientMqttClient, publishes: number) {
  const watched = watchPauses()
  const waiting = () => client.status.outbox.size + client.status.outbox.inFlight
  const target = Math.max(0, waiting() - publishes)
  await new Promise<void>((resolve) => {
    const looking = setInterval(() => {
      if (waiting() > target) return
      clearInterval(looking)
      resolve()
    }, 10)
  })
  return await watched()
}

function urlOf(port: number): string {
  return `mqtt://127.0.0.1:${port}`
}

function createClient(store: string, url: string): ResilientMqttClient {
  const client = new ResilientMqttClient({
    url,
    store,
    options: { clean: false, protocolVersion: 5 },
    outbox: { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
  })
  client.on('error', () => {})
  return client
}
