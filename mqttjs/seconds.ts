import { InvalidOptionError } from '../src/api/errors.ts'

/** The largest interval of a field of two bytes, in seconds. */
export const TWO_BYTES = 0xffff

/** The same of four bytes. */
export const FOUR_BYTES = 0xffffffff

/**
 * Checks an interval that MQTT.js has in seconds.
 *
 * @param most - what its field in the packet can hold
 * @throws {InvalidOptionError}
 */
export function checkSeconds(option: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new InvalidOptionError(option, `must be whole seconds between 0 and ${most}`, value)
}
