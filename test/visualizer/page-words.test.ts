import { describe, expect, test } from 'vitest'

import * as guards from '../../machines/connection/guards.ts'
import { renewsCredentials } from '../../visualizer/page/src/model/credentials.ts'
import { bytes, countdown, duration, percent, remaining, shown } from '../../visualizer/page/src/model/format.ts'
import type { Actor } from '../../visualizer/page/src/model/types.ts'
import { outagesOf, uptimeOf } from '../../visualizer/page/src/model/uptime.ts'
import { failureWords, plainSummary, silentSummary, summaryOf } from '../../visualizer/page/src/model/words.ts'
import { familyOf, stateOf } from '../../visualizer/shared/family.ts'

const NOW = 1_000_000
const config = {
  canRefresh: true,
  reconnect: { maxAttempts: 10 },
  recovery: { maxAttempts: 10, refreshTokenEvery: 3, recreateClient: true },
}
const failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:8883' }

function words(value: string | Record<string, string>, context: Record<string, unknown>, tags: string[] = []) {
  const snapshot = { status: 'active' as const, value, context: { config, ...context } as never, tags }
  const { title, detail, next, cause, outage } = summaryOf({
    snapshot,
    timers: undefined,
    now: NOW,
    since: NOW,
    bornAt: NOW - 5_000,
  })
  return [detail ? `${title} — ${detail}.` : title, next, cause, outage].filter(Boolean).join(' ')
}

describe('the summary for an operator', () => {
  const outage = { failure, interruptedAt: NOW - 192_000, retryAt: NOW + 43_000, delay: 60_000 }

  test.each<[string, string]>([
    [
      words('recovering', { ...outage, cycle: 2, attempt: 10 }, ['waiting']),
      'Recovering — cycle 2 of 10. Next attempt in 43 s, with a new client. Cause: connect ECONNREFUSED 10.0.0.1:8883. Offline for 3 min 12 s.',
    ],
    [
      words('recovering', { ...outage, cycle: 3 }),
      'Recovering — cycle 3 of 10. Next attempt in 43 s, with new credentials. Cause: connect ECONNREFUSED 10.0.0.1:8883. Offline for 3 min 12 s.',
    ],
    [
      words('recovering', { ...outage, cycle: 2, config: { recovery: { maxAttempts: null } } }),
      'Recovering — cycle 2. Next attempt in 43 s. Cause: connect ECONNREFUSED 10.0.0.1:8883. Offline for 3 min 12 s.',
    ],
    [
      words('reconnecting', { ...outage, attempt: 3, retryAt: NOW }),
      'Reconnecting — attempt 3 of 10. Next attempt now. Cause: connect ECONNREFUSED 10.0.0.1:8883. Offline for 3 min 12 s.',
    ],
    [
      words('failed', { failure: { kind: 'refused', reasonCode: 4, protocolVersion: 4 } }),
      'Failed — it gave up. Nothing happens until you choose Retry or Recover. Cause: connection refused: bad user name or password. No connection yet, 5 s after the start.',
    ],
    [
      words({ connected: 'ready' }, { failure, openedAt: NOW - 7_200_000 }, ['online']),
      'Connected Messages flow. Connected for 2 h.',
    ],
    [words('idle', {}), 'Idle It has not been asked to connect yet.'],
    [
      words('recovering', { retryAt: 'soon', cycle: {}, failure: 7 }),
      'Recovering — cycle 0 of 10. No connection yet, 5 s after the start.',
    ],
  ])('%s', (said, expected) => {
    expect(said).toBe(expected)
  })

  test.each<[failure: unknown, words: string]>([
    [failure, 'connect ECONNREFUSED 10.0.0.1:8883'],
    [
      { kind: 'timeout', phase: 'connect' },
      'not connected in time (with protocolVersion: 5, a broker without MQTT 5 may never answer)',
    ],
    [{ kind: 'of another version' }, 'of another version'],
    [{ kind: 'socket' }, 'socket'],
    [{ kind: 'refused' }, 'refused'],
    [null, ''],
    ['a text', ''],
  ])('%j: %s', (value, expected) => {
    expect(failureWords(value)).toBe(expected)
  })
})

