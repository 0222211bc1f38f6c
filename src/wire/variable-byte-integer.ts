/** Writes a Variable Byte Integer (MQTT 5 §1.5.5). @returns where it ends */
export function writeVariableByteInteger(value: number, into: Uint8Array, start: number): number {
  let at = start
  let rest = value
  while (rest > 0x7f) {
    into[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[at++] = rest
  return at
}
