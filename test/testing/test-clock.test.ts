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

  test('a delay of 0 fires at once, and later if it is set while the time moves', async () => {
    for (const move of ['tick', 'tickAsync'] as const) {
      const clock = createTestClock()
      const log: number[] = []
      const again = () => {
        log.push(clock.now())
        void Promise.resolve().then(() => clock.setTimeout(again, 0))
      }
      clock.setTimeout(again, 0)
      await clock[move](0)
      expect(log).toEqual([0])
    }
    const clock = createTestClock()
    let rounds = 0
    const round = () => {
      rounds++
      clock.setTimeout(round, 0)
    }
    round()
    await clock.tickAsync(10)
    expect(rounds).toBe(12)
  })

  test('a callback that throws keeps no other from firing', async () => {
    const clock = createTestClock()
    const log: string[] = []
    const failing = (name: string) => () => {
      log.push(name)
      throw new Error(name)
    }
    clock.setTimeout(failing('a'), 1)
    clock.setTimeout(failing('b'), 2)
    expect(() => clock.tick(5)).toThrow('a')
    clock.setTimeout(failing('c'), 1)
    await expect(clock.tickAsync(5)).rejects.toThrow('c')
    clock.setTimeout(failing('d'), 1)
    clock.setTimeout(failing('e'), 1)
    expect(() => clock.next()).toThrow('d')
    await expect(clock.nextAsync()).rejects.toThrow('e')
    expect([log, clock.now(), clock.pending]).toEqual([['a', 'b', 'c', 'd', 'e'], 11, 0])
  })

  test.each([2 ** 31, Infinity, -5, Number.NaN, undefined])('a delay of %s', (ms) => {
    const clock = createTestClock()
    let at: number | undefined
    clock.setTimeout(() => (at = clock.now()), ms as number)
    clock.tick(1)
    expect(at).toBe(ms !== undefined && ms > 0 ? 1 : 0)
  })

  test('fires thousands of timers in their order', () => {
    const clock = createTestClock()
    const fired: [number, number][] = []
    const timers = Array.from({ length: 5_000 }, (_, n) => {
      const ms = (n * 7_919) % 1_000
      return clock.setTimeout(() => fired.push([ms, n]), ms)
    })
    for (const timer of timers.filter((_, n) => n % 3 === 0)) clock.clearTimeout(timer)
    clock.tick(1_000)
    expect(fired).toHaveLength(3_333)
    expect(fired).toEqual(fired.toSorted(([a, n], [b, m]) => a - b || n - m))
  })

  test('its timers have the methods of those of Node', () => {
    const clock = createTestClock()
    const log: number[] = []
    const timer = clock.timers.setTimeout((add: number) => log.push(clock.now() + add), 10, 100)
    clock.tick(5)
    timer.unref().ref().refresh()
    clock.tick(9)
    expect([log, timer.hasRef()]).toEqual([[], true])
    clock.tick(1)
    expect([log, timer.hasRef()]).toEqual([[115], false])
    const cleared = clock.timers.setTimeout(() => log.push(-1), 1)
    clock.clearTimeout(Number(cleared))
    clock.clearTimeout(undefined)
    clock.tick(1)
    expect(log).toEqual([115])
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