test.each<[said: string, expected: string]>([
  [duration(42_000), '42 s'],
  [duration(192_400), '3 min 12 s'],
  [duration(7_200_000), '2 h'],
  [duration(100 * 3_600_000), '4 d 4 h'],
  [duration(-5), '0 s'],
  [countdown(1), '1 s'],
  [countdown(0), 'now'],
  [percent(0.9999), '99.99 %'],
  [percent(0.99999), '99.99 %'],
  [percent(1), '100 %'],
  [bytes(3_380), '3.4 kB'],
  [shown('a\u202Eb\u0000c'), 'a␣b␣c'],
  [shown('x'.repeat(400), 10), 'xxxxxxxxxx…'],
])('%s', (said, expected) => {
  expect(said).toBe(expected)
})

describe('new credentials before the next attempt', () => {
  const known = { status: 'proven', expiresAt: NOW + 100_000, lifetime: 600_000 }
  const base = { config: { ...config, refreshBefore: 60_000 }, credentials: known, cycle: 1, disposition: 'retry' }

  test.each<[string, state: string, context: Record<string, unknown>, time: number, expected: boolean]>([
    ['are not requested while the current ones are valid', 'recovering', {}, NOW, false],
    [
      'are not requested without a source',
      'recovering',
      { cycle: 3, config: { ...config, canRefresh: false } },
      NOW,
      false,
    ],
    ['are requested in every third cycle', 'recovering', { cycle: 3 }, NOW, true],
    ['are requested if the failure requires them', 'recovering', { disposition: 'refresh' }, NOW, true],
    [
      'are not requested in the fast tier because of the failure or the cycle',
      'reconnecting',
      { disposition: 'refresh', cycle: 3 },
      NOW,
      false,
    ],
    [
      'are requested if the current ones were refused',
      'reconnecting',
      { credentials: { ...known, status: 'refused' } },
      NOW,
      true,
    ],
    ['are requested if they are missing', 'reconnecting', { credentials: { ...known, status: 'missing' } }, NOW, true],
    ['are requested if the current ones expire before the attempt', 'reconnecting', {}, NOW + 50_000, true],
    [
      'are not requested long before the current ones expire',
      'reconnecting',
      { credentials: { ...known, lifetime: 60_000 } },
      NOW + 50_000,
      false,
    ],
    [
      'are not requested if the current ones never expire',
      'reconnecting',
      { credentials: { ...known, expiresAt: null } },
      NOW,
      false,
    ],
  ])('%s', (_, state, change, time, expected) => {
    const context = { ...base, ...change }
    expect(renewsCredentials(context as never, state, time)).toBe(expected)
    const machine = { ...context, config: { ...context.config, now: () => time } } as never
    const inTurn = state === 'recovering' && guards.refreshesInThisCycle(machine)
    expect(inTurn || guards.needsCredentials(machine), 'the same decision as the machine').toBe(expected)
  })

  test('are announced in the summary', () => {
    const wait = { ...base, retryAt: NOW + 43_000, delay: 60_000 }
    expect(words('reconnecting', { ...wait, credentials: { ...known, status: 'refused' } })).toContain(
      'Next attempt in 43 s, with new credentials.',
    )
  })
})

test('a countdown never exceeds its delay', () => {
  expect(remaining({ start: NOW + 100, end: NOW + 30_100 }, NOW)).toBe(30_000)
  expect(words('reconnecting', { retryAt: NOW + 30_900, delay: 30_000 })).toContain('Next attempt in 30 s.')
})

const moment = { now: NOW, since: NOW, bornAt: NOW }

