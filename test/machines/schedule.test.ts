import { describe, expect, test } from 'vitest'

import type { ConnectionInput } from '../../machines/config.ts'
import { MAX_DELAY, recoveryStrategies } from '../../machines/index.ts'
import type { FakeConnection } from '../../testing/fake-transport.ts'
import {
  banned,
  busy,
  closed,
  hours,
  minutes,
  machineScene,
  seconds,
  type SceneOptions,
} from '../support/machine-scene.ts'

const plain: ConnectionInput = { reconnect: { jitter: 'none' }, recovery: { jitter: 'none' } }
const onlyFast: ConnectionInput = { ...plain, recovery: { enabled: false } }

const fast = [1, 2, 4, 8, 16, 32, 64, 120, 120, 120].map(seconds)
const slow = [60, 120, 240, 300, 300, 300, 300, 300, 300, 300].map(seconds)

const fails = (connection: FakeConnection) => connection.fail()

/** A scene that records the time at which each connection is opened. */
function timed(input: ConnectionInput, script?: SceneOptions['transport'], sync?: SceneOptions['sync']) {
  const openings: number[] = []
  const s = machineScene({
    input,
    ...(sync && { sync }),
    transport: (connection) => {
      openings.push(s?.time ?? 0)
      script?.(connection)
    },
  })
  return Object.assign(s, { openings, gaps: () => gaps(openings) })
}

const gaps = (times: number[]) => times.slice(1).map((time, index) => time - times[index]!)

/** A connection that is ready from the start, and a function that stops the server. */
function onOff(input: ConnectionInput) {
  const server = { up: true }
  const s = timed(input, (connection) => (server.up ? connection.open() : connection.fail()))
  s.send('CONNECT')
  expect(s.state).toBe('connected.ready')
  const stop = () => {
    server.up = false
    s.transport.current.fail()
  }
  return { s, server, stop }
}

describe('the fast tier', () => {
  test('makes ten attempts, each exactly after its delay', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    for (const [index, delay] of fast.entries()) {
      expect(s.state).toBe('reconnecting')
      expect(s.context).toMatchObject({ attempt: index + 1, delay, retryAt: s.clock.now() + delay })
      s.clock.tick(delay - 1)
      expect(s.openings, 'not a millisecond early').toHaveLength(index + 1)
      s.clock.tick(1)
      expect(s.openings, 'not a millisecond late').toHaveLength(index + 2)
    }
    expect(s.state).toBe('failed')
    expect(s.gaps()).toEqual(fast)
    expect(s.time).toBe(seconds(487))
  })

  test.each([
    ['9th', 9, 'reconnecting'],
    ['10th', 10, 'failed'],
  ])('enters the right state after the %s attempt', (_, attempt, state) => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    for (let n = 1; n <= attempt; n++) s.clock.next()
    expect(s.state).toBe(state)
    expect(s.context.attempt).toBe(Math.min(10, attempt + 1))
    expect(s.openings).toHaveLength(attempt + 1)
  })

  test('never makes an 11th attempt', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.openings).toHaveLength(11)
    expect(s.context.attempt).toBe(10)
    expect(s.clock.pending).toBe(0)
  })

  test('behaves the same after an open connection is lost', () => {
    const { s, stop } = onOff(onlyFast)
    s.clock.tick(hours(1))
    stop()
    s.clock.tick(hours(1))
    expect(s.gaps()).toEqual([hours(1) + seconds(1), ...fast.slice(1)])
  })

  test('adds the connect timeout to attempts that time out', () => {
    const s = timed(onlyFast)
    s.send('CONNECT')
    s.clock.tick(hours(1))
    expect(s.gaps()).toEqual(fast.map((delay) => delay + seconds(30)))
    expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'connect' })
  })

  test.each([
    [0, 1],
    [1, 2],
    [3, 4],
  ])('maxAttempts %d: opens %d connections in total', (maxAttempts, connections) => {
    const s = timed({ ...onlyFast, reconnect: { maxAttempts } }, fails)
    s.send('CONNECT')
    s.clock.tick(hours(1))
    expect(s.openings).toHaveLength(connections)
    expect(s.state).toBe('failed')
  })

  test('fails at once if it is disabled', () => {
    const s = timed({ ...onlyFast, reconnect: { enabled: false } }, fails)
    s.send('CONNECT')
    expect(s.state).toBe('failed')
    s.clock.tick(hours(24))
    expect(s.openings).toHaveLength(1)
  })

  test('continues for ever at the maximum delay without a limit', () => {
    const s = timed({ ...plain, reconnect: { maxAttempts: Number.POSITIVE_INFINITY, jitter: 'none' } }, fails)
    s.send('CONNECT')
    s.clock.tick(seconds(487) + 1_000 * seconds(120))
    expect(s.state).toBe('reconnecting')
    expect(s.context.attempt).toBe(1_011)
    expect(new Set(s.gaps().slice(10))).toEqual(new Set([seconds(120)]))
    expect(s.heard('reconnectionFailed')).toEqual([])
  })

  test.each(['equal', 'full', 'decorrelated'] as const)('fires at retryAt with jitter %s', (jitter) => {
    let chance = 0.1
    const random = () => (chance = (chance * 7.3) % 1)
    const s = timed({ ...onlyFast, reconnect: { jitter }, random }, fails)
    s.send('CONNECT')
    while (s.state === 'reconnecting') {
      const { retryAt } = s.context
      const before = s.openings.length
      expect(s.heard('reconnectScheduled').at(-1)?.delay).toBe(retryAt! - s.clock.now())
      s.clock.next()
      expect(s.openings).toHaveLength(before + 1)
      expect(s.clock.now()).toBe(retryAt)
    }
    expect(s.openings).toHaveLength(11)
  })
})

