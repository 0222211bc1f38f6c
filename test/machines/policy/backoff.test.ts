import { describe, expect, test } from 'vitest'

import {
  backoffCeiling,
  backoffDelay,
  clampDelay,
  defaultReconnect,
  expectedDelay,
  exponentialRecovery,
  laterDelay,
  MAX_DELAY,
} from '../../../machines/index.ts'
import type { BackoffPolicy, Jitter } from '../../../machines/policy/backoff.ts'
import { seeded } from '../../../measure/lab/seeded.ts'
import { fc } from '../../support/property.ts'

const first = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
const sum = (delays: number[]) => delays.reduce((total, delay) => total + delay, 0)
const withJitter = (jitter: Jitter, policy: BackoffPolicy = defaultReconnect) => ({ ...policy, jitter })

describe('the ceilings of the default tiers, in seconds', () => {
  test.each([
    ['reconnect', defaultReconnect, [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]],
    ['recovery', exponentialRecovery, [60, 120, 240, 300, 300, 300, 300, 300, 300, 300]],
  ])('%s', (_, policy, ceilings) => {
    expect(first(10).map((attempt) => backoffCeiling(policy, attempt) / 1000)).toEqual(ceilings)
  })

  test.each([
    ['none', 487],
    ['equal', 365.25],
    ['full', 243.5],
  ] as const)('ten attempts with jitter %s take %d s on average', (jitter, total) => {
    expect(sum(first(10).map((attempt) => expectedDelay(withJitter(jitter), attempt))) / 1000).toBe(total)
  })

  test('50 attempts with a maxDelay of 300 s take 12,811 s', () => {
    const policy = { ...withJitter('none'), maxDelay: 300_000 }
    expect(sum(first(50).map((attempt) => backoffDelay(policy, attempt, Math.random)))).toBe(12_811_000)
  })
})

describe('jitter', () => {
  test.each<[string, Jitter, number, number[]]>([
    ['none ignores the random number', 'none', 0, [1000, 2000, 4000, 120_000]],
    ['the minimum of equal is half of the ceiling', 'equal', 0, [500, 1000, 2000, 60_000]],
    ['the maximum of equal is the ceiling', 'equal', 1, [1000, 2000, 4000, 120_000]],
    ['the minimum of full is 0', 'full', 0, [0, 0, 0, 0]],
    ['full in the middle is half of the ceiling', 'full', 0.5, [500, 1000, 2000, 60_000]],
    ['the maximum of full is the ceiling', 'full', 1, [1000, 2000, 4000, 120_000]],
    ['the minimum of decorrelated is the initial delay', 'decorrelated', 0, [1000, 1000, 1000, 1000]],
    [
      'a function gets the ceiling and the random function',
      (ceiling, random) => ceiling * random() + 1,
      0.25,
      [251, 501, 1001, 30_001],
    ],
  ])('%s', (_, jitter, chance, delays) => {
    expect([1, 2, 3, 9].map((attempt) => backoffDelay(withJitter(jitter), attempt, () => chance))).toEqual(delays)
  })

  test.each([
    [1_000, 3_000],
    [3_000, 9_000],
    [39_000, 117_000],
    [50_000, 120_000],
    [120_000, 120_000],
    [0, 1_000],
  ])('decorrelated after %d ms is at most %d ms', (previous, most) => {
    expect(backoffDelay(withJitter('decorrelated'), 5, () => 1, previous)).toBe(most)
    expect(backoffDelay(withJitter('decorrelated'), 5, () => 0, previous)).toBe(1_000)
  })

  test('the expected delay of decorrelated is its average', () => {
    const random = seeded(7)
    const policy = withJitter('decorrelated')
    const averages = first(6).map(() => 0)
    for (let run = 0; run < 20_000; run++) {
      let previous = policy.initialDelay
      for (const attempt of first(6)) {
        previous = backoffDelay(policy, attempt, random, previous)
        averages[attempt - 1]! += previous / 20_000
      }
    }
    for (const attempt of [1, 2, 3]) {
      const ratio = averages[attempt - 1]! / expectedDelay(policy, attempt)
      expect(Math.abs(ratio - 1), `attempt ${attempt}`).toBeLessThan(0.03)
    }
  })

  test.each(['equal', 'full', 'decorrelated'] as const)('%s spreads delays also at the ceiling', (jitter) => {
    const random = seeded(42)
    const policy = withJitter(jitter)
    const delays: number[] = []
    const tooLong: number[] = []
    for (let run = 0; run < 2_000; run++) {
      let previous = policy.initialDelay
      for (const attempt of first(20)) {
        previous = backoffDelay(policy, attempt, random, previous)
        delays.push(previous)
        const most = jitter === 'decorrelated' ? policy.maxDelay : backoffCeiling(policy, attempt)
        if (previous > most) tooLong.push(previous)
      }
    }
    expect(tooLong).toEqual([])
    expect(Math.max(...delays)).toBeLessThanOrEqual(policy.maxDelay)
    const atTheCap = delays.filter((delay) => delay > 0.99 * policy.maxDelay).length
    expect(atTheCap / delays.length).toBeLessThan(0.02)
  })

  test('a fleet spreads over the upper half with equal jitter', () => {
    const random = seeded(3)
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let run = 0; run < 10_000; run++) {
      const delay = backoffDelay(defaultReconnect, 10, random)
      tenths[Math.floor((delay - 60_000) / 6_000)]!++
    }
    for (const tenth of tenths) expect(tenth).toBeGreaterThan(800)
  })
})

