import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'

import type { ConnectionInput } from '../../machines/config.ts'
import {
  closed,
  hours,
  InvalidCredentialsError,
  kicked,
  minutes,
  notAuthorized,
  readyScene,
  machineScene,
  type Scene,
  seconds,
  settle,
  type SceneOptions,
} from '../support/machine-scene.ts'

const input: ConnectionInput = { canRefresh: true }
const unreachable = new TypeError('fetch failed')

const withTokens = (lifetime: number | null, options: SceneOptions = {}) =>
  readyScene({ ...options, input: { ...input, ...options.input } }, lifetime)

/** Moves the clock to the next timer, and lets promises settle. */
async function next(s: Scene) {
  s.clock.next()
  await settle()
}

/** Moves the clock, and lets promises settle before and after. */
async function wait(s: Scene, ms: number) {
  await settle()
  s.clock.tick(ms)
  await settle()
}

describe('the first connect', () => {
  test('requests credentials, and then connects', async () => {
    const s = machineScene({ input })
    s.send('CONNECT')
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.tokens).toMatchObject([{ reason: 'initial' }])
    expect(s.transport.connections).toHaveLength(0)
    s.tokens[0]!.resolve(hours(1))
    await settle()
    expect(s.state).toBe('connecting')
    expect(s.context.credentials).toEqual({ status: 'fresh', expiresAt: s.clock.now() + hours(1), lifetime: hours(1) })
    expect(s.heard('tokenRefreshed')).toMatchObject([{ reason: 'initial', expiresAt: s.clock.now() + hours(1) }])
  })

  test('happens at once without a source', () => {
    const s = machineScene()
    s.send('CONNECT')
    expect(s.state).toBe('connecting')
    expect(s.tokens).toHaveLength(0)
    expect(s.context.credentials.status).toBe('none')
  })

  test('calls a failed source again after the backoff of the fast tier', async () => {
    const s = machineScene({ input, refresh: (request) => request.reject(unreachable) })
    s.send('CONNECT')
    await settle()
    expect(s.state).toBe('reconnecting')
    expect(s.context).toMatchObject({
      attempt: 1,
      failure: { kind: 'refresh', name: 'TypeError' },
      disposition: 'retry',
    })
    for (let n = 0; n < 10; n++) await next(s)
    expect(s.tokens.map(({ at }) => at / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 247, 367, 487])
    expect(s.state).toBe('failed')
    expect(s.transport.connections, 'no connection without credentials').toHaveLength(0)
  })

  test('uses valid credentials again for a second CONNECT', async () => {
    const s = await withTokens(hours(1))
    s.send('DISCONNECT')
    expect(s.state).toBe('disconnected')
    s.send('CONNECT')
    expect(s.state).toBe('connecting')
    expect(s.tokens).toHaveLength(1)
  })

  test.each([
    ['expired', hours(1)],
    ['about to expire', minutes(55)],
  ])('requests new credentials for a second CONNECT when the present ones are %s', async (_, pause) => {
    const s = await withTokens(hours(1))
    s.send('DISCONNECT')
    s.clock.tick(pause)
    s.send('CONNECT')
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.tokens.at(-1)!.reason).toBe('expiring')
  })
})