describe('the slow tier', () => {
  const onlySlow: ConnectionInput = { ...plain, reconnect: { enabled: false } }

  test('makes ten cycles, each exactly after its delay', () => {
    const s = timed(onlySlow, fails)
    s.send('CONNECT')
    s.clock.tick(0)
    for (const [index, delay] of slow.entries()) {
      expect(s.state).toBe('recovering')
      expect(s.context).toMatchObject({ cycle: index + 1, delay, retryAt: s.clock.now() + delay })
      s.clock.tick(delay - 1)
      expect(s.openings, 'not a millisecond early').toHaveLength(index + 1)
      s.clock.tick(1)
      expect(s.openings, 'not a millisecond late').toHaveLength(index + 2)
    }
    expect(s.state).toBe('failed')
    expect(s.gaps()).toEqual(slow)
  })

  test.each([
    ['9th', 9, 'recovering'],
    ['10th', 10, 'failed'],
  ])('enters the right state after the %s cycle', (_, cycle, state) => {
    const s = timed(onlySlow, fails)
    s.send('CONNECT')
    s.clock.tick(0)
    for (let n = 1; n <= cycle; n++) s.clock.next()
    expect(s.state).toBe(state)
    expect(s.context.cycle).toBe(Math.min(10, cycle + 1))
  })

  test('never makes an 11th cycle', () => {
    const s = timed(onlySlow, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.openings).toHaveLength(11)
    expect(s.context).toMatchObject({ cycle: 10, counters: { cycles: 10 } })
    expect(s.heard('recoveryStarted').map(({ cycle }) => cycle)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(s.clock.pending).toBe(0)
  })

  test('follows the fast one with 1 + 10 + 10 connections in total', () => {
    const s = timed(plain, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24))
    // `failed` lasts for one timer: as in Node, a timer of 0 ms takes 1 ms.
    expect(s.gaps()).toEqual([...fast, slow[0]! + 1, ...slow.slice(1)])
    expect(s.state).toBe('failed')
  })

  test('never starts if it is disabled', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24 * 30))
    expect(s.state).toBe('failed')
    expect(s.path).not.toContain('recovering')
  })

  test.each([
    ['simpleRetry', 0],
    ['recreateClient', 1],
    ['refreshAndRecreate', 1],
  ] as const)('%s: every minute, for ever', (name, recreated) => {
    const s = timed({ ...onlySlow, recovery: recoveryStrategies[name] }, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.openings.length).toBe(1 + 24 * 60)
    expect(s.context.generation).toBe(1 + recreated * (s.openings.length - 1))
    expect(s.state).toBe('recovering')
  })

  test('recreates the client in each cycle, unlike the fast tier', () => {
    const s = timed({ ...plain, reconnect: { maxAttempts: 2 } }, fails)
    s.send('CONNECT')
    s.clock.tick(hours(24))
    const generations = s.transport.connections.map(({ input }) => input.generation)
    expect(generations).toEqual([1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })
})

