/** A packet can't be encoded: MQTT has no form for it. Nothing of it was written. */
export class UnencodablePacketError extends Error {
  override readonly name = 'UnencodablePacketError'
  /** The section of MQTT 5 with the limit. */
  readonly clause: string

  constructor(what: string, clause: string) {
    super(`${what} (MQTT 5 §${clause})`)
    this.clause = clause
  }
}

/** The largest length in two bytes (MQTT 5 §1.5.4, §1.5.6). */
const MAX_FIELD = 65_535

/** Checks the length of a UTF-8 Encoded String or of Binary Data. @returns the length */
export function checkedLength(length: number, what: string): number {
  if (length > MAX_FIELD) throw new UnencodablePacketError(`${what} is longer than ${MAX_FIELD} bytes`, '1.5.4')
  return length
}