describe('credentials that are refused', () => {
  test.each([
    ['CONNACK 0x87', notAuthorized],
    ['CONNACK 5 of MQTT 3.1.1', { kind: 'refused', protocolVersion: 4, reasonCode: 5 } as const],
    ['WebSocket 401', { kind: 'websocket', status: 401, message: '' } as const],
    ['DISCONNECT 0x98', kicked],
  ])('%s: proven credentials are refreshed at once', async (_, failure) => {
    const s = await withTokens(null)
    s.clock.tick(seconds(30))
    expect(s.context.credentials.status).toBe('proven')
    s.transport.current.fail(failure)
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.tokens.at(-1)!.reason).toBe('refused')
    expect(s.transport.running).toBe(0)
    s.tokens.at(-1)!.resolve()
    await settle()
    expect(s.state).toBe('connecting')
    expect(s.context).toMatchObject({ attempt: 0, credentials: { status: 'fresh' } })
  })

  test('fresh credentials back off, and each attempt gets new ones', async () => {
    const s = machineScene({ input, refresh: (request) => request.resolve(), transport: (c) => c.fail(notAuthorized) })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 10; n++) {
      expect(s.state).toBe('reconnecting')
      await next(s)
    }
    expect(s.tokens.map(({ at }) => at / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 247, 367, 487])
    expect(s.tokens.slice(1).every(({ reason }) => reason === 'refused')).toBe(true)
    expect(s.state).toBe('failed')
  })

  test('backs off too if each connection opens and then closes because of them', async () => {
    const s = machineScene({ input, refresh: (request) => request.resolve() })
    s.send('CONNECT')
    const openings: number[] = []
    for (let n = 0; n < 5; n++) {
      await settle()
      openings.push(s.time)
      s.transport.current.open()
      s.transport.current.fail(kicked)
      expect(s.state).toBe('reconnecting')
      await next(s)
    }
    expect(openings).toEqual([0, 1, 3, 7, 15].map(seconds))
  })

  test('requests new credentials again after a network failure during the refresh', async () => {
    const s = await withTokens(null)
    s.clock.tick(seconds(30))
    s.transport.current.fail(kicked)
    s.tokens.at(-1)!.reject(unreachable)
    await settle()
    expect(s.state).toBe('reconnecting')
    await next(s)
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.tokens.at(-1)!.reason).toBe('refused')
  })

  test('the next recovery cycle gets new ones', async () => {
    const s = machineScene({
      input: { ...input, reconnect: { enabled: false } },
      refresh: (request) => request.resolve(),
      transport: (c) => c.fail(notAuthorized),
    })
    s.send('CONNECT')
    await settle()
    s.clock.tick(0)
    expect(s.state).toBe('recovering')
    await next(s)
    expect(s.tokens).toHaveLength(2)
    expect(s.context.cycle).toBe(2)
  })
})

