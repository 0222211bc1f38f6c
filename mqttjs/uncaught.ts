/**
 * Calls a function of the application. What it throws becomes an uncaught exception, as with MQTT.js, and does not disturb the
 * code that calls it.
 */
export function callUncaught<Values extends unknown[]>(call: (...values: Values) => unknown, ...values: Values): void {
  try {
    call(...values)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** A callback of the application, as `callUncaught` calls it. */
export function uncaught<Values extends unknown[]>(
  callback: (...values: Values) => unknown,
): (...values: Values) => void {
  return (...values) => callUncaught(callback, ...values)
}
