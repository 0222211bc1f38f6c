/** Digits and lower-case letters, which tell things apart. Not for secrets: React Native has no `crypto`. */
export function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => (byte % 36).toString(36)).join('')
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  return typeof crypto === 'undefined'
    ? bytes.map(() => Math.floor(Math.random() * 256))
    : crypto.getRandomValues(bytes)
}