describe('closes before the CONNACK on WebSocket, which may hide a refusal', () => {
  const early = { kind: 'closed', beforeConnack: true, webSocket: true } as const
  const hidden = { kind: 'websocket', beforeConnack: true, message: 'WebSocket error' } as const

  /** The times, in seconds, of the requests of the source. */
  const asked = (s: Scene) => s.tokens.map(({ at, reason }) => `${reason} ${at / 1000}`)

  test.each([early, hidden])('the third in a row refreshes credentials that were proven: %o', async (failure) => {
    let isDown = false
    const s = await withTokens(null, { transport: (c) => void (isDown && c.fail(failure)) })
    s.clock.tick(seconds(30))
    isDown = true
    s.transport.current.fail(closed)
    await next(s)
    await next(s)
    expect(asked(s)).toEqual(['initial 0'])
    await next(s)
    expect(s.state).toBe('refreshingToken.offline')
    expect(asked(s)).toEqual(['initial 0', 'refused 37'])
  })

  test('credentials that never worked are refreshed after a backoff, and after three more closes again', async () => {
    const s = machineScene({ input, refresh: (request) => request.resolve(), transport: (c) => c.fail(early) })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 6; n++) await next(s)
    // Attempts at 0, 1, 3, 7, 15, 31 and 63 s.
    expect(asked(s)).toEqual(['initial 0', 'refused 7', 'refused 63'])
  })

  test('other failures in between, and a CONNACK, begin the count again', async () => {
    const failures = [
      early,
      early,
      { kind: 'timeout', phase: 'connect' } as const,
      early,
      early,
      undefined,
      early,
      early,
    ]
    const s = machineScene({
      input,
      refresh: (request) => request.resolve(),
      transport: (c) => {
        const failure = failures.shift()
        if (failure) c.fail(failure)
        else c.open()
      },
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 5; n++) await next(s)
    expect(s.state).toBe('connected.ready')
    s.transport.current.fail(closed)
    for (let n = 0; n < 2; n++) await next(s)
    expect(failures).toEqual([])
    expect(asked(s)).toEqual(['initial 0'])
  })

  test('if the source fails, the present credentials are used again', async () => {
    const s = machineScene({
      input,
      refresh: (request) => (request.reason === 'initial' ? request.resolve() : request.reject(unreachable)),
      transport: (c) => c.fail(early),
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 3; n++) await next(s)
    expect(asked(s)).toEqual(['initial 0', 'refused 7'])
    expect(s.transport.connections).toHaveLength(3)
    await next(s)
    expect(s.transport.connections).toHaveLength(4)
    expect(s.context).toMatchObject({ credentials: { status: 'fresh' }, closesBeforeConnack: 1 })
  })

  test.each([
    ['refreshAfterCloses: 0', { refreshAfterCloses: 0 }, 0],
    ['refreshAfterCloses: 1', { refreshAfterCloses: 1 }, 6],
    ['no source', { canRefresh: false }, 0],
  ])('%s', async (_, given, requests) => {
    const s = machineScene({
      input: { ...input, ...given },
      refresh: (request) => request.resolve(),
      transport: (c) => c.fail(early),
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 6; n++) await next(s)
    expect(s.tokens.filter(({ reason }) => reason === 'refused')).toHaveLength(requests)
  })
})

describe('the planned renewal', () => {
  test.each([
    ['a tenth of the lifetime before the end', minutes(10), minutes(9)],
    ['a tenth of the lifetime before the end', seconds(100), seconds(90)],
    ['at most five minutes before the end', hours(24), hours(24) - minutes(5)],
    ['at most five minutes before the end', minutes(50), minutes(45)],
  ])('%s: lifetime %d ms, after %d ms', async (_, lifetime, due) => {
    const s = await withTokens(lifetime)
    s.clock.tick(due - 1)
    expect(s.state).toBe('connected.ready')
    s.clock.tick(1)
    expect(s.state).toBe('refreshingToken.online')
    expect(s.tokens.at(-1)!.reason).toBe('expiring')
  })

  test('happens refreshBefore milliseconds before the end', async () => {
    const s = await withTokens(hours(1), { input: { refreshBefore: minutes(1) } })
    s.clock.tick(minutes(59) - 1)
    expect(s.state).toBe('connected.ready')
    s.clock.tick(1)
    expect(s.state).toBe('refreshingToken.online')
  })

  test('never renews a token without an expiry by time', async () => {
    const s = await withTokens(null)
    s.clock.tick(hours(24 * 60))
    expect(s.state).toBe('connected.ready')
    expect(s.tokens).toHaveLength(1)
  })

  test('renews a token with a lifetime of months in time', async () => {
    const s = await withTokens(hours(24 * 60))
    s.clock.tick(hours(24 * 60) - minutes(5) - 1)
    expect(s.tokens).toHaveLength(1)
    s.clock.tick(1)
    expect(s.tokens).toHaveLength(2)
  })

  test('keeps the connection open, and messages continue', async () => {
    const gate: string[] = []
    const s = await withTokens(hours(1), {
      actions: { resumePublishing: () => void gate.push('open'), pausePublishing: () => void gate.push('closed') },
    })
    s.send({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null } })
    s.clock.tick(minutes(55))
    expect(s.state).toBe('refreshingToken.online')
    expect(s.actor.getSnapshot().hasTag('online')).toBe(true)
    expect(s.transport.current.stopped).toBe(false)
    const before = s.requests.length
    s.clock.tick(seconds(20))
    expect(s.requests.length, 'periodic requests continue').toBe(before + 20)
    expect(gate).toEqual(['open'])
    expect(s.heard('connectionInterrupted')).toEqual([])

    s.tokens.at(-1)!.resolve(hours(1))
    await settle()
    expect(gate).toEqual(['open', 'closed'])
    expect(s.transport.connections).toHaveLength(2)
    expect(s.transport.running).toBe(1)
    s.transport.current.open(true)
    expect(s.state).toBe('connected.ready')
    expect(s.context.attempt, 'no failure').toBe(0)
  })

  test('keeps the connection after a failed renewal, and renews again after a backoff', async () => {
    const s = await withTokens(hours(1), {
      refresh: (request) => request.reason === 'expiring' && request.reject(unreachable),
    })
    s.clock.tick(minutes(55))
    await settle()
    expect(s.state).toBe('connected.ready')
    for (let n = 0; n < 5; n++) await next(s)
    const due = s.tokens.slice(1).map(({ at }) => (at - minutes(55)) / 1000)
    expect(due).toEqual([0, 1, 3, 7, 15, 31])
    expect(s.transport.connections).toHaveLength(1)
    expect(s.heard('tokenRefreshFailed')).toHaveLength(6)
    expect(s.heard('connectionInterrupted')).toEqual([])
    expect(s.context.counters).toMatchObject({ failedTokenRefreshes: 6, interruptions: 0 })
  })

  test('increases that backoff although the connection is stable', async () => {
    const s = await withTokens(hours(1), {
      refresh: (request) => request.reason === 'expiring' && request.reject(unreachable),
    })
    s.clock.tick(minutes(55))
    await settle()
    while (s.state !== 'reconnecting') await next(s)
    const times = s.tokens.slice(1).map(({ at }) => (at - minutes(55)) / 1000)
    expect(times, 'the last one after the expiry').toEqual([0, 1, 3, 7, 15, 31, 63, 127, 247, 367])
  })

  test('treats a failed renewal after the expiry like any other failure', async () => {
    const s = await withTokens(minutes(10))
    s.clock.tick(minutes(9))
    while (s.state !== 'reconnecting') {
      expect(s.time).toBeLessThan(minutes(11))
      await next(s)
    }
    expect(s.time).toBeGreaterThanOrEqual(minutes(10))
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
    expect(s.heard('tokenRefreshFailed').length).toBeGreaterThan(0)
    expect(s.transport.running).toBe(0)
    expect(s.context.counters.interruptions).toBe(1)
    expect(s.context.counters.failedTokenRefreshes).toBe(s.heard('tokenRefreshFailed').length)
    await next(s)
    expect(s.state).toBe('refreshingToken.offline')
  })

  test('continues the refresh when the connection is lost, and then reconnects', async () => {
    const s = await withTokens(hours(1))
    s.clock.tick(minutes(55))
    s.transport.current.fail(closed)
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.tokens, 'the same refresh').toHaveLength(2)
    expect(s.tokens.at(-1)!.aborted).toBe(false)
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
    s.tokens.at(-1)!.resolve(hours(1))
    await settle()
    expect(s.state).toBe('connecting')
  })

  test('backs off when the connection is lost and the refresh fails', async () => {
    const s = await withTokens(hours(1))
    s.clock.tick(minutes(55))
    s.transport.current.fail(closed)
    s.tokens.at(-1)!.reject(unreachable)
    await settle()
    expect(s.state).toBe('reconnecting')
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
  })

  test('ends with DISCONNECT', async () => {
    const s = await withTokens(hours(1))
    s.clock.tick(minutes(55))
    s.send('DISCONNECT')
    expect(s.state).toBe('disconnected')
    expect(s.tokens.at(-1)!.aborted).toBe(true)
    expect(s.clock.pending).toBe(0)
  })

  test('follows the wall clock when it is set back', async () => {
    let skew = 0
    const s = machineScene({ input: { ...input, now: () => s.clock.now() - skew } })
    s.send('CONNECT')
    s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: s.clock.now() + hours(1) } })
    s.transport.current.open()
    skew = hours(1)
    s.clock.tick(minutes(55))
    expect(s.state).toBe('connected.ready')
    s.clock.tick(hours(1))
    expect(s.state).toBe('refreshingToken.online')
  })
})

