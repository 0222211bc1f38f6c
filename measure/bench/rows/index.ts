import { bundleSizes } from '../bundle.ts'
import { measureResend, measureRestore } from '../outages.ts'
import type { PeerName } from '../peers/peer.ts'
import { runWorker } from '../run-worker.ts'
import { oneSidedRow, transportRow } from './one-sided.ts'
import { allClients, ourselvesAndRaw, type Row } from './row.ts'

export const rows: Readonly<Record<string, Row>> = {
  'send.qos0': oneSidedRow('send', 0, 0.25),
  'send.qos1': oneSidedRow('send', 1, 0.4),
  'send.qos2': oneSidedRow('send', 2, 0.4),
  'receive.qos0': oneSidedRow('receive', 0, 0.3),
  'receive.qos1': oneSidedRow('receive', 1, 0.25),
  'receive.qos2': oneSidedRow('receive', 2),
  'tls.qos1': transportRow('TLS', 'tls'),
  'websocket.qos1': transportRow('WebSocket', 'websocket'),
  'throughput.qos0': throughputRow(0),
  'throughput.qos1': throughputRow(1),
  'throughput.qos2': throughputRow(2),
  'latency.qos1': {
    what: 'publish to ack at 1,000 messages/s, QoS 1, 64 bytes',
    metrics: {
      p50: { unit: 'ms', better: 'less', ratio: 1.1 },
      p99: { unit: 'ms', better: 'less', ratio: 1.25 },
    },
    cases: [
      {
        name: '',
        contenders: allClients,
        measure: (peer, { port, quick }) => {
          const duration = quick ? 500 : 5_000
          return runWorker({ kind: 'latency', peer: peer as PeerName, port, rate: 1_000, duration }, 30_000).result
        },
      },
    ],
  },
  'restore.1000': restoreRow(1_000),
  'restore.10000': restoreRow(10_000),
  'resend.1000': {
    what: '1,000 unacknowledged QoS 1 publishes, 20 ms round trip: from CONNACK to the last PUBACK',
    metrics: { ms: { unit: 'ms', better: 'less', ratio: 1 / 20 } },
    cases: [
      {
        name: '',
        contenders: allClients,
        measure: (peer, { quick }) => measureResend(peer as PeerName, quick ? 50 : 1_000),
      },
    ],
    rounds: 3,
  },
  'memory.idle': idleRow('memory for each of 2,000 idle connections', 0, {
    rss: { unit: 'KiB', better: 'less', ratio: 1.15 },
    heap: { unit: 'KiB', better: 'less' },
  }),
  'cpu.idle': idleRow('CPU time of 2,000 idle connections in 20 s, keep alive 10 s', 20_000, {
    cpu: { unit: 's', better: 'less', ratio: 1.15 },
  }),
  'match.100000': {
    what: 'from a message to its handlers, with 100,000 filters',
    metrics: { rate: { unit: 'messages/s', better: 'more' }, prepare: { unit: 'ms', better: 'less' } },
    cases: [
      {
        name: '',
        contenders: ['ours', 'loop'],
        measure: (peer, { quick }) => {
          const [filters, duration] = quick ? [10_000, 200] : [100_000, 2_000]
          return runWorker({ kind: 'match', peer: peer as 'ours' | 'loop', filters, duration }, 60_000).result
        },
      },
    ],
    rounds: 3,
  },
  bundle: {
    what: 'a browser bundle with code splitting, minified and gzipped, for a page that uses no store',
    metrics: {
      own: { unit: 'bytes', better: 'less', atMost: 15 * 1_024 },
      withDependencies: { unit: 'bytes', better: 'less' },
    },
    cases: [{ name: '', contenders: ['ours', 'mqttjs'], measure: (peer) => bundleSizes(peer as 'ours' | 'mqttjs') }],
    rounds: 1,
  },
}

function throughputRow(qos: 0 | 1 | 2): Row {
  return {
    what: `QoS ${qos}, end to end through mosquitto, both ends in one process`,
    metrics: {
      rate: { unit: 'messages/s', better: 'more', ratio: 0.97 },
      cpu: { unit: 'µs CPU/message', better: 'less', ratio: 1.05 },
    },
    cases: [64, 4_096].map((payloadBytes) => ({
      name: payloadBytes === 64 ? '64 B' : '4 KiB',
      // aws-crt does not support QoS 2.
      contenders: qos === 2 ? ourselvesAndRaw : allClients,
      measure: (peer, { port, quick }) => {
        const [warmUp, measure] = quick ? [100, 200] : [1_000, 2_500]
        const task = { kind: 'throughput', peer: peer as PeerName, port, qos, payloadBytes, warmUp, measure } as const
        return runWorker(task, 30_000).result
      },
    })),
  }
}

function restoreRow(filters: number): Row {
  return {
    what: `${filters.toLocaleString('en')} subscriptions after the broker lost the session: until the last SUBACK`,
    metrics: {
      ms: { unit: 'ms', better: 'less', ratio: 1 / 5 },
      sinceConnack: { unit: 'ms since CONNACK', better: 'less' },
      packets: { unit: 'SUBSCRIBE packets', better: 'less' },
    },
    cases: [
      {
        name: '',
        // aws-crt does not restore subscriptions.
        contenders: ourselvesAndRaw,
        measure: (peer, { quick }) => measureRestore(peer as PeerName, quick ? Math.min(filters, 1_000) : filters),
      },
    ],
  }
}

/** @param watched - how long the idle connections are measured, in milliseconds */
function idleRow(what: string, watched: number, metrics: Row['metrics']): Row {
  return {
    what,
    metrics,
    cases: [
      {
        name: '',
        contenders: allClients,
        measure: (peer, { port, quick }) => {
          const [connections, duration] = quick ? [100, Math.min(200, watched)] : [2_000, watched]
          const rest = quick || watched === 0 ? 0 : 75_000
          const task = {
            kind: 'idle',
            peer: peer as PeerName,
            port,
            connections,
            keepalive: 10,
            rest,
            duration,
          } as const
          return runWorker(task, 180_000).result
        },
      },
    ],
    rounds: 3,
  }
}
