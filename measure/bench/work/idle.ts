import { setTimeout as sleep } from 'node:timers/promises'

import { peers } from '../peers/index.ts'
import { connectFleet } from '../peers/ours.ts'
import type { PeerClient, PeerName } from '../peers/peer.ts'

export interface IdleTask {
  readonly kind: 'idle'
  readonly peer: PeerName
  readonly port: number
  readonly connections: number
  /** In seconds, and short enough that there are pings during the measurement. */
  readonly keepalive: number
  /**
   * The pause before the measurement, in milliseconds. V8 cleans up after the connections were opened, and again after our
   * clients have become stable, which takes 30 s. Both belong to opening them.
   */
  readonly rest: number
  /** The duration of the measurement, in milliseconds. */
  readonly duration: number
}

/** How many connections are opened at the same time. */
const AT_A_TIME = 50

/** Measures idle connections: for each of them the memory in KiB, and the CPU time of a minute in milliseconds. */
export async function idle({ peer, port, connections, keepalive, rest, duration }: IdleTask) {
  const connect = peer === 'ours' ? connectFleet(AT_A_TIME) : peers[peer]
  const open = (n: number) => connect({ port, clientId: `${peer}-${process.pid}-${n}`, keepalive })
  // These connections load code and fill pools before the first one is counted.
  const warm = await Promise.all(Array.from({ length: AT_A_TIME }, (_, n) => open(-1 - n)))
  const before = await settledMemory()
  const clients: PeerClient[] = []
  for (let n = 0; n < connections; n += AT_A_TIME) {
    const batch = Array.from({ length: Math.min(AT_A_TIME, connections - n) }, (_, i) => open(n + i))
    clients.push(...(await Promise.all(batch)))
  }
  const after = await settledMemory()
  await sleep(rest)
  const cpu = process.cpuUsage()
  await sleep(duration)
  const { user, system } = process.cpuUsage(cpu)
  await Promise.all([...warm, ...clients].map((client) => client.end()))
  return {
    rss: (after.rss - before.rss) / connections / 1_024,
    heap: (after.heapUsed - before.heapUsed) / connections / 1_024,
    cpu: (user + system) / 1_000 / (connections + warm.length) / (duration / 60_000),
  }
}

async function settledMemory() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await sleep(100)
  }
  return process.memoryUsage()
}