describe('tokens with a lifetime below stableAfter', () => {
  const short = { reconnect: { maxAttempts: 3 }, recovery: { enabled: false } }
  const withShortTokens = () =>
    withTokens(seconds(20), {
      input: short,
      refresh: (request) => request.reason === 'expiring' && request.resolve(seconds(20)),
      transport: (connection) => connection.open(),
    })
  /** Moves the clock second by second, so that each planned renewal happens. */
  const pass = async (s: Scene, ms: number) => {
    for (let passed = 0; passed < ms; passed += seconds(1)) await wait(s, seconds(1))
  }

  test('planned renewals continue the proof of stability, so each rare drop counts as the first one', async () => {
    const s = await withShortTokens()
    for (let drop = 0; drop < 6; drop++) {
      await pass(s, seconds(31))
      s.transport.current.fail(closed)
      expect(s.context).toMatchObject({ attempt: 1, delay: seconds(1) })
      await pass(s, seconds(1))
    }
    expect(s.state).toBe('connected.ready')
  })

  test('an interruption restarts the proof of stability', async () => {
    const s = await withShortTokens()
    for (const attempt of [1, 2, 3]) {
      await pass(s, seconds(28))
      s.transport.current.fail(closed)
      expect(s.context.attempt).toBe(attempt)
      await pass(s, s.context.delay)
    }
    await pass(s, seconds(28))
    s.transport.current.fail(closed)
    expect(s.state).toBe('failed')
  })

  test('a disconnect restarts the proof of stability', async () => {
    const s = await withShortTokens()
    await pass(s, seconds(29))
    s.send('DISCONNECT')
    expect(s.context.unprovenSince).toBe(null)
  })

  test('the proof takes at most its whole time when the wall clock is set back', () => {
    let skew = 0
    const s = machineScene({ input: { ...input, now: () => s.clock.now() - skew }, transport: (c) => c.open() })
    const refreshed = () => s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: null } })
    s.send('CONNECT')
    refreshed()
    s.clock.tick(seconds(20))
    skew = hours(1)
    s.send('RECOVER')
    refreshed()
    s.clock.tick(seconds(30) - 1)
    expect(s.context.credentials.status).toBe('fresh')
    s.clock.tick(1)
    expect(s.context.credentials.status).toBe('proven')
  })

  test('after the proof, the next replacement must prove itself, because its token is fresh', async () => {
    const s = await withTokens(seconds(100), {
      refresh: (request) => request.reason === 'expiring' && request.resolve(seconds(100)),
      transport: (connection) => connection.open(),
    })
    await pass(s, seconds(92))
    expect(s.context.credentials.status).toBe('fresh')
    s.transport.current.fail(kicked)
    expect(s.state).toBe('reconnecting')
  })
})

