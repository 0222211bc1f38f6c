import { runWorker } from '../run-worker.ts'
import type { Row } from './row.ts'

export const restartRow: Row = {
  what:
    'a restart with 1,000,000 durable publishes of 64 bytes in the store: until they wait to be sent, and while the ' +
    'first 200,000 are sent and acknowledged',
  metrics: {
    heap: { unit: 'MiB', better: 'less', atMost: 150 },
    pause: { unit: 'ms, longest pause of the event loop', better: 'less', atMost: 100 },
    busy: { unit: 'ms CPU, longest turn of the event loop', better: 'less' },
    cpu: { unit: 's CPU', better: 'less' },
    drainHeap: { unit: 'MiB, while it drains', better: 'less', atMost: 150 },
    drainPause: { unit: 'ms, longest pause while it drains', better: 'less', atMost: 100 },
    drainBusy: { unit: 'ms CPU, longest turn while it drains', better: 'less' },
  },
  cases: [
    {
      name: '',
      contenders: ['ours'],
      measure: (_store, { quick, serverPorts }) => {
        const sizes = quick ? { publishes: 20_000, drained: 10_000 } : { publishes: 1_000_000, drained: 200_000 }
        return runWorker({ kind: 'restart', ...sizes, port: serverPorts.tcp }, 300_000).result
      },
    },
  ],
  rounds: 3,
}
