import { measureResend, measureRestore } from '../outages.ts'
import type { PeerName } from '../peers/peer.ts'
import { allClients, ourselvesAndRaw, type Row } from './row.ts'

export function restoreRow(filters: number): Row {
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

export const resendRow: Row = {
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
}
