const MOST_MESSAGES = 1_000
const MOST_BYTES = 4 * 1_024 * 1_024

/** The maximum number of messages of this size that are on their way at the same time. */
export function windowOf(payloadBytes: number): number {
  return Math.min(MOST_MESSAGES, Math.ceil(MOST_BYTES / payloadBytes))
}
