import { describe, expect, test } from 'vitest'

import { SleepDetector } from '../../../src/lifecycle/wake/sleep-detector.ts'
import { createTestClock } from '../../../testing/index.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** A detector on a clock, and what happens to it. */
function scene() {
  const clock = createTestClock()
  /** How far the two clocks have jumped ahead of the timers. */
  const ahead = { time: 0, now: 0 }
  let wakes = 0
  const detector = new SleepDetector({
    clock,
    time: () => clock.now() + ahead.time,
    now: () => clock.now() + ahead.now,
    onWake: () => wakes++,
  })
  return {
    clock,
    detector,
    get wakes() {
      return wakes
    },
    /** What the clocks show after a while in which no timer fired. */
    pass(time: number, now: number) {
      ahead.time += time
      ahead.now += now
    },
  }
}

describe('a sleep is noticed within a second', () => {
  test.each([
    ['a stopped process: both clocks go on', 150 * SECOND, 150 * SECOND],
    ['a Linux computer that sleeps: the monotonic clock stands still', 0, 150 * SECOND],
    ['a stopped process whose wall clock was set back meanwhile', 150 * SECOND, -MINUTE],
    ['a short one', 5 * SECOND, 5 * SECOND],
  ])('%s', (_, time, now) => {
    const s = scene()
    s.clock.tick(MINUTE)
    s.pass(time, now)
    s.clock.tick(SECOND)
    expect(s.wakes).toBe(1)
    s.clock.tick(MINUTE)
    expect(s.wakes).toBe(1)
  })
})

describe('no sleep', () => {
  test.each([
    ['time that passes as usual', 0, 0],
    ['a busy event loop', 4 * SECOND, 4 * SECOND],
    ['a wall clock that is set back', 0, -60 * MINUTE],
    ['a wall clock that is corrected', 0, 4 * SECOND],
  ])('%s', (_, time, now) => {
    const s = scene()
    s.clock.tick(MINUTE)
    s.pass(time, now)
    s.clock.tick(MINUTE)
    expect(s.wakes).toBe(0)
  })
})

test('a detector that is stopped leaves no timer', () => {
  const s = scene()
  expect(s.clock.pending).toBe(1)
  s.clock.tick(MINUTE)
  s.detector.stop()
  expect(s.clock.pending).toBe(0)
})
