/**
 * Admits attempts to connect. If the gate throws, in `ask` or in the function that `ask` returns, the client reports it
 * through its `error` event and begins the attempt.
 */
export interface AdmissionGate {
  /**
   * Asks to be admitted.
   *
   * @param admit - call it when the attempt may begin, at once or later
   * @returns a function that the client calls when the attempt has ended or is no longer wanted
   */
  ask(admit: () => void): () => void
}
