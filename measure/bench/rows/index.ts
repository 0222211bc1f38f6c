import { bundleSizes } from '../bundle.ts'
import { runWorker } from '../run-worker.ts'
import { durableRow } from './durable.ts'
import { cpuRow, memoryRow } from './idle.ts'
import { oneSidedRow, transportRow } from './one-sided.ts'
import { resendRow, restoreRow } from './outages.ts'
import { restartRow } from './restart.ts'
import type { Row } from './row.ts'
import { latencyRow, throughputRow } from './through-broker.ts'

export const rows: Readonly<Record<string, Row>> = {
  'send.qos0': oneSidedRow('send', 0, 0.25),
  'send.qos1': oneSidedRow('send', 1, 0.4),
  'send.qos2': oneSidedRow('send', 2, 0.4),
  'receive.qos0': oneSidedRow('receive', 0, 0.3),
  'receive.qos1': oneSidedRow('receive', 1, 0.25),
  'receive.qos2': oneSidedRow('receive', 2),
  'tls.qos1': transportRow('TLS', 'tls'),
  'websocket.qos1': transportRow('WebSocket', 'websocket'),
  'throughput.qos0': throughputRow(0, { rate: 1.5, cpu: 0.65 }),
  'throughput.qos1': throughputRow(1, { rate: 2, cpu: 0.45 }),
  'throughput.qos2': throughputRow(2, { rate: 1.5, cpu: 0.55 }),
  'latency.qos0': latencyRow(0),
  'latency.qos1': latencyRow(1),
  'restore.1000': restoreRow(1_000),
  'restore.10000': restoreRow(10_000),
  'resend.1000': resendRow,
  durable: durableRow,
  'restart.1000000': restartRow,
  'memory.idle': memoryRow,
  'cpu.idle': cpuRow,
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
  recorder: {
    what: 'the option recorder, with a file: CPU time for the transitions of an outage, 10 of them a second',
    metrics: {
      cpu: { unit: '% of a core', better: 'less', atMost: 2 },
      transition: { unit: 'µs CPU/transition', better: 'less' },
    },
    cases: [
      {
        name: '',
        contenders: ['ours'],
        measure: (_, { quick }) => runWorker({ kind: 'recorder', transitions: quick ? 100 : 5_000 }, 120_000).result,
      },
    ],
  },
  bundle: {
    what: 'a browser bundle with code splitting, minified and gzipped, for a page that uses no store',
    metrics: {
      own: { unit: 'bytes', better: 'less', atMost: 26 * 1_024 },
      withDependencies: { unit: 'bytes', better: 'less' },
    },
    cases: [{ name: '', contenders: ['ours', 'mqttjs'], measure: (peer) => bundleSizes(peer as 'ours' | 'mqttjs') }],
    rounds: 1,
    // `npm run check:package` compares docs/package.md and the README with these sizes.
    isElsewhere: true,
  },
}
