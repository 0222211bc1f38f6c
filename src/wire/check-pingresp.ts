import type { Frame } from './framer.ts'
import { InvalidPacketError } from './invalid-packet.ts'

/** The first byte of a PINGRESP (MQTT 5 §3.13). */
const PINGRESP = 0xd0

/**
 * Checks a PINGRESP. Nothing of it has to be decoded.
 *
 * @param frame - of the kind `pingresp`
 * @throws {InvalidPacketError} its flags are invalid
 */
export function checkPingresp({ header }: Frame): void {
  if (header !== PINGRESP) throw new InvalidPacketError('flags', header)
}
