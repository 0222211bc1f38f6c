/** How much may pass at once, as a part of what may pass in a second. Brokers count within a second. */
const BURST = 0.1

/** Limits how much passes in a second. */
export class TokenBucket {
  /** Below 0, if something large has passed. */
  #tokens = 1
  #at = 0

  /**
   * Adds what has become free.
   *
   * @param rate - how much may pass in a second
   * @param time - the monotonic time in milliseconds
   * @returns how long to wait until something may pass, in milliseconds; 0 if it may pass now
   */
  fill(rate: number, time: number): number {
    const elapsed = time - this.#at
    this.#at = time
    if (rate === Number.POSITIVE_INFINITY) {
      this.#tokens = 1
      return 0
    }
    const gained = (rate * elapsed) / 1_000
    this.#tokens = Math.min(this.#tokens + gained, Math.max(1, rate * BURST))
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * 1_000) / rate
  }

  take(tokens: number): void {
    this.#tokens -= tokens
  }
}
