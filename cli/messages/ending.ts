import { TIMED_OUT } from '../exit-codes.ts'
import type { Shell } from '../shell.ts'

/** The end of a run: the first reason wins, and gives the exit code. */
export class Ending {
  readonly #controller = new AbortController()
  #code: number | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** `undefined` as long as it runs. */
  get code(): number | undefined {
    return this.#code
  }

  readonly end = (code: number): void => {
    if (this.#code !== undefined) return
    this.#code = code
    this.#controller.abort()
  }

  /** Resolves with the exit code at the end, and keeps the process alive until then: between two attempts, nothing else does. */
  async wait(): Promise<number> {
    const alive = setInterval(() => {}, 2 ** 31 - 1)
    await aborted(this.signal)
    clearInterval(alive)
    return this.#code ?? 0
  }
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Ends a run at Ctrl-C and, with the exit code 27, after a time. */
export function endAt(ending: Ending, shell: Pick<Shell, 'interruption' | 'clock'>, wait: number | undefined): void {
  const { signal } = shell.interruption()
  void aborted(signal).then(() => ending.end(0))
  if (wait === undefined) return
  const timer = shell.clock.setTimeout(() => ending.end(TIMED_OUT), wait)
  void aborted(ending.signal).then(() => shell.clock.clearTimeout(timer))
}
