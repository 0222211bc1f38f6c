/** Digits and lower-case letters. */
export function randomText(length: number): string {
  const random = crypto.getRandomValues(new Uint8Array(length))
  return Array.from(random, (byte) => (byte % 36).toString(36)).join('')
}