test('of several delays, the summary shows the one that ends first', () => {
  const timer = (event: string, delay: number) => ({ event, delay, startedAt: NOW - 1_000 })
  const timers = [timer('LATE', 60_000), timer('SOON', 4_000), timer('LATER', 90_000)]
  const summary = plainSummary({ ...moment, timers, snapshot: { status: 'active', value: 'a' } }, undefined)
  expect(summary).toMatchObject({ next: 'SOON: 3 s.', timer: { start: NOW - 1_000, end: NOW + 3_000 } })
})

test('the summary of an actor that no longer reports shows only its last state', () => {
  const snapshot = { status: 'active', value: { connected: 'ready' }, tags: ['online'] } as const
  expect(silentSummary(summaryOf({ ...moment, timers: undefined, snapshot }), '22:41:03')).toMatchObject({
    title: 'Not reporting since 22:41:03, last seen: Connected',
    next: 'Its process ended, or cannot reach the visualizer.',
    outage: '',
    timer: null,
  })
})

test('names and colours of states', () => {
  expect(stateOf({ status: 'active', value: { connected: 'ready' } })).toBe('connected.ready')
  expect(stateOf({ status: 'active', value: { p: 'a', q: { b: 'c' } } })).toBe('p.a | q.b.c')
  expect(familyOf({ status: 'active', value: 'failed', tags: ['resting'] })).toBe('failed')
  expect(familyOf({ status: 'active', value: { connected: 'restoring' }, tags: ['busy', 'online'] })).toBe('online')
  expect(familyOf({ status: 'error', value: 'idle' })).toBe('failed')
  expect(familyOf({ status: 'stopped', value: 'failed', tags: ['resting'] })).toBe('resting')
})

test('outages and uptime', () => {
  const bands = [
    { start: 0, state: 'idle', family: 'resting' },
    { start: 10, state: 'connecting', family: 'busy' },
    { start: 20, state: 'connected.ready', family: 'online' },
    { start: 60, state: 'reconnecting', family: 'waiting' },
    { start: 70, state: 'connecting', family: 'busy' },
    { start: 80, state: 'connected.ready', family: 'online' },
    { start: 90, state: 'disconnecting', family: 'busy' },
    { start: 91, state: 'disconnected', family: 'resting' },
    { start: 95, state: 'connecting', family: 'busy' },
    { start: 96, state: 'failed', family: 'failed' },
  ].map((band, seq) => ({ ...band, seq, attempt: false }))
  const actor = { bands } as unknown as Actor
  expect(outagesOf(actor)).toEqual([
    { start: 60, end: 80, seq: 3 },
    { start: 96, end: null, seq: 9 },
  ])
  expect(uptimeOf(actor, 100)).toEqual({ ratio: 0.5, of: 100 })
})

test.each<[string, [state: string, family: string][], [start: number, end: number | null][]]>([
  [
    'a new connection with new credentials',
    [
      ['refreshingToken.online', 'online'],
      ['connecting', 'busy'],
      ['connected.ready', 'online'],
    ],
    [],
  ],
  [
    'a new connection with new credentials that fails',
    [
      ['refreshingToken.online', 'online'],
      ['connecting', 'busy'],
      ['reconnecting', 'waiting'],
      ['connecting', 'busy'],
    ],
    [[1, null]],
  ],
  [
    'missing credentials',
    [
      ['connected.ready', 'online'],
      ['refreshingToken.offline', 'busy'],
      ['connected.ready', 'online'],
    ],
    [[1, 2]],
  ],
  [
    'an actor that is stopped while connected',
    [
      ['connected.ready', 'online'],
      ['connected.ready', 'resting'],
    ],
    [],
  ],
  [
    'an actor that is stopped during an outage',
    [
      ['connected.ready', 'online'],
      ['recovering', 'waiting'],
      ['recovering', 'resting'],
    ],
    [[1, 2]],
  ],
])('the outages of %s', (_, states, outages) => {
  const bands = states.map(([state, family], start) => ({ start, state, family, seq: start, attempt: false }))
  const actor = { bands } as unknown as Actor
  expect(outagesOf(actor).map(({ start, end }) => [start, end])).toEqual(outages)
})
