const encoder = new TextEncoder()

/** How many bytes a text takes in UTF-8. */
export function byteLength(text: string): number {
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
