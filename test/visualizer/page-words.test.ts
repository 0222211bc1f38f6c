import { describe, expect, test } from 'vitest'

import { bytes, countdown, duration, percent, shown } from '../../visualizer/page/src/model/format.ts'
import { familyOf, stateOf } from '../../visualizer/page/src/model/state.ts'
import type { Actor } from '../../visualizer/page/src/model/types.ts'
import { outagesOf, uptimeOf } from '../../visualizer/page/src/model/uptime.ts'
import { failureWords, summaryOf } from '../../visualizer/page/src/model/words.ts'

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

describe('what an operator reads', () => {
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
      'Failed — it gave up. Nothing happens until somebody asks for it: Retry or Recover. Cause: connection refused: bad user name or password. No connection yet, 5 s after the start.',
    ],
    [
      words({ connected: 'ready' }, { failure, openedAt: NOW - 7_200_000 }, ['online']),
      'Connected Messages flow. Connected for 2 h.',
    ],
    [words('idle', {}), 'Idle Nobody has asked it to connect yet.'],
    [
      words('recovering', { retryAt: 'soon', cycle: {}, failure: 7 }),
      'Recovering — cycle 0 of 10. No connection yet, 5 s after the start.',
    ],
  ])('%s', (said, expected) => {
    expect(said).toBe(expected)
  })

  test.each<[failure: unknown, words: string]>([
    [failure, 'connect ECONNREFUSED 10.0.0.1:8883'],
    [{ kind: 'timeout', phase: 'connect' }, 'no CONNACK in time'],
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

test('states and their colours', () => {
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
    'another connection with new credentials',
    [
      ['refreshingToken.online', 'online'],
      ['connecting', 'busy'],
      ['connected.ready', 'online'],
    ],
    [],
  ],
  [
    'another connection that does not come',
    [
      ['refreshingToken.online', 'online'],
      ['connecting', 'busy'],
      ['reconnecting', 'waiting'],
      ['connecting', 'busy'],
    ],
    [[1, null]],
  ],
  [
    'credentials that are missing',
    [
      ['connected.ready', 'online'],
      ['refreshingToken.offline', 'busy'],
      ['connected.ready', 'online'],
    ],
    [[1, 2]],
  ],
  [
    'stopped while it was connected',
    [
      ['connected.ready', 'online'],
      ['connected.ready', 'resting'],
    ],
    [],
  ],
  [
    'stopped in an outage',
    [
      ['connected.ready', 'online'],
      ['recovering', 'waiting'],
      ['recovering', 'resting'],
    ],
    [[1, 2]],
  ],
])('%s', (_, states, outages) => {
  const bands = states.map(([state, family], start) => ({ start, state, family, seq: start, attempt: false }))
  const actor = { bands } as unknown as Actor
  expect(outagesOf(actor).map(({ start, end }) => [start, end])).toEqual(outages)
})
