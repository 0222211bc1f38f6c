// Taken when the module loads: a test that replaces the globals later still uses real sockets, which need real time.
export const setRealTimeout = globalThis.setTimeout
export const clearRealTimeout = globalThis.clearTimeout

const elapsed = performance.now.bind(performance)
const origin = performance.timeOrigin

/** The real time in milliseconds since the epoch, with a fraction. */
export function realNow(): number {
  return origin + elapsed()
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
