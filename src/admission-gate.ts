/** Who asks before a connection is opened. */
export interface AdmissionGate {
  /**
   * Asks to be let in.
   *
   * @param admit - called when the attempt may begin, at once or later
   * @returns to be called when the attempt is over, or no longer wanted
   */
  ask(admit: () => void): () => void
}
