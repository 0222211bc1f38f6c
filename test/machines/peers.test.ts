import { expect, test } from 'vitest'

import { backoffDelay, defaultReconnect } from '../../machines/index.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import {
  closed,
  hours,
  kicked,
  minutes,
  muteTransport,
  notAuthorized,
  readyScene,
  machineScene,
  seconds,
  settle,
} from '../support/machine-scene.ts'

// Bugs that other MQTT clients have or had. test/client/peers.test.ts tests bugs under the same numbers with real sockets.
// The numbers serve only to match the two files.

test('peer bug 1: a failed recovery cycle is followed by the next', () => {
  // The client never connects, and never reports a failure.
  const s = machineScene({ input: { reconnect: { enabled: false } } })
  s.send('CONNECT')
  s.clock.tick(hours(24))
  expect(s.heard('recoveryStarted')).toHaveLength(10)
  expect(s.transport.connections).toHaveLength(11)
  expect(s.heard('gaveUp')).toHaveLength(1)
})

test('peer bug 2: maxAttempts 10 allows exactly ten attempts, and gaveUp is emitted', () => {
  const s = machineScene({ input: { recovery: { enabled: false } }, transport: (connection) => connection.fail() })
  s.send('CONNECT')
  s.clock.tick(hours(24))
  expect(s.heard('reconnectScheduled').map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(s.transport.connections).toHaveLength(1 + 10)
  expect(s.heard('reconnectionFailed')).toMatchObject([{ attempts: 10 }])
  expect(s.heard('gaveUp')).toMatchObject([{ attempts: 10, cycles: 0 }])
})

test('peer bug 3: the 1,025th and later attempts have a delay too', () => {
  const s = machineScene({
    input: { reconnect: { maxAttempts: Number.POSITIVE_INFINITY } },
    transport: (connection) => connection.fail(),
  })
  s.send('CONNECT')
  s.clock.tick(1_100 * seconds(120))
  expect(s.context.attempt).toBeGreaterThan(1_025)
  expect(s.context.delay).toBe(seconds(120))
  expect(s.state).toBe('reconnecting')
})

test('peer bug 4: a flapping connection backs off', async () => {
  const s = await readyScene({ transport: (connection) => connection.open() })
  const delays: number[] = []
  for (let n = 0; n < 8; n++) {
    s.clock.tick(seconds(5))
    s.transport.current.fail()
    delays.push(s.context.delay / 1000)
    s.clock.tick(s.context.delay)
  }
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 120])
})

test('peer bug 4: the fourth drop in a week does not make it give up', async () => {
  const input = { reconnect: { maxAttempts: 3 }, recovery: { enabled: false } }
  const s = await readyScene({ input, transport: (connection) => connection.open() })
  for (let day = 0; day < 7; day++) {
    s.clock.tick(hours(24))
    s.transport.current.fail()
    expect(s.context.attempt).toBe(1)
    s.clock.tick(seconds(1))
    expect(s.state).toBe('connected.ready')
  }
  expect(s.heard('gaveUp')).toEqual([])
})

test('peer bug 5: simultaneous requests open one connection', async () => {
  const s = await readyScene({ input: { canRefresh: true } })
  const commands = ['RECOVER', 'RETRY', 'WAKE', 'CONNECT', 'RECOVER', 'WAKE', 'RETRY'] as const
  for (let n = 0; n < 60; n++) {
    for (const command of commands) {
      s.send(command)
      expect(s.transport.running).toBeLessThanOrEqual(1)
    }
    s.tokens.at(-1)!.resolve()
    await settle()
    s.clock.tick(seconds(n % 7))
    s.transport.current.fail()
    expect(s.transport.running).toBeLessThanOrEqual(1)
  }
})

test('peer bug 5: our own close does not count as a lost connection', async () => {
  const s = await readyScene()
  s.send('DISCONNECT')
  s.transport.current.fail()
  s.clock.tick(hours(24))
  expect(s.state).toBe('disconnected')
  expect(s.heard('connectionInterrupted')).toEqual([])
  expect(s.transport.connections).toHaveLength(1)
})

test('peer bug 6: a replaced connection is released before the next one opens', () => {
  const running: number[] = []
  const s = machineScene({
    transport: (connection) => {
      running.push(s.transport.running)
      connection.open()
    },
  })
  s.send('CONNECT')
  for (let n = 0; n < 20; n++) s.send('RECOVER')
  expect(running).toEqual(Array.from({ length: 21 }, () => 1))
  expect(s.transport.running).toBe(1)
})

test('peer bug 7: late reports of a dead connection do not affect the healthy one', async () => {
  const s = await readyScene()
  const dead = s.transport.current
  dead.fail()
  s.clock.tick(seconds(1))
  s.transport.current.open()
  expect(s.state).toBe('connected.ready')
  dead.fail()
  dead.fail(notAuthorized)
  dead.closed()
  dead.open()
  expect(s.state).toBe('connected.ready')
  expect(s.heard('connectionInterrupted')).toHaveLength(1)
})

