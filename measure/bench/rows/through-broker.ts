import type { PeerName } from '../peers/peer.ts'
import { runWorker } from '../run-worker.ts'
import { allClients, ourselvesAndRaw, type Case, type Row } from './row.ts'

interface ThroughputTargets {
  readonly rate: number
  readonly cpu: number
}

export function throughputRow(qos: 0 | 1 | 2, targets: ThroughputTargets): Row {
  // aws-crt does not support QoS 2.
  const contenders = qos === 2 ? ourselvesAndRaw : allClients
  const measure =
    (payloadBytes: number): Case['measure'] =>
    (peer, { port, quick }) => {
      const [warmUp, duration] = quick ? [100, 200] : [1_000, 2_500]
      const connection = { peer: peer as PeerName, port }
      const task = { kind: 'throughput', ...connection, qos, payloadBytes, warmUp, measure: duration } as const
      return runWorker(task, 30_000).result
    }
  return {
    what: `QoS ${qos}, end to end through mosquitto, both ends in one process`,
    metrics: {
      rate: { unit: 'messages/s', better: 'more', ratio: targets.rate },
      cpu: { unit: 'µs CPU/message', better: 'less', ratio: targets.cpu },
    },
    cases: [
      { name: '64 B', contenders, measure: measure(64) },
      { name: '4 KiB', contenders, full: true, measure: measure(4_096) },
    ],
  }
}

export function latencyRow(qos: 0 | 1): Row {
  const measure =
    (rate: number): Case['measure'] =>
    (peer, { port, quick }) => {
      const duration = quick ? 500 : 5_000
      return runWorker({ kind: 'latency', peer: peer as PeerName, port, qos, rate, duration }, 30_000).result
    }
  return {
    what: `from a publish to its receipt through mosquitto, QoS ${qos}, 64 bytes, on one connection`,
    metrics: {
      p50: { unit: 'ms', better: 'less', ratio: 1 },
      p99: { unit: 'ms', better: 'less', ratio: 1 },
    },
    cases: [
      { name: '1,000/s', contenders: allClients, measure: measure(1_000) },
      { name: '300/s', contenders: allClients, full: true, measure: measure(300) },
      { name: '10/s', contenders: allClients, full: true, measure: measure(10) },
    ],
  }
}
