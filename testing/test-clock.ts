import type * as FakeTimers from '@sinonjs/fake-timers'
import { requirePeer } from './peer-dependency.ts'

export interface TestClockOptions {
  /** The time at the start, in ms since the epoch. @default 0 */
  now?: number
}

/** Timers shaped like the globals, bound to a test clock. */
export interface TestTimers {
  setTimeout: typeof globalThis.setTimeout
  clearTimeout: typeof globalThis.clearTimeout
  setInterval: typeof globalThis.setInterval
  clearInterval: typeof globalThis.clearInterval
  now: () => number
}

/** A clock that stands still until a test moves it. Give it to XState as `createActor(machine, { clock })`. */
export interface TestClock {
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(id: unknown): void
  /** The clock's time in ms. */
  now(): number
  /** How many timers wait, intervals included. */
  readonly pending: number
  /** Moves on by `ms` and fires what falls due, synchronously; returns the new time. */
  tick(ms: number): number
  /** Like `tick`, and lets promises and the event loop's immediates run before, between and after timers. */
  tickAsync(ms: number): Promise<number>
  /** Moves on to the first waiting timer and fires it; returns the new time, unchanged when none waits. */
  next(): number
  /** Like `next`, and lets promises run before and after. */
  nextAsync(): Promise<number>
  /** Moves on to the timer that is the last one now; timers set meanwhile fire if they fall due before it. */
  runToLast(): number
  /** Like `runToLast`, and lets promises run between timers. */
  runToLastAsync(): Promise<number>
  /** The same clock for whatever takes the five timer functions, bound: safe to pass on one by one. */
  readonly timers: TestTimers
}

/**
 * Makes a clock on `@sinonjs/fake-timers` that touches no globals: a day of waiting passes in milliseconds. It follows
 * Node: a delay above 2³¹−1 ms fires after 1 ms.
 *
 * @throws Error when the optional package `@sinonjs/fake-timers` is not installed.
 * @throws RangeError from `tick` and `tickAsync` when `ms` is not a finite number of at least 0.
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

// fake-timers also takes strings such as '01:00' and turns NaN into a silent no-op: one unit, and a loud mistake.
function milliseconds(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name} must be a finite number of milliseconds of at least 0, got ${String(value)}`)
}
