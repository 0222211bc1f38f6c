import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../../src/index.ts'
import { type EndedConnection, TakeoverSuspicion } from '../../src/mqtt/takeover.ts'
import { createTestClock } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { scriptedClient } from '../support/scripted-client.ts'

const closed: Failure = { kind: 'closed' }
const suspected: Failure = { kind: 'closed', suspicion: 'takeover' }
const worked: EndedConnection = { age: 1_000, isAnswered: true, isAwaitingAnswer: false }

describe('a takeover is suspected', () => {
  test.each<[string, readonly [Failure, EndedConnection?][], readonly Failure[]]>([
    [
      'from the third close on',
      [
        [closed, worked],
        [closed, worked],
        [closed, worked],
        [closed, worked],
      ],
      [closed, closed, suspected, suspected],
    ],
    [
      'not if nothing was answered',
      Array.from({ length: 4 }, () => [closed, { ...worked, isAnswered: false }]),
      [closed, closed, closed, closed],
    ],
    [
      'not if a packet may be the cause',
      Array.from({ length: 4 }, () => [closed, { ...worked, isAwaitingAnswer: true }]),
      [closed, closed, closed, closed],
    ],
    [
      'not after connections that live for long',
      Array.from({ length: 4 }, () => [closed, { ...worked, age: 10_000 }]),
      [closed, closed, closed, closed],
    ],
    ['not before the CONNACK', Array.from({ length: 4 }, () => [closed]), [closed, closed, closed, closed]],
    [
      'not if another failure comes in between',
      [
        [closed, worked],
        [closed, worked],
        [{ kind: 'keepalive' }, worked],
        [closed, worked],
        [closed, worked],
        [closed, worked],
      ],
      [closed, closed, { kind: 'keepalive' }, closed, closed, suspected],
    ],
  ])('%s', (_, ends, judged) => {
    const takeovers = new TakeoverSuspicion()
    expect(ends.map(([failure, connection]) => takeovers.judge(failure, connection))).toEqual(judged)
  })
})

test('a client whose connections work, and are soon closed again and again, says so', async () => {
  const clock = createTestClock()
  const { server, client } = await scriptedClient({ version: 4, clock, reconnect: { jitter: 'none' } })
  const failures: Failure[] = []
  client.on('connectionInterrupted', ({ failure }) => failures.push(failure))
  for (let n = 1; n <= 3; n++) {
    if (n === 1) await client.connect()
    else await server.waitFor((each) => each.connections.length === n)
    await client.publish('a', '', { qos: 1 })
    server.kick()
    await until(() => client.status.state === 'reconnecting', 'the close')
    clock.tick(4_000)
  }
  expect(failures).toEqual([closed, closed, suspected])
  expect(describeFailure(suspected)).toContain('perhaps another client uses the same client id')
})
