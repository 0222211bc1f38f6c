/** A clock like XState's, such as `createTestClock()` of `xstate-mqtt/testing`. */
export interface Clock {
  setTimeout(callback: () => void, delay: number): unknown
  clearTimeout(id: unknown): void
  /**
   * Returns monotonic time in milliseconds, counted from any start. The client measures with it how long messages wait.
   *
   * @default the client's option `now`, which may jump back
   */
  now?(): number
}
