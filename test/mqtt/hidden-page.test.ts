import { expect, test } from 'vitest'

import { KeepAlive } from '../../src/mqtt/keep-alive.ts'
import { Line } from '../../src/mqtt/line.ts'
import { createTestClock } from '../../testing/index.ts'
import { range } from '../support/range.ts'

const MINUTE = 60_000

/**
 * The timers of a page that has been hidden for five minutes, in Chromium: one that is the fifth of timers that have set
 * each other fires at a full minute.
 */
function hiddenPage() {
  const clock = createTestClock()
  let nesting = 0
  return {
    clock,
    throttled: {
      ...clock,
      setTimeout(callback: () => void, delay: number) {
        const level = nesting + 1
        const due = clock.now() + delay
        const firesAt = level < 5 ? due : Math.ceil(due / MINUTE) * MINUTE
        return clock.setTimeout(() => {
          nesting = level
          callback()
          nesting = 0
        }, firesAt - clock.now())
      },
    },
  }
}

/** Publishes and receives every 11 s, until it stops. @returns the longest time without a packet to the broker */
function longestSilence(stopsAt: number): number {
  const { clock, throttled } = hiddenPage()
  const line = new Line(
    () => clock.now(),
    () => undefined,
  )
  let sentAt = 0
  let longest = 0
  const sent = () => {
    longest = Math.max(longest, clock.now() - sentAt)
    sentAt = clock.now()
    line.sent(2)
  }
  const heard = () => {
    line.heard()
    keepAlive.heard()
  }
  const pingreq = () => {
    sent()
    clock.setTimeout(heard, 20)
  }
  const keepAlive = new KeepAlive({
    clock: throttled,
    line,
    interval: 50_000,
    limit: 25_000,
    port: { pingreq, silent: () => expect.unreachable() },
  })
  const traffic = clock.timers.setInterval(() => {
    heard()
    sent()
  }, 11_000)
  clock.tick(stopsAt)
  clock.timers.clearInterval(traffic)
  clock.tick(10 * MINUTE)
  return longest
}

test('a hidden page sends PINGREQ before the broker gives up, whenever the traffic stops', () => {
  // A broker waits for one and a half times the keep alive.
  expect(Math.max(...range(60).map((n) => longestSilence(4 * MINUTE + n * 5_000)))).toBeLessThan(75_000)
})

test('what arrives after the end sets no timer', () => {
  const clock = createTestClock()
  const line = new Line(
    () => clock.now(),
    () => undefined,
  )
  const port = { pingreq: () => expect.unreachable(), silent: () => expect.unreachable() }
  const keepAlive = new KeepAlive({ clock, line, interval: 50_000, limit: 25_000, port })
  clock.tick(20_000)
  line.sent(2)
  line.heard()
  // The first look finds both recent, and sets the timer again.
  clock.tick(30_000)
  expect(clock.pending).toBe(1)
  keepAlive.stop()
  keepAlive.heard()
  expect(clock.pending).toBe(0)
})
