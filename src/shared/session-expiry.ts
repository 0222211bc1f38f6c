/** The Session Expiry Interval of a session that never expires (MQTT 5 §3.1.2.11.2). */
const NEVER = 0xffffffff

/** Turns milliseconds, rounded up, into a Session Expiry Interval in seconds. */
export function toSessionExpiryInterval(sessionExpiry: number): number {
  return Math.min(Math.ceil(sessionExpiry / 1_000), NEVER)
}

/** Turns a Session Expiry Interval into milliseconds; Infinity if the session never expires. */
export function fromSessionExpiryInterval(seconds: number): number {
  return seconds === NEVER ? Number.POSITIVE_INFINITY : seconds * 1_000
}
