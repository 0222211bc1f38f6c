import type { Clock } from './options.ts'

export interface WaitOptions {
  /** Gives up waiting when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** In milliseconds. */
  readonly timeout?: { readonly after: number; readonly clock: Clock; readonly error: () => Error } | undefined
}

/** How a wait ends. */
export interface Ending<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/**
 * Waits for what `start` tells of. Whatever ends the wait, everything that it set up is taken down again.
 *
 * @param start - begins to listen; returns how to stop that
 */
export function wait<T>(options: WaitOptions, start: (ending: Ending<T>) => () => void): Promise<T> {
  const { signal, timeout } = options
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    let stop: (() => void) | undefined
    let ended = false
    const end = () => {
      ended = true
      stop?.()
      signal?.removeEventListener('abort', onAbort)
      if (timeout) timeout.clock.clearTimeout(timer)
    }
    const ending: Ending<T> = {
      resolve(value) {
        end()
        resolve(value)
      },
      reject(error) {
        end()
        reject(error)
      },
    }
    const onAbort = () => ending.reject(signal?.reason)
    const timer = timeout?.clock.setTimeout(() => ending.reject(timeout.error()), timeout.after)
    signal?.addEventListener('abort', onAbort)
    stop = start(ending)
    if (ended) stop()
  })
}
