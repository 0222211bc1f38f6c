import { onAbort } from '../../src/shared/abort.ts'

/** Ends the run at Ctrl-C. What is known until then is reported. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The timers of a check. Tests pass a clock of their own, on which minutes take no time. */
export interface LabClock {
  setTimeout(callback: () => void, delay: number): unknown
  clearTimeout(id: unknown): void
  /** Time that never jumps, in milliseconds. */
  now(): number
}

/** What every check needs: time, the end of the run, and a place to show what it waits for. */
export interface Lab {
  readonly clock: LabClock
  /** The time of day, in milliseconds since 1970. */
  readonly today: () => number
  readonly signal: AbortSignal
  /** How long a server may take for one answer, in milliseconds. */
  readonly patience: number
  /** A client id that no other client has. */
  readonly newClientId: () => string
  /** Shows that something is waited for. @returns hides it */
  readonly waiting: (what: string, atMost: number) => () => void
  /** Called with all sockets, so that the end of the run closes those that are still open. */
  readonly opened: (socket: Closable) => void
}

export interface Closable {
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

/**
 * Waits for a promise, and shows that.
 *
 * @param atMost - in milliseconds
 * @returns `undefined` if it takes longer
 * @throws {Interrupted} at Ctrl-C
 */
export function within<Value>(
  lab: Pick<Lab, 'clock' | 'signal' | 'waiting'>,
  what: string,
  atMost: number,
  promise: Promise<Value>,
): Promise<Value | undefined> {
  const { clock, signal, waiting } = lab
  const hide = waiting(what, atMost)
  if (signal.aborted) {
    hide()
    promise.catch(() => {})
    return Promise.reject(new Interrupted())
  }
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clock.clearTimeout(timer)
      stop()
      hide()
      settle()
    }
    const timer = clock.setTimeout(() => end(() => resolve(undefined)), atMost)
    const stop = onAbort(signal, () => end(() => reject(new Interrupted())))
    promise.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}
