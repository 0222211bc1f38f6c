const encoder = new TextEncoder()

/** How many bytes it takes, a text in UTF-8. */
export function byteLength(data: string | Uint8Array): number {
  return typeof data === 'string' ? textLength(data) : data.byteLength
}

/** Whether a text takes more bytes in UTF-8 than that. */
export function isLonger(text: string, maxBytes: number): boolean {
  // At most three bytes for each UTF-16 unit: only then is it worth counting.
  return text.length * 3 > maxBytes && byteLength(text) > maxBytes
}

/** The bytes of MQTT's Variable Byte Integer (MQTT 5 §1.5.5). */
export function varintLength(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  return value < 2_097_152 ? 3 : 4
}

function textLength(text: string): number {
  // Most topics, filters and payloads are short: counting is cheaper than encoding.
  if (text.length > 256) return encoder.encode(text).byteLength
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) <= 0x7f) continue
    const code = text.codePointAt(i) ?? 0
    // Two units that make four bytes.
    if (code > 0xffff) i++
    bytes += code > 0x7ff ? 2 : 1
  }
  return bytes
}
