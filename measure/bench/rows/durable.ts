import { runWorker } from '../run-worker.ts'
import type { StoreName } from '../stores/index.ts'
import type { Row } from './row.ts'

export const durableRow: Row = {
  what:
    'publishes that a store confirms while there is no connection, QoS 1, 64 bytes; ours and classic-level after ' +
    'fdatasync, mqtt-level-store before it, mqtt-jsonl-store before it writes',
  metrics: {
    rate: { unit: 'messages/s', better: 'more', ratio: 0.6, against: 'classic-level' },
    cpu: { unit: 'µs CPU/message', better: 'less' },
  },
  cases: [
    {
      name: '',
      contenders: ['ours', 'classic-level', 'mqtt-level-store', 'mqtt-jsonl-store'],
      measure: (store, { quick }) => {
        // With so many, the disk is not the limit.
        const sizes = quick ? { window: 200, duration: 200 } : { window: 10_000, duration: 3_000 }
        return runWorker({ kind: 'durable', store: store as StoreName, ...sizes }, 60_000).result
      },
    },
  ],
}
