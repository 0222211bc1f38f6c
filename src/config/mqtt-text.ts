import { InvalidOptionError } from '../api/errors.ts'
import { isLonger } from '../shared/byte-length.ts'
import { copyOf, isBytes } from '../shared/bytes.ts'
import type { Rule } from '../shared/read-options.ts'

/** The largest length that MQTT can encode, in two bytes (MQTT 5 §1.5.4, §1.5.6). */
export const MAX_BYTES = 65_535

const TOO_LONG = `must be at most ${MAX_BYTES} bytes of UTF-8`

/** A UTF-8 Encoded String (MQTT 5 §1.5.4, MQTT 3.1.1 §1.5.3). The error shows an invalid value. */
export const text: Rule = (option, value) => {
  if (typeof value !== 'string') throw new InvalidOptionError(option, 'must be a string', value)
  const rule = brokenRule(value)
  if (rule !== undefined) throw new InvalidOptionError(option, rule, value)
  return value
}

/** Like `text`, but the error does not show the value. */
export const textInSecret: Rule = (option, value) => {
  const rule = typeof value === 'string' ? brokenRule(value) : 'must be a string'
  if (rule !== undefined) throw new InvalidOptionError(option, rule)
  return value
}

/** Binary Data (MQTT 5 §1.5.6), which is copied, or a string. The error does not show the value. */
export const bytesInSecret: Rule = (option, value) => {
  if (typeof value !== 'string' && !isBytes(value)) {
    throw new InvalidOptionError(option, 'must be a string or a Uint8Array')
  }
  if (typeof value === 'string' ? isLonger(value, MAX_BYTES) : !isData(value)) {
    throw new InvalidOptionError(option, `must be at most ${MAX_BYTES} bytes`)
  }
  return typeof value === 'string' ? value : copyOf(value)
}

/** Returns the rule that a text breaks; `undefined` if a packet can contain the text. */
export function brokenRule(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain U+0000'
  if (isLonger(value, MAX_BYTES)) return TOO_LONG
  // UTF-8 cannot encode them (MQTT-1.5.4-1).
  return isWellFormed(value) ? undefined : 'must not contain lone surrogates'
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && brokenRule(value) === undefined
}

export function isData(value: unknown): value is Uint8Array {
  return isBytes(value) && value.byteLength <= MAX_BYTES
}

/** `String.prototype.isWellFormed` is ES2024; browsers have it since 2023. */
const isNative = 'isWellFormed' in String.prototype

function isWellFormed(value: string): boolean {
  return isNative ? (value as unknown as { isWellFormed(): boolean }).isWellFormed() : !/\p{Cs}/u.test(value)
}
