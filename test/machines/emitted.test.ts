import { expect, test } from 'vitest'

import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import {
  banned,
  closed,
  hours,
  InvalidCredentialsError,
  minutes,
  readyScene,
  machineScene,
  seconds,
  settle,
  type Scene,
} from '../support/machine-scene.ts'

const types = (s: Scene) => s.told.map(({ type }) => type)

test('emits the events of a whole outage in order: lost, ten attempts, failed, two cycles, a new token, back', async () => {
  let up = true
  const s = machineScene({
    input: { canRefresh: true, recovery: { refreshTokenEvery: 2 } },
    refresh: (request) => request.resolve(hours(10)),
    transport: (connection) => (up ? connection.open(true) : connection.fail({ kind: 'keepalive' })),
    sync: (round) => round.settle({ wanted: 3, held: 2, refused: 1 }),
  })
  s.send('CONNECT')
  await settle()
  s.clock.tick(hours(1))
  up = false
  s.transport.current.fail(closed)
  s.clock.tick(seconds(487) + 1)
  s.clock.tick(minutes(1))
  up = true
  s.clock.tick(minutes(2))
  await settle()

  const lost = hours(1)
  const over = lost + seconds(487)
  const attempts = [1, 2, 4, 8, 16, 32, 64, 120, 120, 120].map(seconds)
  const expiresAt = expect.any(Number)
  const keepalive = { kind: 'keepalive' }
  const expected: (ConnectionEmitted & { at: number })[] = [
    { at: 0, type: 'tokenRefreshed', reason: 'initial', expiresAt },
    { at: 0, type: 'restored', restored: 2, refused: 1 },
    { at: 0, type: 'connected', sessionPresent: true, restored: 2, refused: 1 },
    { at: lost, type: 'connectionInterrupted', failure: closed },
    ...attempts.map((delay, index) => ({
      at: lost + attempts.slice(0, index).reduce((sum, each) => sum + each, 0),
      type: 'reconnectScheduled' as const,
      attempt: index + 1,
      delay,
      failure: index === 0 ? closed : (keepalive as { kind: 'keepalive' }),
    })),
    { at: over, type: 'reconnectionFailed', attempts: 10, failure: { kind: 'keepalive' } },
    { at: over + 1, type: 'recoveryStarted', cycle: 1, delay: minutes(1), failure: { kind: 'keepalive' } },
    { at: over + 1 + minutes(1), type: 'recoveryStarted', cycle: 2, delay: minutes(2), failure: { kind: 'keepalive' } },
    { at: over + 1 + minutes(3), type: 'tokenRefreshed', reason: 'cycle', expiresAt },
    { at: over + 1 + minutes(3), type: 'restored', restored: 2, refused: 1 },
    { at: over + 1 + minutes(3), type: 'connected', sessionPresent: true, restored: 2, refused: 1 },
    {
      at: over + 1 + minutes(3),
      type: 'connectionResumed',
      sessionPresent: true,
      downtime: seconds(487) + 1 + minutes(3),
    },
    { at: over + 1 + minutes(3), type: 'recovered', cycle: 2 },
  ]
  expect(s.told).toEqual(expected)
})

test('emits gaveUp exactly once, after the last cycle', () => {
  const s = machineScene({ transport: (connection) => connection.fail() })
  s.send('CONNECT')
  s.clock.tick(hours(24))
  expect(s.heard('gaveUp')).toMatchObject([{ attempts: 10, cycles: 10, failure: closed }])
  expect(s.heard('reconnectionFailed')).toMatchObject([{ attempts: 10, failure: closed }])
  expect(types(s).at(-1)).toBe('gaveUp')
  s.send('WAKE')
  s.send('CONNECT')
  s.clock.tick(hours(24))
  expect(s.heard('gaveUp')).toHaveLength(1)
})

test.each<[string, Parameters<typeof machineScene>[0], ConnectionEmitted['type'][]]>([
  ['fatal', { transport: (c) => c.fail(banned) }, ['gaveUp']],
  [
    'no attempts, no recovery',
    { input: { reconnect: { enabled: false }, recovery: { enabled: false } }, transport: (c) => c.fail() },
    ['reconnectionFailed', 'gaveUp'],
  ],
  [
    'no attempts, but recovery',
    { input: { reconnect: { enabled: false } }, transport: (c) => c.fail() },
    ['reconnectionFailed', 'recoveryStarted'],
  ],
])('emits when it fails: %s', (_, options, expected) => {
  const s = machineScene(options)
  s.send('CONNECT')
  s.clock.tick(1)
  expect(types(s)).toEqual(expected)
})

