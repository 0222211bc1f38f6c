import { describe, expect, test } from 'vitest'

import { createTestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { scriptedClient, sessionIs } from '../support/scripted-client.ts'

const HOURS = 3_600_000

/** A clock, and a separate wall clock that the test can set. */
function clocks() {
  const clock = createTestClock({ now: Date.UTC(2024, 0, 1) })
  const wall = { offset: 0 }
  return { clock, wall, now: () => clock.now() + wall.offset }
}

describe.each([
  ['forward', 2 * HOURS],
  ['back', -2 * HOURS],
])('the wall clock is set 2 h %s', (_direction, offset) => {
  test('a time to live keeps its length', async () => {
    const { clock, wall, now } = clocks()
    const { server, client } = await scriptedClient({ clock, now })
    const short = outcomes([client.publish('a', 'short', { qos: 1, ttl: 1_000 })])
    const long = client.publish('a', 'long', { qos: 1, ttl: 60_000 })
    wall.offset = offset
    clock.tick(2_000)
    expect(await short).toEqual(['PublishExpiredError'])
    expect(await isPending(long)).toBe(true)
    await client.connect()
    await long
    expect(server.received('publish').map(({ payload }) => String(payload))).toEqual(['long'])
  })

  test('the Message Expiry Interval is reduced by the real time that has passed', async () => {
    const { clock, wall, now } = clocks()
    const { server, client } = await scriptedClient({ clock, now })
    const published = client.publish('a', '', { qos: 1, properties: { messageExpiryInterval: 60 } })
    wall.offset = offset
    clock.tick(20_000)
    await client.connect()
    await published
    expect(server.received('publish').map(({ properties }) => properties?.messageExpiryInterval)).toEqual([40])
  })
})

test('real time is monotonic, without the wall clock', async () => {
  const wall = { now: Date.now() }
  const { client } = await scriptedClient({ now: () => wall.now })
  const published = client.publish('a', '', { qos: 1, ttl: 60_000 })
  wall.now += 2 * HOURS
  await client.connect()
  expect(await outcomes([published])).toEqual(['done'])
})

test('a clock without its own time falls back to `now`', async () => {
  const { clock, wall, now } = clocks()
  const timers = { setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout }
  const { client } = await scriptedClient({ clock: timers, now })
  const published = outcomes([client.publish('a', '', { qos: 1, ttl: 60_000 })])
  wall.offset = 2 * HOURS
  await client.connect()
  expect(await published).toEqual(['PublishExpiredError'])
})

describe.each([1, 2] as const)('a time to live that ends after the publish was sent, QoS %i', (qos) => {
  test.each([
    [false, 'PublishExpiredError', 0],
    [true, 'done', 1],
  ] as const)('session present: %s: %s', async (present, outcome, resent) => {
    const { clock, now } = clocks()
    const { server, client } = await scriptedClient({ clock, now, script: sessionIs(present, { puback: false }, {}) })
    await client.connect()
    const published = client.publish('a', '', { qos, ttl: 10_000 })
    await server.waitFor('publish')
    clock.tick(20_000)
    expect(await isPending(published)).toBe(true)
    server.kick()
    await until(() => (clock.tick(1), client.status.counters.connects === 2 && client.status.state === 'connected'))
    const settled = outcomes([published])
    await turns()
    clock.tick(1)
    expect(await settled).toEqual([outcome])
    expect(server.connections[1]?.received('publish')).toHaveLength(resent)
  })
})

describe.each([1, 2] as const)('a signal that aborts after the publish was sent, QoS %i', (qos) => {
  const stop = new Error('stop')

  test('rejects the promise, and the handshake continues', async () => {
    const { server, client } = await scriptedClient({ script: { puback: false } })
    await client.connect()
    const controller = new AbortController()
    const published = client.publish('a', '', { qos, signal: controller.signal })
    const { messageId = 0 } = await server.waitFor('publish')
    controller.abort(stop)
    await expect(published).rejects.toBe(stop)
    expect(client.outbox.inFlight).toBe(1)
    server.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
    await until(() => client.outbox.inFlight === 0)
    expect(server.received('pubrel')).toHaveLength(qos - 1)
  })

  test.each([
    [true, 1],
    [false, 0],
  ])('session present: %s: the publish is sent %i times more', async (present, again) => {
    const { server, client } = await scriptedClient({ script: sessionIs(present, { puback: false }, {}) })
    await client.connect()
    const controller = new AbortController()
    const published = client.publish('a', 'x', { qos, signal: controller.signal })
    const other = client.publish('a', 'y', { qos })
    await server.waitFor('publish', { count: 2 })
    controller.abort(stop)
    await expect(published).rejects.toBe(stop)
    server.kick()
    await other
    const resent = server.connections[1]?.received('publish').filter(({ payload }) => String(payload) === 'x')
    expect(resent).toHaveLength(again)
    await until(() => client.outbox.inFlight === 0 && client.outbox.size === 0)
  })
})