describe('a day', () => {
  test('of outage ends with a connection when the server returns', () => {
    const forever = { ...recoveryStrategies.exponentialRecovery, maxAttempts: Number.POSITIVE_INFINITY }
    const { s, server, stop } = onOff({ recovery: forever })
    s.clock.tick(minutes(10))
    stop()
    s.clock.tick(hours(24))
    expect(s.state).toBe('recovering')
    expect(s.context.cycle).toBeGreaterThan(280)
    server.up = true
    s.clock.tick(minutes(5))
    expect(s.state).toBe('connected.ready')
    expect(s.heard('connectionResumed')).toHaveLength(1)
    s.clock.tick(seconds(30))
    expect(s.context).toMatchObject({ attempt: 0, cycle: 0, delay: 0, retryAt: null })
  })

  test('of an outage that outlasts both tiers ends with gaveUp, and RETRY starts again', () => {
    const { s, server, stop } = onOff(plain)
    stop()
    s.clock.tick(hours(24))
    expect(s.state).toBe('failed')
    expect(s.heard('gaveUp')).toHaveLength(1)
    server.up = true
    s.send('RETRY')
    expect(s.state).toBe('connected.ready')
    expect(s.context).toMatchObject({ attempt: 0, cycle: 0 })
  })
})

describe('success is proven by time', () => {
  test('a flapping connection does not reset the counters', () => {
    const s = timed(onlyFast, (connection) => connection.open())
    s.send('CONNECT')
    for (let n = 0; n < 10; n++) {
      s.clock.tick(seconds(30) - 1)
      s.transport.current.fail()
      s.clock.tick(fast[n]!)
      expect(s.state, `connection ${n + 2}`).toBe('connected.ready')
      expect(s.context.attempt).toBe(n + 1)
    }
    s.transport.current.fail()
    expect(s.state).toBe('failed')
    expect(s.heard('reconnectionFailed')).toMatchObject([{ attempts: 10 }])
  })

  test('a lasting connection resets the counters', () => {
    const s = timed(onlyFast, (connection) => connection.open())
    s.send('CONNECT')
    for (let n = 0; n < 100; n++) {
      s.clock.tick(seconds(30))
      s.transport.current.fail()
      expect(s.context).toMatchObject({ attempt: 1, delay: seconds(1) })
      s.clock.tick(seconds(1))
    }
    expect(s.state).toBe('connected.ready')
  })

  test('the time counts from the CONNACK, and includes the restore', () => {
    const s = machineScene({ input: plain, sync: () => {} })
    s.send('CONNECT')
    s.transport.current.fail()
    s.clock.tick(seconds(1))
    s.transport.current.open()
    s.clock.tick(seconds(20))
    s.rounds.at(-1)!.settle()
    s.clock.tick(seconds(10) - 1)
    expect(s.context.attempt).toBe(1)
    s.clock.tick(1)
    expect(s.context.attempt).toBe(0)
  })

  test('a flapping connection in a recovery is followed by the next cycle', () => {
    const up = { open: false }
    const s = timed({ ...plain, reconnect: { enabled: false } }, (connection) =>
      up.open ? connection.open() : connection.fail(),
    )
    s.send('CONNECT')
    s.clock.tick(0)
    up.open = true
    for (const [index, delay] of slow.entries()) {
      s.clock.tick(delay)
      expect(s.state, `cycle ${index + 1}`).toBe('connected.ready')
      s.clock.tick(seconds(29))
      s.transport.current.fail()
    }
    expect(s.state).toBe('failed')
    expect(s.heard('gaveUp')).toMatchObject([{ cycles: 10 }])
  })

  test('a stable connection after a recovery is followed by the fast tier again', () => {
    const { s, server, stop } = onOff(plain)
    stop()
    s.clock.tick(seconds(500))
    expect(s.state).toBe('recovering')
    server.up = true
    s.clock.tick(seconds(60))
    s.clock.tick(seconds(30))
    stop()
    expect(s.state).toBe('reconnecting')
    expect(s.context).toMatchObject({ attempt: 1, cycle: 0, delay: seconds(1) })
  })
})

