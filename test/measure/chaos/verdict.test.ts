import { expect, test } from 'vitest'

import { leakedSince } from '../../../measure/chaos/handles.ts'
import { Ledger, payloadOf, type Stream } from '../../../measure/chaos/ledger.ts'
import { violationsOf, type Judged } from '../../../measure/chaos/verdict.ts'

const QUIET = {
  client: 'ours',
  faults: { connectionReset: 1 },
  notRecovered: 0,
  leakedHandles: 0,
  openSockets: 0,
  maxSockets: 1,
  replayedSteps: 1,
  differing: [],
} as const

type Run = (streams: Readonly<Record<'qos0' | 'qos1' | 'qos2', Stream>>, arrives: Arrives, ledger: Ledger) => void
type Arrives = (stream: Stream, ...numbers: readonly number[]) => void

/** Three messages of each QoS arrive; and then what the run does. */
function judge(run: Run, rest: Partial<Judged> = {}): string[] {
  const ledger = new Ledger()
  const streams = {
    qos0: ledger.add('q0', 0, ['s']),
    qos1: ledger.add('q1', 1, ['s']),
    qos2: ledger.add('q2', 2, ['s']),
  }
  const arrives: Arrives = (stream, ...numbers) => {
    for (const n of numbers) ledger.received('s', stream.topic, new TextEncoder().encode(payloadOf(n, 10)))
  }
  for (const stream of Object.values(streams)) {
    for (const n of [1, 2, 3]) {
      stream.accepted(n)
      stream.acknowledged(n)
      arrives(stream, n)
    }
  }
  run(streams, arrives, ledger)
  return violationsOf({ ...ledger.summary(), ...QUIET, ...rest })
}

const acknowledge: Run = ({ qos1 }) => {
  qos1.accepted(4)
  qos1.acknowledged(4)
}

test.each<[name: string, run: Run, violations: string[]]>([
  ['all is well', () => {}, []],
  ['an acknowledged message never came', acknowledge, ['lost: 1']],
  [
    'a rejected message had been accepted',
    ({ qos2 }) => {
      qos2.accepted(4)
      qos2.rejected(4, 'TimeoutError')
    },
    ['lost: 1'],
  ],
  [
    'a message was refused before it was accepted',
    ({ qos1 }) => {
      qos1.accepted(4)
      qos1.refused(4, 'OutboxOverflowError')
    },
    ['refused: 1'],
  ],
  [
    'nothing was accepted',
    ({ qos1 }) => {
      for (const n of [1, 2, 3]) qos1.refused(n, 'OutboxOverflowError')
    },
    ['refused: 3', 'accepted: nothing to q1'],
  ],
  ['a publish never settled', ({ qos2 }, arrives) => (qos2.accepted(4), arrives(qos2, 4)), ['unsettled: 1']],
  ['two came in the wrong order', ({ qos0 }, arrives) => arrives(qos0, 5, 4), ['outOfOrder: 1']],
  ['QoS 1 came twice', ({ qos1 }, arrives) => arrives(qos1, 3), []],
  ['QoS 2 came twice', ({ qos2 }, arrives) => arrives(qos2, 3), ['duplicatesQos2: 1']],
  ['QoS 2 came twice, the session being lost', ({ qos2 }, arrives, ledger) => (ledger.epoch++, arrives(qos2, 3)), []],
  ['QoS 0 was lost', ({ qos0 }) => (qos0.accepted(4), qos0.acknowledged(4)), []],
])('%s', (_name, run, violations) => {
  expect(judge(run)).toEqual(violations)
})

test.each<[rest: Partial<Judged>, violations: string[]]>([
  [{ maxSockets: 2 }, ['maxSockets: 2']],
  [{ openSockets: 1 }, ['openSockets: 1']],
  [{ leakedHandles: 1 }, ['leakedHandles: 1']],
  [{ notRecovered: 1 }, ['notRecovered: 1']],
  [{ differing: ['p1 at 5 ms'] }, ['differing: p1 at 5 ms']],
  [{ replayedSteps: 0 }, ['replayed: nothing']],
  [{ replayedSteps: 0, client: 'mqttjs' }, []],
  [{ faults: {} }, ['faults: none']],
])('%j', (rest, violations) => {
  expect(judge(() => {}, rest)).toEqual(violations)
})

test('tells rejections from refusals, and counts them by QoS and reason', () => {
  const ledger = new Ledger()
  const stream = ledger.add('q1', 1, ['s'])
  for (const n of [1, 2, 3]) stream.accepted(n)
  stream.rejected(1, 'TimeoutError')
  stream.refused(2, 'OutboxOverflowError')
  stream.refused(3, 'OutboxOverflowError')
  expect(ledger.summary()).toMatchObject({
    accepted: 1,
    rejections: { 'QoS 1: TimeoutError': 1 },
    refusals: { 'QoS 1: OutboxOverflowError': 2 },
  })
})

test.each<[before: string[], now: string[], leaked: string[]]>([
  [['Timeout'], ['Timeout'], []],
  [['Timeout', 'TCPSocketWrap'], ['TCPSocketWrap'], []],
  [['TCPSocketWrap'], ['Timeout', 'TCPSocketWrap', 'TCPSocketWrap'], ['Timeout', 'TCPSocketWrap']],
])('of handles %j, then %j, leaked are %j', (before, now, leaked) => {
  expect(leakedSince(before, now)).toEqual(leaked)
})
