import { describe, expect, test } from 'vitest'

import type { PeriodicSchedule } from '../../machines/connection/types.ts'
import { hours, minutes, readyScene, machineScene, type Scene, seconds } from '../support/machine-scene.ts'

const poll: PeriodicSchedule = { id: 'poll', interval: seconds(10), jitter: 0, responseTimeout: null }
const asking: PeriodicSchedule = { ...poll, responseTimeout: seconds(3) }

const start = (s: Scene, schedule: PeriodicSchedule = poll) => s.send({ type: 'PERIODIC.START', schedule })
const child = (s: Scene, id = 'poll') => s.actor.getSnapshot().children[id]!
const counts = (s: Scene) => (child(s).getSnapshot() as { context: object }).context
const times = (s: Scene) => s.requests.map(({ at }) => at / 1000)

describe('while ready', () => {
  test('sends the first request at once, then one per interval', async () => {
    const s = await readyScene()
    start(s)
    expect(s.requests).toMatchObject([{ id: 'poll', at: 0 }])
    s.clock.tick(seconds(35))
    expect(times(s)).toEqual([0, 10, 20, 30])
    expect(counts(s)).toMatchObject({ sent: 4, timeouts: 0, failures: 0 })
  })

  test('sends the first request as soon as subscriptions are restored, if it was started before', () => {
    const s = machineScene({ sync: () => {} })
    start(s)
    s.send('CONNECT')
    s.clock.tick(seconds(5))
    s.transport.current.open()
    s.clock.tick(seconds(5))
    expect(s.requests).toEqual([])
    s.rounds[0]!.settle()
    expect(times(s)).toEqual([10])
  })

  test('measures the interval from request to request, however long the answer takes', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, asking)
    s.clock.tick(seconds(2))
    s.requests[0]!.done()
    s.clock.tick(seconds(8) - 1)
    expect(s.requests).toHaveLength(1)
    s.clock.tick(1)
    expect(times(s)).toEqual([0, 10])
  })

  test('never overlaps two requests, and does not catch up after a slow one', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, { ...asking, responseTimeout: seconds(25) })
    s.requests[0]!.sent()
    s.clock.tick(seconds(24))
    expect(s.requests).toHaveLength(1)
    s.requests[0]!.done()
    expect(s.requests[0]!.stopped).toBe(true)
    s.clock.tick(1)
    expect(times(s), 'at once, because it is due').toEqual([0, 24])
    s.clock.tick(seconds(9))
    expect(s.requests, 'and no further one').toHaveLength(2)
    expect(s.requests.filter(({ stopped }) => !stopped)).toHaveLength(1)
  })

  test('reports a timeout if no response arrives, and sends the next request in time', async () => {
    const s = await readyScene({ request: (each) => each.sent() })
    start(s, asking)
    s.clock.tick(seconds(3))
    expect(s.requests[0]!.stopped).toBe(true)
    expect(counts(s)).toMatchObject({ timeouts: 1, responses: 0 })
    s.clock.tick(seconds(7))
    expect(times(s)).toEqual([0, 10])
  })

  test('starts the response timeout when the request is sent', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, asking)
    s.clock.tick(seconds(20))
    s.requests[0]!.sent()
    s.clock.tick(seconds(3) - 1)
    expect(counts(s)).toMatchObject({ sent: 1, timeouts: 0 })
    s.clock.tick(1)
    expect(counts(s)).toMatchObject({ timeouts: 1 })
  })

  test('counts each response', async () => {
    const s = await readyScene()
    start(s, asking)
    expect(counts(s)).toMatchObject({ responses: 1, timeouts: 0 })
  })

  const slow: [string, PeriodicSchedule, 'done' | 'fail', number, number[]][] = [
    ['done in its interval', poll, 'done', 4, [0, 10, 20]],
    ['failed in its interval', poll, 'fail', 4, [0, 10, 20]],
    ['done after three intervals', poll, 'done', 29, [0, 29, 39]],
    ['failed after three intervals', poll, 'fail', 29, [0, 29, 39]],
    ['done after half of a long interval', { ...poll, interval: seconds(80) }, 'done', 40, [0, 80]],
  ]
  test.each(slow)(
    'sends the next request only after the end of the one before: %s',
    async (_, schedule, how, after, expected) => {
      let slowly = true
      const s = await readyScene({ request: (each) => slowly || each[how]() })
      start(s, schedule)
      s.clock.tick(seconds(after) - 1)
      expect(s.requests).toHaveLength(1)
      s.clock.tick(1)
      slowly = false
      s.requests[0]!.sent()
      s.requests[0]!.sent()
      s.requests[0]![how]()
      s.clock.tick(seconds(expected.at(-1)!) + 1 - s.time)
      expect(times(s)).toEqual(expected)
      expect(counts(s)).toMatchObject({ timeouts: 0, responses: 0 })
    },
  )

  test.each([
    ['not acknowledged', poll, 30],
    ['not acknowledged, with a long interval', { ...poll, interval: seconds(80) }, 80],
    ['not sent', asking, 30],
  ])('gives up a request that is %s, and sends the next', async (_, schedule, after) => {
    const s = await readyScene({ request: () => {} })
    start(s, schedule)
    s.clock.tick(seconds(after) - 1)
    expect(s.requests).toHaveLength(1)
    s.clock.tick(1)
    expect(s.requests[0]!.stopped).toBe(true)
    expect(counts(s)).toMatchObject({ timeouts: 1, responses: 0 })
    s.clock.tick(2)
    expect(s.requests).toHaveLength(2)
    expect(s.requests.filter(({ stopped }) => !stopped)).toHaveLength(1)
  })

  test('continues after failures', async () => {
    const s = await readyScene({ request: (each) => each.fail() })
    start(s)
    s.clock.tick(seconds(50))
    expect(times(s)).toEqual([0, 10, 20, 30, 40, 50])
    expect(counts(s)).toMatchObject({ failures: 6 })
    expect(s.state).toBe('connected.ready')
  })

  test('continues after a request that throws', async () => {
    const s = await readyScene({
      request: () => {
        throw new Error('broken')
      },
    })
    start(s)
    s.clock.tick(seconds(20))
    expect(times(s)).toEqual([0, 10, 20])
    expect(counts(s)).toMatchObject({ failures: 3 })
    expect(s.state).toBe('connected.ready')
    expect(s.errors).toEqual([])
  })

  test.each([
    [0, 8],
    [0.5, 10],
    [1, 12],
  ])('spreads the interval by the jitter: random %d, %d s', async (chance, interval) => {
    const s = await readyScene({ input: { random: () => chance } })
    start(s, { ...poll, jitter: 0.2 })
    s.clock.tick(seconds(interval) - 1)
    expect(s.requests).toHaveLength(1)
    s.clock.tick(1)
    expect(s.requests).toHaveLength(2)
  })

  test.each([0, -1, Number.NaN])('makes no hot loop with an interval of %d', async (interval) => {
    const s = await readyScene()
    start(s, { ...poll, interval })
    s.clock.tick(100)
    expect(s.requests.length).toBeLessThanOrEqual(101)
  })

  test('sends the next request after an interval at most when the wall clock is set back', async () => {
    let skew = 0
    const s = machineScene({ input: { now: () => s.clock.now() - skew } })
    s.send('CONNECT')
    s.transport.current.open()
    start(s, asking)
    s.clock.tick(seconds(10))
    skew = hours(1)
    s.clock.tick(seconds(20))
    expect(s.requests.length).toBeGreaterThanOrEqual(3)
  })

  test('runs several periodic requests independently', async () => {
    const s = await readyScene()
    start(s, { ...poll, id: 'a', interval: seconds(1) })
    start(s, { ...poll, id: 'b', interval: seconds(4) })
    s.clock.tick(seconds(4))
    expect(s.requests.filter(({ id }) => id === 'a')).toHaveLength(5)
    expect(s.requests.filter(({ id }) => id === 'b')).toHaveLength(2)
  })

  test('starts only one periodic request per id', async () => {
    const s = await readyScene()
    start(s)
    start(s, { ...poll, interval: 1 })
    s.clock.tick(seconds(10))
    expect(times(s)).toEqual([0, 10])
  })
})

