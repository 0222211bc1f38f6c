import { expect, test } from 'vitest'

import { KeepAlive } from '../../src/mqtt/keep-alive.ts'
import { Line } from '../../src/mqtt/line.ts'
import { createTestClock } from '../../testing/index.ts'
import { serve } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

/** A keep alive of 20 s, and what it did. */
function scene() {
  const clock = createTestClock()
  const pings: number[] = []
  let silentAt: number | undefined
  let late = 0
  const time = () => clock.now() + late
  /** As a socket of Node: how many bytes were written, and how many of them the network has not taken. */
  const socket = { bytesRead: 0, _handle: { bytesWritten: 0, writeQueueSize: 0 } }
  const line = new Line(time, () => socket)
  const keepAlive = new KeepAlive({
    clock,
    line,
    interval: 20_000,
    limit: 10_000,
    port: {
      pingreq: () => {
        pings.push(clock.now())
        line.sent(0)
      },
      silent: () => {
        silentAt = clock.now()
      },
    },
  })
  return {
    clock,
    line,
    keepAlive,
    pings,
    sent: (bytes = 100) => line.sent(bytes),
    heard: () => {
      line.heard()
      keepAlive.heard()
    },
    /** Bytes are written that the network does not take now. */
    wait: (bytes: number) => {
      line.sent(bytes)
      socket._handle.bytesWritten += bytes
      socket._handle.writeQueueSize += bytes
    },
    /** A part of a WebSocket frame arrives. */
    arrive: () => {
      socket.bytesRead += 100
    },
    /** The network takes bytes. */
    take: (bytes: number) => {
      socket._handle.writeQueueSize -= bytes
    },
    /** The event loop is busy for that long, and then runs the timers that are due. */
    block: (duration: number) => {
      late += duration
    },
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

test('an answer may arrive before the PINGREQ is written, from a stream in memory', () => {
  const clock = createTestClock()
  const pings: number[] = []
  const line = new Line(clock.now, () => undefined)
  const keepAlive: KeepAlive = new KeepAlive({
    clock,
    line,
    interval: 20_000,
    limit: 10_000,
    port: {
      pingreq: () => {
        pings.push(clock.now())
        line.sent(2)
        line.heard(2)
        keepAlive.heard()
      },
      silent: () => expect.unreachable(),
    },
  })
  clock.tick(65_000)
  expect([pings, clock.pending]).toEqual([[20_000, 40_000, 60_000], 1])
})

test('anything that arrives is an answer', () => {
  const { clock, heard, pings, silentAt } = scene()
  clock.tick(29_999)
  heard()
  clock.tick(1)
  expect(silentAt()).toBeUndefined()
  // The PINGREQ was sent at 20 s.
  clock.tick(10_000)
  expect(pings).toEqual([20_000, 40_000])
})

test('does not ping while packets pass in both directions, at whatever moments', () => {
  const { clock, sent, heard, pings, silentAt } = scene()
  for (let i = 0; i < 100; i++) {
    clock.tick(13_000)
    sent()
    clock.tick(6_999)
    heard()
  }
  expect([pings, silentAt()]).toEqual([[], undefined])
})

test('pings if packets are only received, because the broker counts those that we send', () => {
  const { clock, heard, pings, silentAt } = scene()
  for (let i = 0; i < 60; i++) {
    clock.tick(1_000)
    heard()
  }
  expect([pings, silentAt()]).toEqual([[20_000, 40_000, 60_000], undefined])
})

test('finds a half-open connection although packets are sent', () => {
  const { clock, sent, pings, silentAt } = scene()
  for (let i = 0; i < 30; i++) {
    clock.tick(1_000)
    sent()
  }
  expect([pings, silentAt()]).toEqual([[20_000], 30_000])
})

test('waits as long as the network takes what was written before the PINGREQ', () => {
  const { clock, wait, take, pings, silentAt } = scene()
  wait(1_200_000)
  for (let i = 0; i < 12; i++) {
    clock.tick(5_000)
    take(100_000)
  }
  expect([pings, silentAt()]).toEqual([[20_000], undefined])
  // Now the network takes no more of the first half.
  clock.tick(60_000)
  expect(silentAt()).toBeGreaterThan(60_000)
})

test('waits as long as parts of a large WebSocket frame arrive', () => {
  const { clock, arrive, silentAt } = scene()
  for (let i = 0; i < 20; i++) {
    clock.tick(4_000)
    arrive()
  }
  expect(silentAt()).toBeUndefined()
  clock.tick(20_000)
  expect(silentAt()).toBeGreaterThan(80_000)
})

test('gives up as always if the network takes nothing of what was written', () => {
  const { clock, wait, pings, silentAt } = scene()
  wait(10_000)
  clock.tick(29_999)
  wait(10_000)
  clock.tick(1)
  expect([pings, silentAt()]).toEqual([[20_000], 30_000])
})

test('waits for the buffers between here and the broker, at 25 kB/s and for half a minute at most', () => {
  const after = (bytes: number) => {
    const { clock, sent, silentAt } = scene()
    clock.tick(19_000)
    sent(bytes)
    clock.tick(200_000)
    return silentAt()
  }
  expect([100, 250_000, 600_000, 600_000_000].map(after)).toEqual([30_000, 30_000, 43_000, 49_000])
})

test('does not wait for buffers after the broker has answered everything', () => {
  const { clock, line, sent, silentAt } = scene()
  sent(600_000_000)
  line.caughtUp()
  clock.tick(30_000)
  expect(silentAt()).toBe(30_000)
})

test('reads what has arrived before it gives up, if the event loop was busy', () => {
  const { clock, block, heard, pings, silentAt } = scene()
  clock.tick(29_000)
  block(5_000)
  clock.tick(1_000)
  expect(silentAt()).toBeUndefined()
  heard()
  clock.tick(1_000)
  expect([pings, silentAt()]).toEqual([[20_000], undefined])
})

test('gives up after that if nothing has arrived, however busy the event loop is', () => {
  const { clock, block, silentAt } = scene()
  clock.tick(29_000)
  block(5_000)
  clock.tick(1_000)
  block(5_000)
  clock.tick(100)
  expect(silentAt()).toBe(30_100)
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