describe('a refresh by recovery cycle', () => {
  test.each([
    [3, ['initial', 'cycle', 'cycle', 'cycle'], [3, 6, 9]],
    [1, ['initial', ...Array.from({ length: 10 }, () => 'cycle')], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [4, ['initial', 'cycle', 'cycle'], [4, 8]],
    [0, ['initial'], []],
  ])('every %d cycles', async (refreshTokenEvery, reasons, cycles) => {
    const asked: number[] = []
    const s = machineScene({
      input: { ...input, reconnect: { enabled: false }, recovery: { refreshTokenEvery } },
      refresh: (request) => {
        if (request.reason === 'cycle') asked.push(s.context.cycle)
        request.resolve()
      },
      transport: (connection) => connection.fail(),
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 11; n++) await next(s)
    expect(s.state).toBe('failed')
    expect(s.tokens.map(({ reason }) => reason)).toEqual(reasons)
    expect(asked).toEqual(cycles)
    expect(s.transport.connections).toHaveLength(11)
  })

  test('never happens without a source', () => {
    const s = machineScene({
      input: { recovery: { refreshTokenEvery: 1 } },
      transport: (connection) => connection.fail(),
    })
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.tokens).toHaveLength(0)
    expect(s.context.cycle).toBe(10)
  })

  test('happens with RECOVER in any cycle', async () => {
    const s = await withTokens(null)
    s.send('RECOVER')
    expect(s.tokens.at(-1)!.reason).toBe('requested')
    expect(s.transport.running, 'the connection stays').toBe(1)
    s.tokens.at(-1)!.reject(unreachable)
    await settle()
    expect(s.state, 'it also stays when the source fails').toBe('connected.ready')
  })

  test('RECOVER during the restore drops the connection, which was not ready', async () => {
    const s = await withTokens(null, { sync: () => {} })
    expect(s.state).toBe('connected.restoring')
    s.send('RECOVER')
    expect(s.state).toBe('refreshingToken.offline')
    expect(s.transport.running).toBe(0)
  })
})

describe('refreshTimeout', () => {
  test('gives up a source that hangs, and aborts its signal', async () => {
    const s = machineScene({ input })
    s.send('CONNECT')
    s.clock.tick(seconds(30) - 1)
    expect(s.state).toBe('refreshingToken.offline')
    s.clock.tick(1)
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'refresh' })
    expect(s.tokens[0]!.aborted).toBe(true)
    expect(s.heard('tokenRefreshFailed')).toMatchObject([{ failure: { kind: 'timeout', phase: 'refresh' } }])
  })

  test('ignores a later answer', async () => {
    const s = machineScene({ input })
    s.send('CONNECT')
    s.clock.tick(seconds(30))
    s.tokens[0]!.resolve(hours(1))
    await settle()
    expect(s.state).toBe('reconnecting')
    expect(s.context.credentials.status).toBe('missing')
  })
})

describe('a source that rejects', () => {
  test('with InvalidCredentialsError stops the machine', async () => {
    const s = machineScene({ input })
    s.send('CONNECT')
    s.tokens[0]!.reject(new InvalidCredentialsError('wrong password'))
    await settle()
    expect(s.state).toBe('failed')
    s.clock.tick(hours(24))
    expect(s.state).toBe('failed')
    expect(s.context.failure).toEqual({ kind: 'credentials' })
    expect(s.told.map(({ type }) => type)).toEqual(['tokenRefreshFailed', 'gaveUp'])
    s.send('RETRY')
    expect(s.state, 'until RETRY').toBe('refreshingToken.offline')
  })

  test('with an error of that name from another copy of the package stops the machine', async () => {
    const s = machineScene({ input })
    s.send('CONNECT')
    s.tokens[0]!.reject(Object.assign(new Error('no'), { name: 'InvalidCredentialsError' }))
    await settle()
    expect(s.context.failure).toEqual({ kind: 'credentials' })
  })

  test.each<[string, unknown, string]>([
    ['a network error', new TypeError('fetch failed'), 'TypeError'],
    ['text with "invalid"', new Error('invalid grant: unauthorized'), 'Error'],
    ['a name with "invalid"', Object.assign(new Error(), { name: 'InvalidTokenError' }), 'InvalidTokenError'],
    ['an abort', new DOMException('aborted', 'AbortError'), 'AbortError'],
    ['a string', 'InvalidCredentialsError', 'string'],
    ['nothing', undefined, 'undefined'],
  ])('with %s is a transient failure', async (_, error, name) => {
    const s = machineScene({ input })
    s.send('CONNECT')
    s.tokens[0]!.reject(error as Error)
    await settle()
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'refresh', name })
  })
})

