import { clearRealTimeout, setRealTimeout } from './real-time.ts'

export interface WaitOptions {
  /** Real time in ms, whatever the test's clock says. @default 4000, below Vitest's 5 s, so that this error is seen */
  timeout?: number
}

/** What a waited-for value resolves to: a predicate's falsy results never get out. */
export type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>

/** Promises for conditions that are looked at again on every change. */
export class Waiters {
  readonly #waiting = new Set<Waiter>()
  readonly #describe: () => string

  /** `describe` says what there is instead, for the error. */
  constructor(describe: () => string) {
    this.#describe = describe
  }

  /** Looks now and at every change. Rejects after the timeout, when `look` throws, or when the waiting is called off. */
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
