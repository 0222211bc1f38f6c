/**
 * Who is asked before a connection is opened. One that throws, here or in what it returns, keeps nobody out: that is an
 * `error` of the client, and the attempt begins.
 */
export interface AdmissionGate {
  /**
   * Asks to be let in.
   *
   * @param admit - to be called when the attempt may begin, at once or later
   * @returns called when the attempt is over, or no longer wanted
   */
  ask(admit: () => void): () => void
}
