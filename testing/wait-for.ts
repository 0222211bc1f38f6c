import { clearRealTimeout, setRealTimeout } from './real-time.ts'

/** How long to wait for a condition. */
export interface WaitOptions {
  /**
   * In milliseconds of real time, even if the test replaces the clock.
   *
   * @default 4_000, which is below Vitest's 5 s, so that this error is reported
   */
  timeout?: number
}

/** The truthy values of a type: `waitFor` never resolves to a falsy value. */
export type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>

/** Promises for conditions that are checked again after each change. */
export class Waiters {
  readonly #waiting = new Set<Waiter>()
  readonly #describe: () => string

  /** @param describe - describes the current state, for errors */
  constructor(describe: () => string) {
    this.#describe = describe
  }

  /** Checks now and after each change. Rejects after the timeout, if `look` throws, or if `cancel` is called. */
  wait<T>(what: string, look: () => T, { timeout = 4_000 }: WaitOptions = {}): Promise<Truthy<T>> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) => {
        clearRealTimeout(timer)
        this.#waiting.delete(waiter)
        done()
      }
      const fail = (why: string) => {
        settle(() => reject(new Error(`${why} waiting for ${what}. ${this.#describe()}`)))
      }
      const check = () => {
        try {
          const found = look()
          if (found) settle(() => resolve(found as Truthy<T>))
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
      }
      const waiter: Waiter = { check, cancel: () => fail('Closed while') }
      const timer = setRealTimeout(() => fail(`Gave up after ${timeout} ms`), timeout)
      this.#waiting.add(waiter)
      check()
    })
  }

  changed(): void {
    for (const waiter of this.#waiting) waiter.check()
  }

  cancel(): void {
    for (const waiter of this.#waiting) waiter.cancel()
  }
}

interface Waiter {
  check: () => void
  cancel: () => void
}