describe('a Retry-After', () => {
  const asks = (retryAfter: number) => ({ kind: 'websocket', status: 503, message: '', retryAfter }) as const

  test.each([
    ['is the least delay', 1, 0, seconds(20), seconds(20)],
    ['gets jitter', 1, 1, seconds(20), seconds(30)],
    ['does not shorten the backoff', 1, 1, 200, seconds(1)],
    ['is bounded by the longest delay of recovery', 1, 0, hours(24), seconds(300)],
    ['is bounded like that with jitter', 1, 1, hours(24), seconds(450)],
  ])('%s', (_, _attempt, chance, retryAfter, delay) => {
    const s = timed({ reconnect: { jitter: 'equal' }, random: () => chance }, (c) => c.fail(asks(retryAfter)))
    s.send('CONNECT')
    expect(s.context.delay).toBe(delay)
    expect(s.heard('reconnectScheduled')).toMatchObject([{ attempt: 1, delay }])
  })

  test('is followed in recovery, too, and forgotten after another failure', () => {
    const failures = [asks(seconds(200)), { kind: 'closed' }] as const
    let n = 0
    const s = timed({ ...plain, reconnect: { enabled: false } }, (c) => c.fail(failures[n++ % 2]))
    s.send('CONNECT')
    s.clock.next()
    expect(s.context).toMatchObject({ cycle: 1, delay: seconds(200) })
    s.clock.next()
    expect(s.context).toMatchObject({ cycle: 2, delay: seconds(120) })
  })
})

describe('a certificate that is not accepted', () => {
  const expired = { kind: 'tls', code: 'CERT_HAS_EXPIRED', message: '' } as const

  test('is tried at the pace of a busy server, also without a limit of attempts', () => {
    const s = timed({ reconnect: { jitter: 'none', maxAttempts: Infinity } }, (c) => c.fail(expired))
    s.send('CONNECT')
    for (let n = 0; n < 20; n++) s.clock.next()
    expect(new Set(s.gaps())).toEqual(new Set([seconds(120)]))
  })

  test.each([
    ['a TLS failure', { kind: 'tls', code: 'EPROTO', message: '' } as const, [1, 2, 3, 4]],
    ['an expired certificate', expired, [1, 2, 3, 4]],
    ['another failure', { kind: 'closed', beforeConnack: true } as const, [1, 1, 1, 1]],
  ])('after %s the options are evaluated anew in the fast tier', (_, failure, generations) => {
    const s = timed({ ...onlyFast, recovery: { recreateClient: false } }, (c) => c.fail(failure))
    s.send('CONNECT')
    for (let n = 0; n < 3; n++) s.clock.next()
    expect(s.transport.connections.map((each) => each.input.generation)).toEqual(generations)
  })
})

describe('a busy server', () => {
  test.each([
    ['none', 0, seconds(120)],
    ['equal', 0, seconds(120)],
    ['full', 0, seconds(120)],
    ['decorrelated', 0, seconds(120)],
    ['equal', 1, seconds(180)],
  ] as const)('is left alone for the maximal delay at least: jitter %s, chance %d', (jitter, chance, delay) => {
    const s = timed({ reconnect: { jitter }, random: () => chance }, (connection) => connection.fail(busy))
    s.send('CONNECT')
    expect(s.context).toMatchObject({ attempt: 1, delay, retryAt: s.clock.now() + delay })
    s.clock.tick(delay - 1)
    expect(s.openings).toHaveLength(1)
    s.clock.tick(1)
    expect(s.openings).toHaveLength(2)
  })

  test('is left alone for the maxDelay of the slow tier in a recovery', () => {
    const s = timed({ ...plain, reconnect: { enabled: false } }, (connection) => connection.fail(busy))
    s.send('CONNECT')
    s.clock.tick(0)
    expect(s.context).toMatchObject({ cycle: 1, delay: seconds(300) })
  })

  test('is left alone after a planned renewal too', () => {
    const s = machineScene({ input: { ...plain, canRefresh: true } })
    s.send('CONNECT')
    s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: null } })
    s.transport.current.open()
    s.send('RECOVER')
    expect(s.state).toBe('refreshingToken.online')
    s.transport.current.fail({ kind: 'disconnected', reasonCode: 0x89 })
    expect(s.state).toBe('reconnecting')
    expect(s.context.delay).toBe(seconds(120))
  })

  test('counts as one of ten attempts', () => {
    const s = timed(onlyFast, (connection) => connection.fail(busy))
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.gaps()).toEqual(fast.map(() => seconds(120)))
  })
})