describe('while not ready', () => {
  test('stops at the moment that the connection is lost', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, asking)
    s.transport.current.fail()
    expect(s.requests[0]!.stopped).toBe(true)
    expect(s.clock.pending, 'the reconnect timer only').toBe(1)
  })

  test.each(['idle', 'reconnecting', 'failed', 'recovering', 'disconnected'])('sends nothing in %s', async (state) => {
    const s = machineScene({
      transport: (connection) => (state === 'disconnected' ? connection.open() : connection.fail()),
    })
    if (state !== 'idle') s.send('CONNECT')
    if (state === 'disconnected') s.send('DISCONNECT')
    while (!['idle', 'disconnected'].includes(state) && s.state !== state) s.clock.next()
    const before = s.requests.length
    start(s)
    s.clock.tick(seconds(0.5))
    expect(s.requests).toHaveLength(before)
    expect(s.requests).toEqual([])
  })

  test('resumes automatically and at once, without catching up', async () => {
    const s = await readyScene()
    start(s)
    s.clock.tick(seconds(5))
    s.transport.current.fail()
    s.clock.tick(seconds(1))
    s.clock.tick(seconds(29))
    expect(s.requests).toHaveLength(1)
    s.transport.current.open()
    expect(times(s)).toEqual([0, 35])
    s.clock.tick(seconds(10))
    expect(times(s)).toEqual([0, 35, 45])
  })

  test('still runs one request at a time after a hundred outages', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, asking)
    for (let n = 0; n < 100; n++) {
      s.clock.tick(minutes(1))
      s.transport.current.fail()
      expect(s.requests.every(({ stopped }) => stopped)).toBe(true)
      s.clock.tick(seconds(1))
      s.transport.current.open()
      expect(s.requests.filter(({ stopped }) => !stopped)).toHaveLength(1)
    }
  })

  test('continues and can be started during a planned renewal', async () => {
    const s = await readyScene({ input: { canRefresh: true } })
    start(s)
    s.send('RECOVER')
    start(s, { ...poll, id: 'other' })
    s.clock.tick(seconds(10))
    expect(s.state).toBe('refreshingToken.online')
    expect(s.requests.map(({ id, at }) => [id, at / 1000])).toEqual([
      ['poll', 0],
      ['other', 0],
      ['poll', 10],
      ['other', 10],
    ])
  })
})

