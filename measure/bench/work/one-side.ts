import { setTimeout as sleep } from 'node:timers/promises'

import { peers } from '../peers/index.ts'
import type { PeerClient, PeerName, Transport } from '../peers/peer.ts'
import { topicOf } from '../server/content.ts'
import { windowOf } from '../window.ts'
import { cpuPerMessage } from './cpu-per-message.ts'
import { fillWindow } from './fill-window.ts'

export interface OneSideTask {
  readonly kind: 'one-side'
  readonly side: 'send' | 'receive'
  readonly peer: PeerName
  readonly port: number
  readonly transport: Transport
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
  /** Whether each acknowledgement is followed by one publish at once. Otherwise each turn of the event loop publishes. */
  readonly oneByOne?: boolean
  /**
   * The CPU time that the warm-up and the measurement use, in milliseconds. Both take longer on a busy machine, so that
   * the same amount of work is compared.
   */
  readonly warmUp: number
  readonly measure: number
}

/** Measures a client that only publishes, or only receives. */
export async function oneSide(task: OneSideTask) {
  const { side, peer, port, transport, warmUp, measure } = task
  const client = await peers[peer]({ port, transport, clientId: `${peer}-${process.pid}` })
  const count = side === 'send' ? send(client, task) : await receive(client, task)
  const { cpu } = await cpuPerMessage(
    count,
    () => cpuTime(warmUp),
    () => cpuTime(measure),
  )
  // The process ends now: a client that still sends or receives at full speed would need long to end in order.
  return { cpu }
}

/** @returns the number of acknowledged messages so far; with QoS 0, of those that were written */
function send(client: PeerClient, content: OneSideTask): () => number {
  const { qos, payloadBytes, oneByOne } = content
  const topic = topicOf(content)
  const payload = new Uint8Array(payloadBytes).fill(120)
  return fillWindow(windowOf(payloadBytes), (done) => client.publish(topic, payload, qos, done), oneByOne)
}

async function receive(client: PeerClient, content: OneSideTask): Promise<() => number> {
  let received = 0
  await client.subscribe([topicOf(content)], content.qos, () => received++)
  return () => received
}

/** The longest that is waited for an amount of CPU time, as a multiple of it. */
const PATIENCE = 6

/** Resolves when this process has used this much CPU time, in milliseconds. */
async function cpuTime(amount: number): Promise<void> {
  const before = process.cpuUsage()
  const deadline = performance.now() + amount * PATIENCE
  let used = 0
  while (used < amount && performance.now() < deadline) {
    await sleep(10)
    const { user, system } = process.cpuUsage(before)
    used = (user + system) / 1_000
  }
}
