import { setTimeout as sleep } from 'node:timers/promises'

import { peers } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'
import { cpuPerMessage } from './cpu-per-message.ts'

export interface ThroughputTask {
  readonly kind: 'throughput'
  readonly peer: PeerName
  readonly port: number
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
  /** The duration of the warm-up and of the measurement, in milliseconds. */
  readonly warmUp: number
  readonly measure: number
}

/** The maximum number of messages that are published but not yet both acknowledged and received. */
const WINDOW = { small: 1_000, large: 200 }

/** Measures one publisher and one subscriber in this process, end to end through the broker. */
export async function throughput({ peer, port, qos, payloadBytes, warmUp, measure }: ThroughputTask) {
  const connect = peers[peer]
  const id = `${peer}-${process.pid}`
  const subscriber = await connect({ port, clientId: `${id}-s` })
  const publisher = await connect({ port, clientId: `${id}-p` })
  const payload = new Uint8Array(payloadBytes).fill(120)
  const window = payloadBytes > 1_024 ? WINDOW.large : WINDOW.small
  let sent = 0
  let acked = 0
  let received = 0
  let running = true

  const pump = () => {
    while (running && sent - Math.min(acked, received) < window) {
      sent++
      publisher.publish('bench/throughput', payload, qos, onAck)
    }
  }
  const onAck = () => {
    acked++
    pump()
  }
  await subscriber.subscribe(['bench/throughput'], qos, () => {
    received++
    pump()
  })

  pump()
  const figures = await cpuPerMessage(
    () => received,
    () => sleep(warmUp),
    () => sleep(measure),
  )
  running = false
  await sleep(100)
  await Promise.all([publisher.end(), subscriber.end()])
  return figures
}
