import { soon } from '../src/shared/soon.ts'

/**
 * Calls a function of the application. What it throws becomes an uncaught exception, as with MQTT.js, and does not disturb the
 * code that calls it.
 */
export function callUncaught<Values extends unknown[]>(call: (...values: Values) => unknown, ...values: Values): void {
  try {
    call(...values)
  } catch (error) {
    soon(() => throwUncaught(error))
  }
}

/** A callback of the application, as `callUncaught` calls it. */
export function uncaught<Values extends unknown[]>(
  callback: (...values: Values) => unknown,
): (...values: Values) => void {
  return (...values) => callUncaught(callback, ...values)
}

/**
 * By a listener, because what a listener throws is an uncaught exception. What a promise throws is an unhandled rejection,
 * and fake timers may hold `queueMicrotask` and timers until the test moves the time.
 */
function throwUncaught(error: unknown): void {
  const rethrow = () => {
    throw error
  }
  // React Native has none.
  if (typeof EventTarget === 'undefined') return void setTimeout(rethrow, 0)
  const target = new EventTarget()
  target.addEventListener('error', rethrow)
  target.dispatchEvent(new Event('error'))
}