describe('WAKE', () => {
  test('starts the attempt early without counting it', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    s.clock.tick(seconds(3))
    expect(s.context).toMatchObject({ attempt: 3, delay: seconds(4) })
    s.send('WAKE')
    expect(s.openings).toHaveLength(4)
    expect(s.context).toMatchObject({ attempt: 3, delay: seconds(4), retryAt: s.clock.now() + seconds(4) })
  })

  test('leaves ten attempts, however often it is sent', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    for (let n = 0; n < 50; n++) s.send('WAKE')
    expect(s.context.attempt).toBe(1)
    s.clock.tick(hours(24))
    expect(s.openings).toHaveLength(1 + 50 + 10)
  })

  test('starts the last attempt early too', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    s.clock.tick(seconds(487) - 1)
    expect(s.context.attempt).toBe(10)
    s.send('WAKE')
    expect(s.state).toBe('reconnecting')
    expect(s.context.attempt).toBe(10)
    s.clock.tick(seconds(120))
    expect(s.state).toBe('failed')
  })

  test.each([1, 2, 10])('repeats recovery cycle %d', (cycle) => {
    const s = timed(plain, fails)
    s.send('CONNECT')
    while (s.context.cycle < cycle) s.clock.next()
    expect(s.state).toBe('recovering')
    s.send('WAKE')
    expect(s.state).toBe('recovering')
    expect(s.context).toMatchObject({ cycle, delay: slow[cycle - 1] })
    s.clock.tick(hours(24))
    expect(s.openings).toHaveLength(1 + 10 + 10 + 1)
    expect(s.heard('reconnectionFailed'), 'told once').toHaveLength(1)
  })

  test('changes nothing while connecting', () => {
    const s = timed(plain)
    s.send('CONNECT')
    s.send('WAKE')
    expect(s.openings).toHaveLength(1)
    expect(s.transport.current.commands).toEqual([])
  })

  test('probes while connected', () => {
    const s = timed(plain, (connection) => connection.open())
    s.send('CONNECT')
    s.send('WAKE')
    expect(s.transport.current.commands).toEqual([{ type: 'PROBE' }])
    expect(s.state).toBe('connected.ready')
    s.transport.current.fail({ kind: 'timeout', phase: 'probe' })
    expect(s.state).toBe('reconnecting')
  })
})

describe('DROP', () => {
  const timeouts = { refreshTimeout: seconds(1) }

  test.each<[string, ConnectionInput, (s: ReturnType<typeof timed>) => void, string]>([
    ['connected.restoring', plain, (s) => s.transport.current.open(), 'reconnecting'],
    ['connected.ready', plain, (s) => s.transport.current.open(), 'reconnecting'],
    ['refreshingToken.online', { ...plain, canRefresh: true, timeouts }, renewing, 'refreshingToken.offline'],
  ])('cuts the connection in %s, and the failure decides the next state', (state, input, arrange, target) => {
    const s = timed(input, undefined, state === 'connected.restoring' ? () => {} : undefined)
    s.send('CONNECT')
    arrange(s)
    expect(s.state).toBe(state)
    s.send('DROP')
    expect(s.transport.current.commands.at(-1)).toEqual({ type: 'DROP' })
    expect(s.state).toBe(target)
    expect(s.context.failure).toEqual({ kind: 'socket', code: 'ECONNABORTED', message: 'dropped on request' })
    expect(s.context.counters.interruptions).toBe(1)
    expect(s.transport.running).toBe(0)
  })

  test.each<[string, (s: ReturnType<typeof timed>) => void]>([
    ['idle', () => {}],
    ['connecting', (s) => s.send('CONNECT')],
    ['reconnecting', (s) => (s.send('CONNECT'), s.transport.current.fail())],
    ['failed', (s) => (s.send('CONNECT'), s.transport.current.fail(banned), s.clock.tick(0))],
    ['disconnected', (s) => (s.send('CONNECT'), s.transport.current.open(), s.send('DISCONNECT'))],
  ])('does nothing in %s', (state, arrange) => {
    const s = timed(plain)
    arrange(s)
    const { context } = s
    expect(s.actor.getSnapshot().can({ type: 'DROP' })).toBe(false)
    s.send('DROP')
    expect(s.state).toBe(state)
    expect(s.context).toBe(context)
    expect(s.transport.connections.flatMap(({ commands }) => commands)).not.toContainEqual({ type: 'DROP' })
  })

  /** A connection whose credentials are being renewed. */
  function renewing(s: ReturnType<typeof timed>) {
    s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: null } })
    s.transport.current.open()
    s.send('RECOVER')
  }
})