test('emits connectionInterrupted exactly once for a lost connection, however many failures are reported', async () => {
  const s = await readyScene()
  s.transport.current.fail(closed)
  s.transport.current.fail({ kind: 'keepalive' })
  s.tell({ type: 'transport.failed', failure: closed })
  s.tell({ type: 'subscriptions.unanswered' })
  expect(s.heard('connectionInterrupted')).toEqual([{ at: 0, type: 'connectionInterrupted', failure: closed }])
})

test('emits no connectionInterrupted for a failed attempt', () => {
  const s = machineScene({ transport: (connection) => connection.fail() })
  s.send('CONNECT')
  s.clock.tick(hours(24))
  expect(s.heard('connectionInterrupted')).toEqual([])
  expect(s.heard('connectionResumed')).toEqual([])
})

test('counts the downtime from the loss to readiness, even while connections flap', async () => {
  let rounds = 0
  const s = await readyScene({ sync: (round) => ++rounds !== 2 && round.settle() })
  s.clock.tick(minutes(1))
  s.transport.current.fail()
  s.clock.tick(seconds(1))
  s.transport.current.open()
  expect(s.state, 'open, but not ready').toBe('connected.restoring')
  s.transport.current.fail()
  s.clock.tick(seconds(2))
  s.transport.current.open()
  expect(s.heard('connectionInterrupted')).toHaveLength(2)
  expect(s.heard('connectionResumed')).toMatchObject([{ downtime: seconds(3) }])
})

test('never emits a negative downtime, even if the clock is set back', async () => {
  let skew = 0
  const s = await readyScene({ input: { now: () => Date.UTC(2024, 0, 1) - skew } })
  s.transport.current.fail()
  skew = hours(1)
  s.clock.tick(seconds(1))
  s.transport.current.open()
  expect(s.heard('connectionResumed')).toMatchObject([{ downtime: 0 }])
})

test('emits no connectionResumed after a disconnect', async () => {
  const s = await readyScene()
  s.transport.current.fail()
  s.send('DISCONNECT')
  s.clock.tick(hours(8))
  s.send('CONNECT')
  s.transport.current.open()
  expect(types(s)).toEqual([
    'restored',
    'connected',
    'connectionInterrupted',
    'reconnectScheduled',
    'restored',
    'connected',
  ])
})

test('emits no connectionInterrupted for a disconnect, and nothing afterwards', async () => {
  const s = await readyScene()
  s.send('DISCONNECT')
  s.transport.current.fail()
  s.clock.tick(hours(24))
  expect(types(s)).toEqual(['restored', 'connected'])
})

test('emits recovered for a cycle that a WAKE started early too', () => {
  let up = false
  const s = machineScene({ transport: (connection) => (up ? connection.open() : connection.fail()) })
  s.send('CONNECT')
  s.clock.tick(seconds(490))
  up = true
  s.send('WAKE')
  expect(s.heard('recovered')).toMatchObject([{ cycle: 1 }])
})

test('emits a failed refresh with its reason, without the error’s message', async () => {
  const s = machineScene({ input: { canRefresh: true } })
  s.send('CONNECT')
  s.tokens[0]!.reject(new TypeError('token=secret'))
  await settle()
  s.clock.tick(seconds(1))
  s.tokens[1]!.reject(new InvalidCredentialsError())
  await settle()
  expect(s.told).toEqual([
    { at: 0, type: 'tokenRefreshFailed', reason: 'initial', failure: { kind: 'refresh', name: 'TypeError' } },
    {
      at: 0,
      type: 'reconnectScheduled',
      attempt: 1,
      delay: seconds(1),
      failure: { kind: 'refresh', name: 'TypeError' },
    },
    { at: seconds(1), type: 'tokenRefreshFailed', reason: 'initial', failure: { kind: 'credentials' } },
    { at: seconds(1), type: 'gaveUp', failure: { kind: 'credentials' }, attempts: 1, cycles: 0 },
  ])
})

test('emits plain data', async () => {
  const s = await readyScene()
  s.transport.current.fail()
  for (const event of s.told) expect(structuredClone(event)).toEqual(JSON.parse(JSON.stringify(event)))
})

test.each<[string, boolean, ConnectionEmitted['type'][]]>([
  ['succeeds', true, []],
  ['fails', false, ['connectionInterrupted', 'connectionResumed']],
])('emits connectionInterrupted for a planned replacement only if it fails: it %s', async (...[, works, told]) => {
  let up = true
  const s = await readyScene({ transport: (connection) => (up ? connection.open() : connection.fail()) })
  up = works
  s.send('RECOVER')
  s.clock.tick(minutes(1))
  up = true
  s.clock.tick(hours(1))
  await settle()
  const interruption = new Set<ConnectionEmitted['type']>(['connectionInterrupted', 'connectionResumed'])
  expect(types(s).filter((type) => interruption.has(type))).toEqual(told)
  expect(s.state).toBe('connected.ready')
})
