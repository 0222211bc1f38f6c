import { peers } from '../peers/index.ts'
import type { PeerClient, PeerName } from '../peers/peer.ts'

export interface LatencyTask {
  readonly kind: 'latency'
  readonly peer: PeerName
  readonly port: number
  /** Publishes a second. */
  readonly rate: number
  /** In milliseconds. The same number of publishes is sent first, one after another, to warm up, and is not counted. */
  readonly duration: number
}

/** Measures the time from a QoS 1 publish to its PUBACK, at a steady rate far below the limit. */
export async function latency({ peer, port, rate, duration }: LatencyTask) {
  const client = await peers[peer]({ port, clientId: `${peer}-${process.pid}` })
  const payload = new Uint8Array(64).fill(120)
  const total = Math.round((rate * duration) / 1_000)
  await warmUp(client, payload, total)
  const took: number[] = []
  const begun = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const turn = () => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) * rate) / 1_000))
      for (; sent < due; sent++) {
        const at = performance.now()
        client.publish('bench/latency', payload, 1, () => {
          took.push(performance.now() - at)
          if (took.length === total) resolve()
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

/** Publishes one message after another, so that each takes the same path through the code as later. */
async function warmUp(client: PeerClient, payload: Uint8Array, count: number): Promise<void> {
  await new Promise<void>((resolve) => {
    let left = count
    const next = () => {
      if (left-- > 0) client.publish('bench/latency', payload, 1, next)
      else resolve()
    }
    next()
  })
}
