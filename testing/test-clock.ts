import type { ResilientMqttClient } from '../src/client.ts'
import { nextTurn } from './real-time.ts'
import { type RetryOptions, runToNextRetry } from './run-to-next-retry.ts'
import { type Timer, TimerQueue } from './timer-queue.ts'
import type { WaitOptions } from './wait-for.ts'

/** Options of `createTestClock`. */
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

type Status = ResilientMqttClient['status']

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
  /**
   * Moves the time to the next attempt of a client that runs on this clock, as `runToNextRetry` does.
   *
   * @returns the status after the attempt: `connected`, or waiting for the next one, or `failed`
   * @throws {Error} if the client has this clock as its option `clock`, but not `clock.now` as `now`; and after `timeout`
   *   milliseconds of real time, if the client waits for no attempt, or the attempt does not end
   */
  runToNextRetry(client: ResilientMqttClient, options?: WaitOptions): Promise<Status>
  /** The same for several clients, such as `fleet.clients`: moves the time to the first attempt of any of them. */
  runToNextRetry(clients: Iterable<ResilientMqttClient>, options?: WaitOptions): Promise<Status[]>
  /** The clock as separate functions, which can be passed on one by one. */
  readonly timers: TestTimers
}

/**
 * Creates a clock that does not touch the globals: a day of waiting passes in milliseconds. As in Node, a delay above 2³¹−1
 * milliseconds fires after 1 millisecond.
 *
 * @throws {RangeError} from `tick` and `tickAsync`, if `ms` is not a finite number of at least 0
 */
export function createTestClock({ now = 0 }: TestClockOptions = {}): TestClock {
  const queue = new TimerQueue(milliseconds('now', now))
  const time = () => queue.now
  const set = (isRepeated: boolean) =>
    ((callback: (...values: unknown[]) => void, ms = 0, ...values: unknown[]) =>
      queue.set(() => callback(...values), ms, isRepeated)) as unknown
  const clear = (timer: unknown) => queue.clear(timer)

  const clock: TestClock = {
    setTimeout: (callback, ms) => queue.set(callback, ms, false),
    clearTimeout: clear,
    now: time,
    get pending() {
      return queue.size
    },
    tick: (ms) => fireUntil(queue, queue.now + milliseconds('tick', ms)),
    tickAsync: async (ms) => await fireUntilAsync(queue, milliseconds('tickAsync', ms)),
    next: () => fireUntil(queue, queue.first?.at ?? queue.now, queue.first),
    async nextAsync() {
      await nextTurn()
      clock.next()
      await nextTurn()
      return queue.now
    },
    runToLast: () => fireUntil(queue, queue.lastAt ?? queue.now),
    async runToLastAsync() {
      await nextTurn()
      return await fireUntilAsync(queue, (queue.lastAt ?? queue.now) - queue.now)
    },
    runToNextRetry: ((clients: ResilientMqttClient, options: WaitOptions) =>
      runToNextRetry(clients, {
        ...options,
        now: time,
        advance: (ms) => fireUntilAsync(queue, ms),
      } satisfies RetryOptions)) as TestClock['runToNextRetry'],
    timers: {
      setTimeout: set(false) as typeof globalThis.setTimeout,
      clearTimeout: clear,
      setInterval: set(true) as typeof globalThis.setInterval,
      clearInterval: clear,
      now: time,
    },
  }
  return clock
}

/**
 * Fires what is due, and then throws the first error of a callback.
 *
 * @param last - the only timer to fire, instead of all
 * @returns the new time
 */
function fireUntil(queue: TimerQueue, end: number, last?: Timer): number {
  const errors = new Errors()
  queue.moves++
  for (let timer = due(queue, end); timer; timer = timer === last ? undefined : due(queue, end)) {
    errors.catch(queue, timer)
  }
  return arrive(queue, end, errors)
}

async function fireUntilAsync(queue: TimerQueue, ms: number): Promise<number> {
  await nextTurn()
  const end = queue.now + ms
  const errors = new Errors()
  queue.moves++
  for (let timer = due(queue, end); timer; timer = due(queue, end)) {
    errors.catch(queue, timer)
    await nextTurn()
  }
  return arrive(queue, end, errors)
}

function arrive(queue: TimerQueue, end: number, errors: Errors): number {
  queue.moves--
  queue.now = Math.max(queue.now, end)
  errors.throwFirst()
  return queue.now
}

function due({ first }: TimerQueue, end: number): Timer | undefined {
  return first && first.at <= end ? first : undefined
}

/** The errors of callbacks. One that throws must not keep the others from firing. */
class Errors {
  #first: { readonly error: unknown } | undefined

  catch(queue: TimerQueue, timer: Timer): void {
    try {
      queue.fire(timer)
    } catch (error) {
      this.#first ??= { error }
    }
  }

  throwFirst(): void {
    if (this.#first) throw this.#first.error
  }
}

function milliseconds(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name} must be a finite number of milliseconds of at least 0, got ${String(value)}`)
}
