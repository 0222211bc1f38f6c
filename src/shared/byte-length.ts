import { textEncoder } from './text-coders.ts'

/** Returns the number of bytes; a text counts as UTF-8. */
export function byteLength(data: string | Uint8Array): number {
  return typeof data === 'string' ? textLength(data) : data.byteLength
}

/** Returns whether a text takes more bytes in UTF-8 than `maxBytes`. */
export function isLonger(text: string, maxBytes: number): boolean {
  // A UTF-16 unit takes at most three bytes, so short texts need no counting.
  return text.length * 3 > maxBytes && byteLength(text) > maxBytes
}

/** Returns the number of bytes of a Variable Byte Integer (MQTT 5 §1.5.5). */
export function varintLength(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  return value < 2_097_152 ? 3 : 4
}

function textLength(text: string): number {
  // For short texts, which are the most common, counting is cheaper than encoding.
  if (text.length > 256) return textEncoder().encode(text).byteLength
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) <= 0x7f) continue
    const code = text.codePointAt(i) ?? 0
    // A surrogate pair: two units, four bytes.
    if (code > 0xffff) i++
    bytes += code > 0x7ff ? 2 : 1
  }
  return bytes
}