describe('paused by the application', () => {
  test('sends nothing until RESUME, and then sends at once', async () => {
    const s = await readyScene()
    start(s)
    child(s).send({ type: 'PAUSE' })
    s.clock.tick(minutes(5))
    expect(s.requests).toHaveLength(1)
    child(s).send({ type: 'RESUME' })
    expect(times(s)).toEqual([0, 300])
  })

  test('drops a request that waits for its response', async () => {
    const s = await readyScene({ request: () => {} })
    start(s, asking)
    child(s).send({ type: 'PAUSE' })
    expect(s.requests[0]!.stopped).toBe(true)
  })

  test('stays paused through an outage', async () => {
    const s = await readyScene()
    start(s)
    child(s).send({ type: 'PAUSE' })
    s.transport.current.fail()
    s.clock.tick(seconds(1))
    s.transport.current.open()
    s.clock.tick(minutes(5))
    expect(s.requests).toHaveLength(1)
    child(s).send({ type: 'RESUME' })
    expect(s.requests).toHaveLength(2)
  })

  test('waits for the connection when it is resumed while offline', async () => {
    const s = await readyScene()
    start(s)
    s.transport.current.fail()
    child(s).send({ type: 'PAUSE' })
    child(s).send({ type: 'RESUME' })
    expect(s.requests).toHaveLength(1)
    s.clock.tick(seconds(1))
    s.transport.current.open()
    expect(s.requests).toHaveLength(2)
  })
})

describe('PERIODIC.STOP', () => {
  test('ends it without leaving a timer or a child', async () => {
    const s = await readyScene({ request: () => {} })
    const timers = s.clock.pending
    start(s, asking)
    s.send({ type: 'PERIODIC.STOP', id: 'poll' })
    expect(s.requests[0]!.stopped).toBe(true)
    expect(s.clock.pending).toBe(timers)
    expect(s.actor.getSnapshot().children['poll']).toBeUndefined()
    expect(s.context.periodic).toEqual([])
  })

  test('does nothing for an unknown id, even if it is the id of another child', async () => {
    const s = await readyScene()
    for (const id of ['unknown', 'transport', 'subscriptions']) s.send({ type: 'PERIODIC.STOP', id })
    expect(s.state).toBe('connected.ready')
    expect(s.transport.running).toBe(1)
  })

  test('makes the id available again', async () => {
    const s = await readyScene()
    start(s)
    s.send({ type: 'PERIODIC.STOP', id: 'poll' })
    start(s)
    expect(s.requests).toHaveLength(2)
  })
})
