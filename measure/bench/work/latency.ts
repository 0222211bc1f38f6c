import { peers } from '../peers/index.ts'
import type { PeerName } from '../peers/peer.ts'

export interface LatencyTask {
  readonly kind: 'latency'
  readonly peer: PeerName
  readonly port: number
  readonly qos: 0 | 1
  /** Publishes a second. */
  readonly rate: number
  /** In milliseconds. */
  readonly duration: number
}

/** How many messages are sent one after another to warm up. They are not counted. */
const WARM_UP = 1_000

/** How long to wait for messages that are still on their way, in milliseconds. */
const LAST = 1_000

/**
 * Measures the time from a publish until the client receives the message, at a steady rate far below the limit. One
 * connection publishes and receives. So every message is followed by a small packet that the broker does not answer, an
 * acknowledgement or with QoS 0 the next message, which Nagle's algorithm may hold back.
 */
export async function latency({ peer, port, qos, rate, duration }: LatencyTask) {
  const topic = `bench/latency/${process.pid}`
  const client = await peers[peer]({ port, clientId: `${peer}-${process.pid}` })
  let onMessage = () => {}
  await client.subscribe([topic], qos, () => onMessage())
  const payload = new Uint8Array(64).fill(120)
  const publish = () => client.publish(topic, payload, qos, () => {})

  await new Promise<void>((resolve) => {
    let left = WARM_UP
    onMessage = () => (left-- > 0 ? publish() : resolve())
    onMessage()
  })
  const total = Math.round((rate * duration) / 1_000)
  const sentAt: number[] = []
  const took: number[] = []
  await new Promise<void>((resolve) => {
    // Messages of one topic arrive in order (MQTT 5 §4.6).
    onMessage = () => {
      took.push(performance.now() - (sentAt[took.length] ?? Number.NaN))
      if (took.length === total) resolve()
    }
    const begun = performance.now()
    const turn = () => {
      const due = Math.min(total, 1 + Math.floor(((performance.now() - begun) * rate) / 1_000))
      while (sentAt.length < due) {
        sentAt.push(performance.now())
        publish()
      }
      if (sentAt.length < total) setTimeout(turn, 1)
      else setTimeout(resolve, LAST)
    }
    turn()
  })
  await client.end()
  if (took.length < total) throw new Error(`${total - took.length} of ${total} messages did not arrive`)
  took.sort((a, b) => a - b)
  const percentile = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN
  return { p50: percentile(0.5), p99: percentile(0.99) }
}
