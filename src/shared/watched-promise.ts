import { realClock } from './clock.ts'
import { nothing } from './nothing.ts'

/**
 * A promise that does not end the process if it rejects and no code looks at it. `await`, `then`, `catch` and
 * `Promise.all` call its `then`, by which it knows. What is derived from it, by `then` for one, is an ordinary promise.
 */
class WatchedPromise<Value> extends Promise<Value> {
  #taken = false

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Whether code waits for it, or has. */
  static isTaken(promise: WatchedPromise<unknown>): boolean {
    return promise.#taken
  }

  // oxlint-disable-next-line unicorn/no-thenable -- It is a promise.
  override then<Result = Value, Failure = never>(
    onFulfilled?: ((value: Value) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    this.#taken = true
    return super.then(onFulfilled, onRejected)
  }
}

interface Rejection {
  readonly isTaken: () => boolean
  readonly tell: () => void
}

/**
 * Rejections of watched promises. Code has until the end of the next turn of the event loop to take one: then it is told
 * as one that no code took. That is no wait on the client's clock, which may stand still in a test.
 */
export class Rejections {
  #recent: Rejection[] = []

  /** @param tell - is called later, if no code takes the rejection before */
  add(promise: Promise<unknown>, isTaken: () => boolean, tell: () => void): void {
    // Past the promise's own `then`: for the process it counts as handled.
    void Promise.prototype.then.call(promise, undefined, nothing)
    this.#recent.push({ isTaken, tell })
    if (this.#recent.length === 1) realClock.setTimeout(() => this.#look(), 0)
  }

  /** Makes a watched promise of an ordinary one. */
  watch<Value>(promise: Promise<Value>, tell: (error: unknown) => void): Promise<Value> {
    const watched: WatchedPromise<Value> = new WatchedPromise((resolve, reject) => {
      promise.then(resolve, (error: unknown) => {
        reject(error)
        this.add(
          watched,
          () => WatchedPromise.isTaken(watched),
          () => tell(error),
        )
      })
    })
    return watched
  }

  #look(): void {
    const recent = this.#recent
    this.#recent = []
    for (const { isTaken, tell } of recent) if (!isTaken()) tell()
  }
}
