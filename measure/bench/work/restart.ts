import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'

import { ResilientMqttClient } from '../../../src/index.ts'
import { TemporaryFolder } from '../../lab/cleanup.ts'

export interface RestartTask {
  readonly kind: 'restart'
  readonly publishes: number
  /** The store of an earlier process. Without it, this process starts one that fills a store, and then opens that. */
  readonly fill?: string
}

/** How many publishes are accepted together. */
const TOGETHER = 1_000

/** Measures how a client opens a store with many publishes. */
export async function restart({ publishes, fill }: RestartTask) {
  if (fill !== undefined) return await fillStore(fill, publishes)
  using folder = new TemporaryFolder('bench-restart')
  const store = join(folder.path, 'store')
  const task: RestartTask = { kind: 'restart', publishes, fill: store }
  const earlier = fork(process.argv[1] ?? '', [JSON.stringify(task)])
  await once(earlier, 'exit')
  return await open(store, publishes)
}

async function fillStore(store: string, publishes: number) {
  await using client = createClient(store)
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

async function open(store: string, publishes: number) {
  await using client = createClient(store)
  // The code of the store is loaded when the client is created, which is no matter of its size.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = process.cpuUsage()
  let heap = 0
  const look = () => void (heap = Math.max(heap, process.memoryUsage().heapUsed))
  const looking = setInterval(look, 20)
  const restored = new Promise<number>((resolve) => void client.on('outboxRestored', ({ waiting }) => resolve(waiting)))
  client.connect().catch(() => {})
  const waiting = await restored
  look()
  // The turn in which it was restored counts, too.
  await new Promise((resolve) => setTimeout(resolve, 100))
  clearInterval(looking)
  if (waiting !== publishes) throw new Error(`${waiting} of ${publishes} publishes were restored`)
  const { user, system } = process.cpuUsage(before)
  return { heap: heap / 1_024 ** 2, pause: delay.max / 1e6, cpu: (user + system) / 1e6 }
}

function createClient(store: string): ResilientMqttClient {
  const client = new ResilientMqttClient({
    // Nothing listens there.
    url: 'mqtt://127.0.0.1:1',
    store,
    options: { clean: false, protocolVersion: 5 },
    outbox: { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
  })
  client.on('error', () => {})
  return client
}
