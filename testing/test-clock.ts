import type * as FakeTimers from '@sinonjs/fake-timers'

import { requirePeer } from './peer-dependency.ts'

export interface TestClockOptions {
  /** The time at the start, in milliseconds since the epoch. @default 0 */
  now?: number
}

/** The timer functions of a test clock, with the signatures of the globals. */
export interface TestTimers {
  setTimeout: typeof globalThis.setTimeout
  clearTimeout: typeof globalThis.clearTimeout
  setInterval: typeof globalThis.setInterval
  clearInterval: typeof globalThis.clearInterval
  now: () => number
}

/** A clock that only moves when a test moves it. Pass it to XState: `createActor(machine, { clock })`. */
export interface TestClock {
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(id: unknown): void
  /** The clock's time in milliseconds since the epoch. */
  now(): number
  /** The number of waiting timers, including intervals. */
  readonly pending: number
  /** Moves the time by `ms` milliseconds, and fires the timers that are due, synchronously. Returns the new time. */
  tick(ms: number): number
  /** Like `tick`, but promises and immediates run before, between and after the timers. */
  tickAsync(ms: number): Promise<number>
  /** Moves the time to the first waiting timer and fires it. Returns the new time, unchanged if no timer waits. */
  next(): number
  /** Like `next`, but promises run before and after the timer. */
  nextAsync(): Promise<number>
  /** Moves the time to the last waiting timer. Timers that are set meanwhile fire too if they are due before it. */
  runToLast(): number
  /** Like `runToLast`, but promises run between the timers. */
  runToLastAsync(): Promise<number>
  /** The clock as separate functions, which can be passed on one by one. */
  readonly timers: TestTimers
}

/**
 * Creates a clock on `@sinonjs/fake-timers` that does not touch the globals: a day of waiting passes in milliseconds. As
 * in Node, a delay above 2³¹−1 milliseconds fires after 1 millisecond.
 *
 * @throws {Error} if the optional package `@sinonjs/fake-timers` is not installed
 * @throws {RangeError} from `tick` and `tickAsync`, if `ms` is not a finite number of at least 0
 */
export function createTestClock({ now = 0 }: TestClockOptions = {}): TestClock {
  const peer = requirePeer<typeof FakeTimers>('@sinonjs/fake-timers', 'createTestClock')
  const fake = peer.createClock(milliseconds('now', now))
  const time = () => fake.now

  return {
    setTimeout: (callback, ms) => fake.setTimeout(callback, ms),
    clearTimeout: (id) => fake.clearTimeout(id as Parameters<typeof fake.clearTimeout>[0]),
    now: time,
    get pending() {
      return fake.countTimers()
    },
    tick: (ms) => fake.tick(milliseconds('tick', ms)),
    tickAsync: async (ms) => await fake.tickAsync(milliseconds('tickAsync', ms)),
    next: () => fake.next(),
    nextAsync: () => fake.nextAsync(),
    runToLast: () => fake.runToLast(),
    runToLastAsync: () => fake.runToLastAsync(),
    timers: {
      setTimeout: fake.setTimeout as unknown as typeof globalThis.setTimeout,
      clearTimeout: fake.clearTimeout as unknown as typeof globalThis.clearTimeout,
      setInterval: fake.setInterval as unknown as typeof globalThis.setInterval,
      clearInterval: fake.clearInterval as unknown as typeof globalThis.clearInterval,
      now: time,
    },
  }
}

// fake-timers would also accept a text such as '01:00', and silently ignore NaN. Here, both are errors.
function milliseconds(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name} must be a finite number of milliseconds of at least 0, got ${String(value)}`)
}
