import { inNextTurn } from './next-turn.ts'
import { nothing } from './nothing.ts'

/**
 * A promise whose rejection does not end the process if no code handles it. It detects handlers because `await`,
 * `then`, `catch` and `Promise.all` all call its `then`. Derived promises are ordinary promises.
 */
class WatchedPromise<Value> extends Promise<Value> {
  #handled = false

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Whether code has called `then` on the promise. */
  static isHandled(promise: WatchedPromise<unknown>): boolean {
    return promise.#handled
  }

  // oxlint-disable-next-line unicorn/no-thenable -- It is a promise.
  override then<Result = Value, Failure = never>(
    onFulfilled?: ((value: Value) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    this.#handled = true
    return super.then(onFulfilled, onRejected)
  }
}

interface Rejection {
  readonly isHandled: () => boolean
  readonly report: () => void
}

/**
 * Reports rejections of watched promises that no code handles by the end of the next turn of the event loop. This
 * wait uses no clock, which may stand still in a test.
 */
export class Rejections {
  #recent: Rejection[] = []

  /** @param report - called later if no code has handled the rejection */
  add(promise: Promise<unknown>, isHandled: () => boolean, report: () => void): void {
    // Not the promise's own `then`, which would count as a handler. For the process, the rejection is now handled.
    void Promise.prototype.then.call(promise, undefined, nothing)
    this.#recent.push({ isHandled, report })
    if (this.#recent.length === 1) inNextTurn(() => this.#look())
  }

  /** Turns an ordinary promise into a watched one. */
  watch<Value>(promise: Promise<Value>, report: (error: unknown) => void): Promise<Value> {
    const watched: WatchedPromise<Value> = new WatchedPromise((resolve, reject) => {
      promise.then(resolve, (error: unknown) => {
        reject(error)
        this.add(
          watched,
          () => WatchedPromise.isHandled(watched),
          () => report(error),
        )
      })
    })
    return watched
  }

  #look(): void {
    const recent = this.#recent
    this.#recent = []
    for (const { isHandled, report } of recent) if (!isHandled()) report()
  }
}
