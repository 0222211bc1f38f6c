import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'

// Taken when the module loads, from Node's module and not from the globals, which the fake timers of a test replace. Real
// sockets need real time.
export const setRealTimeout = unfaked('setTimeout')
export const clearRealTimeout = unfaked('clearTimeout')
const setRealImmediate = unfaked('setImmediate')

const elapsed = performance.now.bind(performance)
const origin = performance.timeOrigin

/** The real time in milliseconds since the epoch, with a fraction. */
export function realNow(): number {
  return origin + elapsed()
}

/** Resolves in the next turn of the event loop, after promises, and after what has arrived on sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setRealImmediate(() => resolve())
  })
}

/** Settles like `work`, or rejects after `timeout` milliseconds with an error that names what took too long. */
export async function within<T>(work: Promise<T>, timeout: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setRealTimeout(() => reject(new Error(`${what} took more than ${timeout} ms`)), timeout)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearRealTimeout(timer)
  }
}

/**
 * The real function, also if this module is first imported under fake timers: those of vitest replace the functions of
 * `node:timers`, too, and keep the real ones as `_setTimeout` and so on of their clock.
 */
function unfaked<Name extends 'setTimeout' | 'clearTimeout' | 'setImmediate'>(name: Name): (typeof timers)[Name] {
  const found: (typeof timers)[Name] & { readonly clock?: Readonly<Record<string, unknown>> } = timers[name]
  return (found.clock?.[`_${name}`] ?? found) as (typeof timers)[Name]
}