test('peer bug 8: a missing SUBACK replaces the connection', () => {
  const s = machineScene({ sync: () => {} })
  s.send('CONNECT')
  s.transport.current.open()
  s.clock.tick(minutes(1))
  expect(s.state).toBe('reconnecting')
  expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'restore' })
})

test('peer bug 9: only one refresh runs at a time', async () => {
  const s = await readyScene({ input: { canRefresh: true } }, hours(1))
  s.clock.tick(minutes(55))
  expect(s.state).toBe('refreshingToken.online')
  s.transport.current.fail(kicked)
  s.send('RECOVER')
  s.send('RETRY')
  s.send('WAKE')
  expect(s.tokens.filter(({ aborted, settled }) => !aborted && !settled)).toHaveLength(1)
  expect(s.tokens).toHaveLength(2)
})

test('peer bug 9: a network error during a refresh does not count as a wrong password', async () => {
  const s = machineScene({ input: { canRefresh: true } })
  s.send('CONNECT')
  s.tokens[0]!.reject(new Error('invalid response: 401 unauthorized? no: ECONNRESET'))
  await settle()
  expect(s.state).toBe('reconnecting')
  s.clock.tick(seconds(1))
  s.tokens[1]!.resolve()
  await settle()
  expect(s.state).toBe('connecting')
})

test.each([
  ['reconnecting', 0],
  ['recovering', seconds(500)],
  ['failed', hours(24)],
])('peer bug 10: DISCONNECT while %s ends it', (state, after) => {
  const s = machineScene({ transport: (connection) => connection.fail() })
  s.send('CONNECT')
  s.clock.tick(after)
  expect(s.state).toBe(state)
  const before = s.transport.connections.length
  s.send('DISCONNECT')
  expect(s.state).toBe('disconnected')
  expect(s.clock.pending).toBe(0)
  s.clock.tick(hours(24))
  expect(s.transport.connections).toHaveLength(before)
})

test.each(['connecting', 'connected.restoring', 'refreshingToken.offline'])(
  'peer bug 10: DISCONNECT while %s ends it',
  async (state) => {
    const s = machineScene({ input: { canRefresh: state.startsWith('refreshing') }, sync: () => {} })
    s.send('CONNECT')
    if (state === 'connected.restoring') s.transport.current.open()
    expect(s.state).toBe(state)
    s.send('DISCONNECT')
    await settle()
    expect(s.state).toBe('disconnected')
    expect(s.transport.running).toBe(0)
    expect(s.clock.pending).toBe(0)
  },
)

test('peer bug 12: periodic requests pause while offline, and survive a new client and errors', async () => {
  const s = await readyScene({ request: (request) => request.fail() })
  s.send({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null } })
  s.clock.tick(seconds(5))
  const before = s.requests.length
  expect(before).toBe(6)
  s.transport.current.fail()
  s.clock.tick(minutes(30))
  expect(s.requests).toHaveLength(before)
  s.send('RETRY')
  s.transport.current.open()
  expect(s.requests, 'one at once, without a flood').toHaveLength(before + 1)
  s.clock.tick(seconds(5))
  expect(s.requests).toHaveLength(before + 6)
})

test('peer bug 13: delays are spread, also at the maximum', () => {
  const random = seeded(1)
  const delays = Array.from({ length: 10_000 }, () => backoffDelay(defaultReconnect, 50, random))
  expect(delays.filter((delay) => delay === defaultReconnect.maxDelay).length).toBeLessThan(10)
  expect(delays.filter((delay) => delay > 0.9 * defaultReconnect.maxDelay).length).toBeLessThan(2_500)
})

test('peer bug 15: a disconnect ends even if the transport does not answer', async () => {
  const s = machineScene({ actors: { transport: muteTransport } })
  s.send('CONNECT')
  s.send('DISCONNECT')
  s.send('DISCONNECT')
  s.clock.tick(seconds(5) - 1)
  expect(s.state).toBe('disconnecting')
  s.clock.tick(1)
  expect(s.state).toBe('disconnected')
  s.send('CONNECT')
  expect(s.state, 'and it can connect again').toBe('connecting')
})

test('peer bug 16: a lost connection is reported once', async () => {
  const s = await readyScene()
  for (const failure of [closed, kicked, closed, notAuthorized]) s.transport.current.fail(failure)
  s.tell({ type: 'xstate.error.actor.transport', error: new Error('broken') })
  s.tell({ type: 'subscriptions.unanswered' })
  expect(s.heard('connectionInterrupted')).toHaveLength(1)
  expect(s.heard('reconnectScheduled')).toHaveLength(1)
  expect(s.context.attempt).toBe(1)
})
