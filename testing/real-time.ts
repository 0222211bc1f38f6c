// Taken when the module loads: a test that fakes the globals later still talks to a server on a real socket.
export const setRealTimeout = globalThis.setTimeout
export const clearRealTimeout = globalThis.clearTimeout

const elapsed = performance.now.bind(performance)
const origin = performance.timeOrigin

/** Milliseconds since the epoch, with a fraction, never faked. */
export function realNow(): number {
  return origin + elapsed()
}

/** Settles as `work` does, or rejects after `timeout` ms with an error that says what was waited for. */
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
