import { peers } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'

export interface LatencyTask {
  readonly kind: 'latency'
  readonly peer: PeerName
  readonly port: number
  /** Publishes a second. */
  readonly rate: number
  /** In milliseconds; the first fifth of it is not counted. */
  readonly duration: number
}

/** From `publish` of QoS 1 to its ack, at a steady rate far below the limit. */
export async function latency({ peer, port, rate, duration }: LatencyTask) {
  const client = await peers[peer]({ port, clientId: `${peer}-${process.pid}` })
  const payload = new Uint8Array(64).fill(120)
  const total = Math.round((rate * duration) / 1_000)
  const warmUp = Math.round(total / 5)
  const took: number[] = []
  const begun = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const turn = () => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) * rate) / 1_000))
      for (; sent < due; sent++) {
        const n = sent
        const at = performance.now()
        client.publish('bench/latency', payload, 1, () => {
          if (n >= warmUp) took.push(performance.now() - at)
          if (n === total - 1) resolve()
        })
      }
      if (sent < total) setTimeout(turn, 1)
    }
    turn()
  })
  await client.end()
  took.sort((a, b) => a - b)
  const percentile = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN
  return { p50: percentile(0.5), p99: percentile(0.99) }
}
