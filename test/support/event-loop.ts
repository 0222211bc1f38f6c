import { setImmediate as turn } from 'node:timers/promises'

/** Lets the event loop turn `n` times, so that pending socket work of this process happens. */
export async function turns(n = 5): Promise<void> {
  for (let i = 0; i < n; i++) await turn()
}

/**
 * Looks again at each turn of the event loop until `look` returns something truthy.
 *
 * @param what - it waits for, for the message of the error; a function is called when the time is over
 * @param timeout - in milliseconds, after which it throws
 */
export async function until(
  look: () => unknown,
  what: string | (() => string) = String(look),
  timeout = 8_000,
): Promise<void> {
  const deadline = Date.now() + timeout
  while (!look()) {
    if (Date.now() > deadline) {
      throw new Error(`Gave up after ${timeout} ms waiting for ${typeof what === 'string' ? what : what()}`)
    }
    await turn()
  }
}

/** Whether a promise is still pending after all due work is done. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const done = () => void (pending = false)
  promise.then(done, done)
  await turns()
  return pending
}
