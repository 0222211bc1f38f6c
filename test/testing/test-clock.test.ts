import { describe, expect, test } from 'vitest'
import { createActor, createMachine, fromPromise } from 'xstate'

import { createTestClock } from '../../testing/index.ts'

const HOUR = 3_600_000

describe('createTestClock', () => {
  test('starts at the given time and stands still', () => {
    expect(createTestClock().now()).toBe(0)
    expect(createTestClock({ now: 1_700_000_000_000 }).now()).toBe(1_700_000_000_000)
  })

  test.each([
    ['tick just before', 999, []],
    ['tick exactly', 1_000, ['a']],
    ['tick past both', 5_000, ['a', 'b']],
  ])('%s', (_, ms, fired) => {
    const clock = createTestClock()
    const log: string[] = []
    clock.setTimeout(() => log.push('b'), 2_000)
    clock.setTimeout(() => log.push('a'), 1_000)
    const cancelled = clock.setTimeout(() => log.push('never'), 500)
    expect(clock.pending).toBe(3)
    clock.clearTimeout(cancelled)
    expect(clock.tick(ms)).toBe(ms)
    expect(log).toEqual(fired)
    expect(clock.pending).toBe(2 - fired.length)
  })

  test('next and runToLast jump to timers', async () => {
    const clock = createTestClock()
    const log: number[] = []
    for (const ms of [HOUR, 2 * HOUR, 3 * HOUR]) clock.setTimeout(() => log.push(clock.now()), ms)
    expect(clock.next()).toBe(HOUR)
    expect(await clock.nextAsync()).toBe(2 * HOUR)
    expect(clock.runToLast()).toBe(3 * HOUR)
    expect(log).toEqual([HOUR, 2 * HOUR, 3 * HOUR])
    expect(clock.next()).toBe(3 * HOUR)
    expect(await clock.runToLastAsync()).toBe(3 * HOUR)
  })

  test('tickAsync lets promises set the next timer', async () => {
    const clock = createTestClock()
    let rounds = 0
    const round = async () => {
      await Promise.resolve()
      rounds++
      clock.setTimeout(() => void round(), 60_000)
    }
    await round()
    await clock.tickAsync(24 * HOUR)
    expect(rounds).toBe(1 + 24 * 60)
  })

  test('its timer functions work without the clock as their `this`', () => {
    const clock = createTestClock()
    const { setInterval, clearInterval, setTimeout, clearTimeout, now } = clock.timers
    const log: number[] = []
    const interval = setInterval(() => log.push(now()), 10)
    clearTimeout(setTimeout(() => log.push(-1), 15))
    clock.tick(30)
    clearInterval(interval)
    clock.tick(30)
    expect(log).toEqual([10, 20, 30])
    expect(clock.pending).toBe(0)
  })

  test('drives an XState machine', async () => {
    const machine = createMachine({
      initial: 'waiting',
      states: {
        waiting: { after: { [HOUR]: 'asking' } },
        asking: { invoke: { src: fromPromise(() => Promise.resolve()), onDone: 'done' } },
        done: { type: 'final' },
      },
    })
    const clock = createTestClock()
    const actor = createActor(machine, { clock }).start()
    await clock.tickAsync(HOUR - 1)
    expect(actor.getSnapshot().value).toBe('waiting')
    await clock.tickAsync(1)
    expect(actor.getSnapshot().value).toBe('done')
  })

  test.each([Number.NaN, Infinity, -1, '00:10'])('refuses to tick %s', async (ms) => {
    const clock = createTestClock()
    expect(() => clock.tick(ms as number)).toThrow(RangeError)
    await expect(clock.tickAsync(ms as number)).rejects.toThrow(`at least 0, got ${ms}`)
  })
})