describe('RETRY', () => {
  test('restarts the fast tier', () => {
    const s = timed(onlyFast, fails)
    s.send('CONNECT')
    s.clock.tick(seconds(40))
    expect(s.context.attempt).toBe(6)
    s.send('RETRY')
    expect(s.context).toMatchObject({ attempt: 1, delay: seconds(1) })
  })

  test('returns from the slow tier to the fast one', () => {
    const s = timed(plain, fails)
    s.send('CONNECT')
    s.clock.tick(hours(0.5))
    expect(s.state).toBe('recovering')
    s.send('RETRY')
    expect(s.state).toBe('reconnecting')
    expect(s.context).toMatchObject({ attempt: 1, cycle: 0 })
  })

  test('changes nothing while connecting or connected', () => {
    const s = timed(plain)
    s.send('CONNECT')
    s.send('RETRY')
    s.transport.current.open()
    s.send('RETRY')
    expect(s.openings).toHaveLength(1)
    expect(s.state).toBe('connected.ready')
  })
})

describe('RECOVER', () => {
  test.each(['connected.ready', 'reconnecting', 'recovering', 'failed'])(
    'opens a new client at once in %s',
    (state) => {
      const { s, server, stop } = onOff(plain)
      if (state !== 'connected.ready') stop()
      while (s.state !== state) s.clock.next()
      server.up = true
      const { generation } = s.context
      s.send('RECOVER')
      expect(s.state).toBe('connected.ready')
      expect(s.context).toMatchObject({ generation: generation + 1, attempt: 0, cycle: 0, retryAt: null })
      expect(s.transport.running).toBe(1)
    },
  )
})

describe('a resting machine', () => {
  test.each<[string, (s: ReturnType<typeof timed>) => void]>([
    ['idle', () => {}],
    ['failed', (s) => (s.send('CONNECT'), s.transport.current.fail(banned), s.clock.tick(0))],
    ['disconnected', (s) => (s.send('CONNECT'), s.transport.current.open(), s.send('DISCONNECT'))],
    ['disconnected', (s) => (s.send('CONNECT'), s.transport.current.fail(), s.send('DISCONNECT'))],
    ['disconnected', (s) => (s.send('CONNECT'), s.send('DISCONNECT'))],
  ])('has no timer in %s', (state, arrange) => {
    const s = timed(plain)
    arrange(s)
    expect(s.state).toBe(state)
    expect(s.clock.pending).toBe(0)
    expect(s.transport.running).toBe(0)
    expect(s.context.retryAt).toBe(null)
  })

  test('has no timer after its actor is stopped', () => {
    const s = timed(plain, (connection) => connection.open())
    s.send('CONNECT')
    s.send({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null } })
    expect(s.clock.pending).toBeGreaterThan(0)
    s.actor.stop()
    expect(s.clock.pending).toBe(0)
    expect(s.transport.running).toBe(0)
  })
})

describe('delays that timers cannot represent', () => {
  test.each([Number.POSITIVE_INFINITY, Number.NaN, 2 ** 31, 1e300])(
    'a timeout of %d becomes the longest one',
    (timeout) => {
      const timeouts = { connectTimeout: timeout, stableAfter: timeout, disconnectTimeout: timeout }
      const s = timed({ ...plain, timeouts })
      s.send('CONNECT')
      s.clock.tick(MAX_DELAY - 1)
      expect(s.state).toBe('connecting')
      s.clock.tick(1)
      expect(s.state).toBe('reconnecting')
      expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'connect' })
    },
  )

  test('a connection of several months is not disturbed', () => {
    const s = timed(plain, (connection) => connection.open())
    s.send('CONNECT')
    s.clock.tick(MAX_DELAY)
    s.clock.tick(MAX_DELAY)
    s.clock.tick(MAX_DELAY)
    expect(s.path).toEqual(['idle', 'connecting', 'connected.restoring', 'connected.ready'])
    expect(s.openings).toHaveLength(1)
    expect(s.told.map(({ type }) => type)).toEqual(['restored', 'connected'])
  })
})

test('an unknown failure is transient', () => {
  const s = timed(plain, (connection) => connection.fail({ kind: 'martian' } as never))
  s.send('CONNECT')
  expect(s.state).toBe('reconnecting')
  s.transport.current.fail(closed)
  expect(s.state).toBe('reconnecting')
})
