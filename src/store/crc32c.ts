/** Castagnoli's polynomial, with its bits reversed. */
const POLYNOMIAL = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

/**
 * CRC-32C (RFC 3720 §B.4), the checksum of LevelDB. `node:zlib` has only that of ZIP.
 *
 * @param before - the checksum of the bytes before these
 */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  // Twice as fast as an iterator.
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
