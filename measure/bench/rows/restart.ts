import { runWorker } from '../run-worker.ts'
import type { Row } from './row.ts'

export const restartRow: Row = {
  what: 'a restart with 1,000,000 durable publishes of 64 bytes in the store: until they wait to be sent',
  metrics: {
    heap: { unit: 'MiB', better: 'less', atMost: 150 },
    pause: { unit: 'ms, longest pause of the event loop', better: 'less', atMost: 100 },
    cpu: { unit: 's CPU', better: 'less' },
  },
  cases: [
    {
      name: '',
      contenders: ['ours'],
      measure: (_store, { quick }) =>
        runWorker({ kind: 'restart', publishes: quick ? 20_000 : 1_000_000 }, 300_000).result,
    },
  ],
  rounds: 3,
}
