import { InvalidOptionError } from '../api/errors.ts'
import type { Rule } from '../shared/option-rules.ts'
import { isLonger } from '../shared/byte-length.ts'

/** What a length of two bytes can tell (MQTT 5 §1.5.4, §1.5.6). */
export const MAX_BYTES = 65_535

const TOO_LONG = `must be at most ${MAX_BYTES} bytes of UTF-8`

/** A UTF-8 Encoded String (MQTT 5 §1.5.4, MQTT 3.1.1 §1.5.3). What was given instead is told. */
export const text: Rule = (option, value) => {
  if (typeof value !== 'string') throw new InvalidOptionError(option, 'must be a string', value)
  const rule = brokenRule(value)
  if (rule !== undefined) throw new InvalidOptionError(option, rule, value)
}

/** As `text`, but what was given instead is not told. */
export const textInSecret: Rule = (option, value) => {
  const rule = typeof value === 'string' ? brokenRule(value) : 'must be a string'
  if (rule !== undefined) throw new InvalidOptionError(option, rule)
}

/** Binary Data (MQTT 5 §1.5.6), or a string for it. What was given instead is not told. */
export const bytesInSecret: Rule = (option, value) => {
  if (typeof value !== 'string' && !isBytes(value)) {
    throw new InvalidOptionError(option, 'must be a string or a Uint8Array')
  }
  if (typeof value === 'string' ? isLonger(value, MAX_BYTES) : !isData(value)) {
    throw new InvalidOptionError(option, `must be at most ${MAX_BYTES} bytes`)
  }
}

/** What about a text can't be in a packet; `undefined` if all of it can. */
export function brokenRule(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain U+0000'
  if (isLonger(value, MAX_BYTES)) return TOO_LONG
  // UTF-8 has no code for them (MQTT-1.5.4-1).
  return isWellFormed(value) ? undefined : 'must not contain lone surrogates'
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && brokenRule(value) === undefined
}

export function isData(value: unknown): value is Uint8Array {
  return isBytes(value) && value.byteLength <= MAX_BYTES
}

/** Also one of another realm: tests in jsdom and iframes have two kinds of them. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]')
  )
}

/** ES2024's `String.prototype.isWellFormed`, which browsers have since 2023. */
const isNative = 'isWellFormed' in String.prototype

function isWellFormed(value: string): boolean {
  return isNative ? (value as unknown as { isWellFormed(): boolean }).isWellFormed() : !/\p{Cs}/u.test(value)
}
