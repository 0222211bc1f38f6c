import { expect, test } from 'vitest'

import { KeepAlive } from '../../src/mqtt/keep-alive.ts'
import { createTestClock } from '../../testing/index.ts'
import { serve } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

/** A keep alive of 20 s, and what it did. */
function scene() {
  const clock = createTestClock()
  const pings: number[] = []
  let silentAt: number | undefined
  const keepAlive = new KeepAlive({
    clock,
    time: () => clock.now(),
    keepAlive: 20_000,
    port: {
      pingreq: () => void pings.push(clock.now()),
      silent: () => {
        silentAt = clock.now()
      },
    },
  })
  return {
    clock,
    keepAlive,
    pings,
    /** When the broker was given up. */
    silentAt: () => silentAt,
  }
}

test('pings when nothing was sent or received for the keep alive, and gives up half as long after that', () => {
  const { clock, pings, silentAt } = scene()
  clock.tick(19_999)
  expect(pings).toEqual([])
  clock.tick(10_000)
  expect([pings, silentAt()]).toEqual([[20_000], undefined])
  clock.tick(1)
  expect([pings, silentAt(), clock.pending]).toEqual([[20_000], 30_000, 0])
})

test('anything that arrives is an answer', () => {
  const { clock, keepAlive, pings, silentAt } = scene()
  clock.tick(29_999)
  keepAlive.heard()
  clock.tick(1)
  expect(silentAt()).toBeUndefined()
  // The PINGREQ was sent at 20 s.
  clock.tick(10_000)
  expect(pings).toEqual([20_000, 40_000])
})

test('does not ping while packets pass in both directions, at whatever moments', () => {
  const { clock, keepAlive, pings, silentAt } = scene()
  for (let i = 0; i < 100; i++) {
    clock.tick(13_000)
    keepAlive.sent()
    clock.tick(6_999)
    keepAlive.heard()
  }
  expect([pings, silentAt()]).toEqual([[], undefined])
})

test('pings if packets are only received, because the broker counts those that we send', () => {
  const { clock, keepAlive, pings, silentAt } = scene()
  for (let i = 0; i < 60; i++) {
    clock.tick(1_000)
    keepAlive.heard()
  }
  expect([pings, silentAt()]).toEqual([[20_000, 40_000, 60_000], undefined])
})

test('finds a half-open connection although packets are sent', () => {
  const { clock, keepAlive, pings, silentAt } = scene()
  for (let i = 0; i < 30; i++) {
    clock.tick(1_000)
    keepAlive.sent()
  }
  expect([pings, silentAt()]).toEqual([[20_000], 30_000])
})

test('leaves no timer behind', () => {
  const { clock, keepAlive } = scene()
  keepAlive.stop()
  expect(clock.pending).toBe(0)
})

test.each([
  { keepalive: 60_000, serverKeepAlive: 5, expected: 5_000 },
  { keepalive: 0, serverKeepAlive: 7, expected: 7_000 },
  { keepalive: 5_000, serverKeepAlive: undefined, expected: 5_000 },
  { keepalive: 5_000, serverKeepAlive: 0, expected: undefined },
  { keepalive: 0, serverKeepAlive: undefined, expected: undefined },
])('keepalive $keepalive and Server Keep Alive $serverKeepAlive: $expected', async ({ expected, ...row }) => {
  const clock = createTestClock()
  const properties = row.serverKeepAlive === undefined ? {} : { serverKeepAlive: row.serverKeepAlive }
  const server = await serve('mqtt', { script: { connack: { properties } } })
  const attempt = transportScene({
    url: server.url,
    options: { protocolVersion: 5, keepalive: row.keepalive },
    clock,
  })
  attempt.start()
  await attempt.waitFor('transport.opened')
  expect(clock.pending).toBe(expected === undefined ? 0 : 1)
  if (expected === undefined) return
  clock.tick(expected)
  await server.waitFor('pingreq')
})