describe('single flight', () => {
  test('aborts the refresh when its state is left, so that two never run at the same time', async () => {
    const running = () => s.tokens.filter((request) => !request.aborted && !request.settled).length
    const s = await withTokens(hours(1))
    const steps = [
      'RECOVER',
      'RECOVER',
      'WAKE',
      'RETRY',
      'CONNECT',
      'DISCONNECT',
      'CONNECT',
      'RECOVER',
      'RETRY',
    ] as const
    for (const step of steps) {
      s.send(step)
      await settle()
      expect(running(), `after ${step}`).toBeLessThanOrEqual(1)
      s.clock.tick(seconds(20))
      expect(running(), `after ${step}`).toBeLessThanOrEqual(1)
    }
    for (let n = 0; n < 50; n++) {
      await next(s)
      if (n % 3 === 0) s.transport.connections.at(-1)?.fail(kicked)
      expect(running()).toBeLessThanOrEqual(1)
    }
  })

  test('starts no second refresh when the connection is lost or refused during the first', async () => {
    const s = await withTokens(hours(1))
    s.clock.tick(minutes(55))
    s.transport.current.fail(kicked)
    s.transport.current.fail(notAuthorized)
    s.send('WAKE')
    s.send('RETRY')
    s.send('RECOVER')
    expect(s.tokens).toHaveLength(2)
    expect(s.tokens[1]!.aborted).toBe(false)
  })
})

describe('makes no hot loop with a source that returns expired tokens', () => {
  test.each([-hours(1), -1, 0, 1, 100, 999])('lifetime %d ms', async (lifetime) => {
    const openings: number[] = []
    const s = machineScene({
      input: { ...input, random: () => 0 },
      refresh: (request) => request.resolve(lifetime),
      transport: (connection) => {
        openings.push(s.time)
        connection.open()
      },
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 200; n++) await next(s)
    for (const [index, opening] of openings.slice(1).entries()) {
      expect(opening - openings[index]!).toBeGreaterThanOrEqual(500)
    }
    expect(s.time / openings.length, 'on average').toBeGreaterThan(seconds(20))
  })

  test('ends the backoff with a valid token', async () => {
    let lifetime = 0
    const s = machineScene({ input, refresh: (request) => request.resolve(lifetime), transport: (c) => c.open() })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 20; n++) await next(s)
    expect(s.context.renewals).toBeGreaterThan(3)
    lifetime = hours(1)
    while (s.context.credentials.lifetime !== hours(1)) await next(s)
    expect(s.context.renewals).toBe(0)
  })
})

describe('secrets', () => {
  const secret = 'hunter2-very-secret'

  test('appear neither in snapshots nor in inspection events', async () => {
    const s = machineScene({
      input,
      refresh: (request) => request.reason === 'initial' && request.reject(new Error(secret)),
    })
    s.send('CONNECT')
    await settle()
    await next(s)
    s.tokens.at(-1)!.reject(new TypeError(`https://broker/?token=${secret}`))
    await wait(s, hours(1))
    expect(inspect(s.context, { depth: 10 })).not.toContain(secret)
    expect(JSON.stringify(s.told)).not.toContain(secret)
    expect(JSON.stringify(s.actor.getSnapshot())).not.toContain(secret)
    const events = s.inspected.map((event) => ('event' in event ? event.event : null))
    expect(JSON.stringify(events)).not.toContain(secret)
  })

  test('stay outside the machine, which knows only the expiry of a token', async () => {
    const s = await withTokens(hours(1))
    expect(Object.keys(s.context.credentials).toSorted()).toEqual(['expiresAt', 'lifetime', 'status'])
  })
})
