import { describe, expect, test } from 'vitest'

import { createTestClock } from '../../testing/index.ts'
import { Turnstile } from '../../src/fleet/turnstile.ts'

function turnstile(options: { maxConnecting?: number; connectRate?: number } = {}) {
  const clock = createTestClock()
  const { maxConnecting = Number.POSITIVE_INFINITY, connectRate = Number.POSITIVE_INFINITY } = options
  /** By how much the wall clock was set, in milliseconds. */
  const wall = { offset: 0 }
  const gate = new Turnstile({ maxConnecting, connectRate, clock, now: () => clock.now() + wall.offset })
  const admitted: string[] = []
  const ask = (name: string) => gate.ask(() => admitted.push(name))
  return { clock, wall, gate, admitted, ask }
}

const HOUR = 3_600_000

describe('so many at a time', () => {
  test('lets nobody in beyond them, and whoever comes first first', () => {
    const { gate, admitted, ask } = turnstile({ maxConnecting: 2 })
    const [first] = ['a', 'b', 'c', 'd'].map(ask)
    expect(admitted).toEqual(['a', 'b'])
    expect([gate.inside, gate.waiting]).toEqual([2, 2])
    first?.()
    expect(admitted).toEqual(['a', 'b', 'c'])
    expect([gate.inside, gate.waiting]).toEqual([2, 1])
  })

  test('who comes back goes to the end', () => {
    const { admitted, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    const leaveB = ask('b')
    ask('c')
    leave()
    ask('a')
    leaveB()
    expect(admitted).toEqual(['a', 'b', 'c'])
  })

  test('who leaves while waiting is let in no more, and takes no place', () => {
    const { gate, admitted, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    const giveUp = ask('b')
    ask('c')
    giveUp()
    leave()
    expect(admitted).toEqual(['a', 'c'])
    expect([gate.inside, gate.waiting]).toEqual([1, 0])
  })

  test('leaving twice counts once', () => {
    const { gate, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    ask('b')
    leave()
    leave()
    expect([gate.inside, gate.waiting]).toEqual([1, 0])
  })

  test('a long line of those who leave as soon as they are let in moves on in order', () => {
    const { gate, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('first')
    const admitted: number[] = []
    const leaves: (() => void)[] = Array.from({ length: 20_000 }, (_, n) =>
      gate.ask(() => {
        admitted.push(n)
        leaves[n]?.()
      }),
    )
    leave()
    expect(admitted).toEqual(leaves.map((_, n) => n))
    expect([gate.inside, gate.waiting]).toEqual([0, 0])
  })

  test('who leaves as soon as it is let in makes room', () => {
    const { gate } = turnstile({ maxConnecting: 1 })
    const admitted: string[] = []
    const leave = gate.ask(() => {})
    const leaveAtOnce = gate.ask(() => {
      admitted.push('b')
      queueMicrotask(() => leaveAtOnce())
    })
    gate.ask(() => admitted.push('c'))
    leave()
    expect(admitted).toEqual(['b'])
  })
})

describe('so many a second', () => {
  test.each([
    [1, [1, 2, 3, 4]],
    [10, [1, 11, 21, 31]],
    [1_000, [1, 1_001, 2_001, 3_001]],
  ])('%i', async (connectRate, expected) => {
    const { clock, admitted, ask } = turnstile({ connectRate })
    for (let n = 0; n < 5_000; n++) ask(String(n))
    const counts: number[] = []
    for (let second = 0; second < expected.length; second++) {
      counts.push(admitted.length)
      clock.tick(1_000)
    }
    // Up to 20 ms of lateness are made up for at the beginning.
    expect(counts.slice(1).every((count, n) => Math.abs(count - (expected[n + 1] ?? 0)) <= connectRate / 50 + 1)).toBe(
      true,
    )
  })

  test.each([
    [5, 95],
    [20, 80],
    [1_000, 80],
  ])('makes up for a timer that is %i ms late, up to 20 ms: the next follows after %i ms', (late, next) => {
    const { clock, wall, admitted, ask } = turnstile({ connectRate: 10 })
    for (let n = 0; n < 10; n++) ask(String(n))
    clock.tick(80)
    expect(admitted, 'nobody came in the 20 ms before').toHaveLength(2)
    wall.offset = late
    clock.tick(100)
    expect(admitted).toHaveLength(3)
    clock.tick(next - 1)
    expect(admitted).toHaveLength(3)
    clock.tick(1)
    expect(admitted).toHaveLength(4)
  })

  test.each([
    ['back', -HOUR],
    ['forward', HOUR],
  ])('goes on when the wall clock is set %s', (_, offset) => {
    const { clock, wall, admitted, ask } = turnstile({ connectRate: 10 })
    for (let n = 0; n < 50; n++) ask(String(n))
    clock.tick(1_000)
    const before = admitted.length
    wall.offset = offset
    clock.tick(1_000)
    expect(Math.abs(admitted.length - before - 10), 'not a burst, either').toBeLessThanOrEqual(1)
  })

  test('without a limit nobody waits, whatever the wall clock', () => {
    const { clock, wall, admitted, ask } = turnstile()
    ask('a')
    wall.offset = -HOUR
    ask('b')
    expect([admitted, clock.pending]).toEqual([['a', 'b'], 0])
  })

  test('a rate of one in a century is no hot loop', () => {
    const { clock, admitted, ask } = turnstile({ connectRate: 1e-10 })
    ask('a')
    ask('b')
    expect(clock.next(), 'as long as timers go').toBe(2 ** 31 - 1)
    clock.tick(HOUR)
    expect([admitted, clock.pending]).toEqual([['a'], 1])
  })

  test('leaves no timer behind when nobody waits any more', () => {
    const { clock, ask } = turnstile({ connectRate: 1 })
    ask('a')
    const giveUp = ask('b')
    expect(clock.pending).toBe(1)
    giveUp()
    expect(clock.pending).toBe(0)
  })
})