describe('large attempts', () => {
  test.each([1_024, 1_025, 5_000, 1e9, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    'attempt %d has the maximum delay',
    (attempt) => {
      expect(backoffDelay(withJitter('none'), attempt, () => 0)).toBe(120_000)
      expect(backoffDelay(defaultReconnect, attempt, () => 0)).toBe(60_000)
      expect(backoffDelay(withJitter('none', exponentialRecovery), attempt, () => 0)).toBe(300_000)
    },
  )

  test('the longest possible timer is the limit without a maxDelay', () => {
    const policy = { ...withJitter('none'), maxDelay: Number.POSITIVE_INFINITY }
    expect([10, 21, 22, 23, 5_000].map((attempt) => backoffDelay(policy, attempt, () => 0))).toEqual([
      512_000,
      1_048_576_000,
      2_097_152_000,
      MAX_DELAY,
      MAX_DELAY,
    ])
  })

  test.each([0, -1, -1e9])('attempt %d counts as the first', (attempt) => {
    expect(backoffDelay(withJitter('none'), attempt, () => 0)).toBe(1_000)
  })
})

describe('a busy server is left alone for at least maxDelay', () => {
  test.each<[Jitter, number, number]>([
    ['none', 1, 120_000],
    ['equal', 0, 120_000],
    ['equal', 1, 180_000],
    ['full', 0, 120_000],
    ['decorrelated', 0.5, 150_000],
    [() => 0, 0, 120_000],
  ])('jitter %s, random %d: %d ms', (jitter, chance, delay) => {
    expect(laterDelay(withJitter(jitter), () => chance)).toBe(delay)
  })
})

describe('any delay is turned into one that timers accept', () => {
  test.each([
    [Number.NaN, MAX_DELAY],
    [Number.POSITIVE_INFINITY, MAX_DELAY],
    [Number.NEGATIVE_INFINITY, 0],
    [2 ** 31, MAX_DELAY],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [-1, 0],
    [0, 0],
    [1.5, 2],
    [0.1, 1],
    [-0.5, 0],
  ])('%d becomes %d', (delay, clamped) => {
    expect(clampDelay(delay)).toBe(clamped)
  })

  test.each<[string, Jitter, () => number]>([
    ['a jitter that throws', () => broken(), () => 0],
    ['a jitter that returns NaN', () => Number.NaN, () => 0],
    ['a jitter that returns no number', () => 'soon' as never, () => 0],
    ['a jitter that is negative', () => -1, () => 0],
    ['a jitter with an unknown name', 'qual' as never, () => 0],
    ['no jitter', null as never, () => 0],
    ['a random number below 0', 'full', () => -1],
    ['a random function that throws', 'full', () => broken()],
    ['a random number that is NaN', 'equal', () => Number.NaN],
    ['a random number that is undefined', 'full', () => undefined as never],
    ['a random number above 1', 'equal', () => 1e9],
    ['a random function that throws in a jitter', (ceiling, random) => ceiling * random(), () => broken()],
  ])('%s results in the ceiling', (_, jitter, random) => {
    expect(backoffDelay(withJitter(jitter), 3, random)).toBe(4_000)
  })

  test.each<[string, Partial<Record<keyof BackoffPolicy, unknown>>, number]>([
    ['an initial delay below 0', { initialDelay: -5 }, 120_000],
    ['an initial delay that is NaN', { initialDelay: Number.NaN }, 120_000],
    ['an initial delay that is null', { initialDelay: null }, 120_000],
    ['an initial delay that is text', { initialDelay: '1000' }, 120_000],
    ['a multiplier below 0', { multiplier: -2 }, 120_000],
    ['a multiplier that is null', { multiplier: null }, 120_000],
    ['a maximal delay below 0', { initialDelay: -5, maxDelay: -5 }, MAX_DELAY],
    ['a maximal delay that is null', { initialDelay: null, maxDelay: null }, MAX_DELAY],
  ])('%s results in the longest delay', (_, wrong, delay) => {
    for (const jitter of ['none', 'equal', 'full', 'decorrelated', 'qual' as never] satisfies Jitter[]) {
      const policy = { ...withJitter(jitter), ...wrong } as BackoffPolicy
      expect(backoffDelay(policy, 3, () => 1, policy.initialDelay)).toBe(delay)
      expect(laterDelay(policy, () => 0)).toBe(policy.maxDelay > 0 ? 120_000 : MAX_DELAY)
    }
  })

  const odd = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, -1, 1e308, 2 ** 31),
  )
  const oddChance: fc.Arbitrary<() => number> = fc.oneof(
    odd.map((value) => () => value),
    fc.constant(() => broken()),
    fc.constant(() => undefined as never),
  )
  const oddJitter: fc.Arbitrary<Jitter> = fc.oneof(
    fc.constantFrom<Jitter[]>('none', 'equal', 'full', 'decorrelated'),
    oddChance,
    fc.constant((ceiling: number, random: () => number) => ceiling * random()),
  )

  test('for every policy and random number', () => {
    const policies = fc.record({ initialDelay: odd, multiplier: odd, maxDelay: odd, jitter: oddJitter })
    fc.assert(
      fc.property(policies, odd, oddChance, odd, (policy, attempt, random, previous) => {
        const delays = [
          backoffCeiling(policy, attempt),
          backoffDelay(policy, attempt, random, previous),
          backoffDelay(policy, attempt, random),
          laterDelay(policy, random),
          expectedDelay(policy, Math.min(attempt, 1_000)),
        ]
        expect(delays.filter((delay) => !(delay >= 0 && delay <= MAX_DELAY))).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  test('a valid policy stays below its maxDelay, and above half of the ceiling with equal jitter', () => {
    const policies = fc.record({
      initialDelay: fc.integer({ min: 1, max: 10_000 }),
      multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
      maxDelay: fc.integer({ min: 10_000, max: 3_600_000 }),
      jitter: fc.constantFrom<Jitter[]>('none', 'equal', 'full', 'decorrelated'),
    })
    const chances = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 100_000 }), chances, (policy, attempt, chance) => {
        const delay = backoffDelay(policy, attempt, () => chance)
        expect(delay).toBeLessThanOrEqual(policy.maxDelay)
        const least = policy.jitter === 'equal' ? backoffCeiling(policy, attempt) / 2 : 0
        expect(delay).toBeGreaterThanOrEqual(least)
      }),
    )
  })
})

function broken(): never {
  throw new Error('broken')
}
