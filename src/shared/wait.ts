import { clampDelay } from '../../machines/policy/backoff.ts'
import type { Clock } from '../api/clock.ts'
import { onAbort } from './abort.ts'

export interface WaitOptions {
  /** Ends the wait when it aborts. */
  readonly signal?: AbortSignal | undefined
  readonly timeout?: WaitTimeout | undefined
}

export interface WaitTimeout {
  /** In milliseconds. */
  readonly after: number
  readonly clock: Clock
  readonly error: () => Error
}

/** Ends a wait. */
export interface Ending<Value> {
  resolve(value: Value): void
  reject(error: unknown): void
}

/**
 * Waits until `start` resolves or rejects. However the wait ends, all its listeners and timers are removed.
 *
 * @param start - begins to listen, and returns functions that stop listening
 */
function wait<Value>(options: WaitOptions, start: (ending: Ending<Value>) => (() => void)[]): Promise<Value> {
  const { signal, timeout } = options
  const { promise, resolve, reject } = deferred<Value>()
  const stops: (() => void)[] = []
  let ended = false
  const end = () => {
    ended = true
    for (const stop of stops.splice(0)) stop()
  }
  const ending: Ending<Value> = {
    resolve: (value) => {
      end()
      resolve(value)
    },
    reject: (error) => {
      end()
      reject(error)
    },
  }

  if (signal?.aborted) {
    ending.reject(signal.reason)
    return promise
  }
  if (signal) stops.push(onAbort(signal, () => ending.reject(signal.reason)))
  if (timeout) {
    const timer = timeout.clock.setTimeout(() => ending.reject(timeout.error()), clampDelay(timeout.after))
    stops.push(() => timeout.clock.clearTimeout(timer))
  }
  stops.push(...start(ending))
  // `start` may have ended the wait already.
  if (ended) end()
  return promise
}

/** Pending waits, which can be rejected together. */
export class Waits {
  #endings: Set<Ending<never>> | undefined

  async wait<Value>(options: WaitOptions, start: (ending: Ending<Value>) => (() => void)[]): Promise<Value> {
    return wait<Value>(options, (ending) => {
      const endings = (this.#endings ??= new Set())
      endings.add(ending)
      return [() => this.#ended(ending, endings), ...start(ending)]
    })
  }

  get size(): number {
    return this.#endings?.size ?? 0
  }

  reject(error: unknown): void {
    for (const ending of this.#endings ?? []) ending.reject(error)
  }

  #ended(ending: Ending<never>, endings: Set<Ending<never>>): void {
    endings.delete(ending)
    if (endings.size === 0 && this.#endings === endings) this.#endings = undefined
  }
}

/** Waits for a promise with a time limit. A later result is ignored. */
export function inTime<Value>(promise: Promise<Value>, timeout: WaitTimeout): Promise<Value> {
  return wait<Value>({ timeout }, (ending) => {
    promise.then(
      (value) => ending.resolve(value),
      (error: unknown) => ending.reject(error),
    )
    return []
  })
}

/** Node 20 has no `Promise.withResolvers`. */
export function deferred<Value>() {
  let resolve!: (value: Value) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
