/** Also accepts a `Uint8Array` of another realm, as in iframes and in tests with jsdom. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]')
  )
}

/** Copies the parts into one. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** Copies the bytes. `Buffer.prototype.slice` would not copy; the result for a `Buffer` is still a `Buffer`. */
export function copyOf(data: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(data)
}
