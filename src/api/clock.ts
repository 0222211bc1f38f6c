/** A clock like XState's: `createTestClock()` of `xstate-mqtt/testing` for one. */
export interface Clock {
  setTimeout(callback: () => void, delay: number): unknown
  clearTimeout(id: unknown): void
  /**
   * Its own time in milliseconds, from any start, which never goes back: what a message has waited is measured in it.
   *
   * @default the client's option `now`, which may go back
   */
  now?(): number
}
