import { describe, expect, test } from 'vitest'

import { createTestClock } from '../../src/testing/index.ts'
import { Turnstile } from '../../src/turnstile.ts'

function turnstile(options: { maxConnecting?: number; connectRate?: number } = {}) {
  const clock = createTestClock()
  const { maxConnecting = Number.POSITIVE_INFINITY, connectRate = Number.POSITIVE_INFINITY } = options
  const gate = new Turnstile({ maxConnecting, connectRate, clock, now: clock.now })
  const admitted: string[] = []
  const ask = (name: string) => gate.ask(() => admitted.push(name))
  return { clock, gate, admitted, ask }
}

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

  test('leaves no timer behind when nobody waits any more', () => {
    const { clock, ask } = turnstile({ connectRate: 1 })
    ask('a')
    const giveUp = ask('b')
    expect(clock.pending).toBe(1)
    giveUp()
    expect(clock.pending).toBe(0)
  })
})
