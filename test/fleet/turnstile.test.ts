import { describe, expect, test } from 'vitest'

import { Turnstile } from '../../src/fleet/turnstile.ts'
import { createTestClock } from '../../testing/index.ts'

function turnstile(options: { maxConnecting?: number; connectRate?: number } = {}) {
  const clock = createTestClock()
  const { maxConnecting = Number.POSITIVE_INFINITY, connectRate = Number.POSITIVE_INFINITY } = options
  /** The offset of the wall clock, in milliseconds. */
  const wall = { offset: 0 }
  const gate = new Turnstile({ maxConnecting, connectRate, clock, now: () => clock.now() + wall.offset })
  const admitted: string[] = []
  const ask = (name: string) => gate.ask(() => admitted.push(name))
  return { clock, wall, gate, admitted, ask }
}

const HOUR = 3_600_000

describe('a limit of attempts at a time', () => {
  test('admits no attempt beyond the limit, and keeps the order', () => {
    const { gate, admitted, ask } = turnstile({ maxConnecting: 2 })
    const [first] = ['a', 'b', 'c', 'd'].map(ask)
    expect(admitted).toEqual(['a', 'b'])
    expect([gate.inside, gate.waiting]).toEqual([2, 2])
    first?.()
    expect(admitted).toEqual(['a', 'b', 'c'])
    expect([gate.inside, gate.waiting]).toEqual([2, 1])
  })

  test('puts an attempt that returns at the end of the queue', () => {
    const { admitted, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    const leaveB = ask('b')
    ask('c')
    leave()
    ask('a')
    leaveB()
    expect(admitted).toEqual(['a', 'b', 'c'])
  })

  test('never admits an attempt that left the queue', () => {
    const { gate, admitted, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    const giveUp = ask('b')
    ask('c')
    giveUp()
    leave()
    expect(admitted).toEqual(['a', 'c'])
    expect([gate.inside, gate.waiting]).toEqual([1, 0])
  })

  test('counts an attempt that leaves twice once', () => {
    const { gate, ask } = turnstile({ maxConnecting: 1 })
    const leave = ask('a')
    ask('b')
    leave()
    leave()
    expect([gate.inside, gate.waiting]).toEqual([1, 0])
  })

  test('admits a long queue in order if each attempt leaves at once', () => {
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

  test('frees the place of an attempt that leaves during its admission', () => {
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

describe('a limit of attempts per second', () => {
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
    // At the beginning, up to 20 ms of lateness are compensated.
    expect(counts.slice(1).every((count, n) => Math.abs(count - (expected[n + 1] ?? 0)) <= connectRate / 50 + 1)).toBe(
      true,
    )
  })

  test.each([
    [5, 95],
    [20, 80],
    [1_000, 80],
  ])('compensates up to 20 ms of a timer that is %i ms late: the next follows after %i ms', (late, next) => {
    const { clock, wall, admitted, ask } = turnstile({ connectRate: 10 })
    for (let n = 0; n < 10; n++) ask(String(n))
    clock.tick(80)
    expect(admitted, 'no attempt was admitted in the 20 ms before').toHaveLength(2)
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
    expect(Math.abs(admitted.length - before - 10), 'and without a burst').toBeLessThanOrEqual(1)
  })

  test('admits at once without a limit, whatever the wall clock says', () => {
    const { clock, wall, admitted, ask } = turnstile()
    ask('a')
    wall.offset = -HOUR
    ask('b')
    expect([admitted, clock.pending]).toEqual([['a', 'b'], 0])
  })

  test('makes no hot loop at a rate of one attempt in a century', () => {
    const { clock, admitted, ask } = turnstile({ connectRate: 1e-10 })
    ask('a')
    ask('b')
    expect(clock.next(), 'the longest possible timer').toBe(2 ** 31 - 1)
    clock.tick(HOUR)
    expect([admitted, clock.pending]).toEqual([['a'], 1])
  })

  test('leaves no timer when the queue is empty', () => {
    const { clock, ask } = turnstile({ connectRate: 1 })
    ask('a')
    const giveUp = ask('b')
    expect(clock.pending).toBe(1)
    giveUp()
    expect(clock.pending).toBe(0)
  })
})
