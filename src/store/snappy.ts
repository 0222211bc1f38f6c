import { Reader } from './bytes.ts'

/**
 * Decompresses a block of LevelDB: see `format_description.txt` of Snappy.
 *
 * @throws {RangeError} if it is damaged
 */
export function unsnap(packed: Uint8Array): Uint8Array {
  const reader = new Reader(packed)
  const out = new Uint8Array(reader.varint())
  let length = 0
  while (!reader.done) {
    const tag = reader.u8()
    if ((tag & 3) === 0) {
      const literal = reader.view(literalLength(tag >> 2, reader))
      out.set(literal, length)
      length += literal.byteLength
      continue
    }
    const copied = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const offset = offsetOf(tag, reader)
    if (offset === 0 || offset > length || length + copied > out.byteLength) throw new RangeError('no such copy')
    // Byte by byte, because the source may overlap the bytes that this loop writes.
    for (let left = copied; left > 0; left--, length++) out[length] = out[length - offset] as number
  }
  if (length !== out.byteLength) throw new RangeError('a block is cut short')
  return out
}

/** The length of a literal: up to 60 in the tag itself, else in the one to four bytes after it. */
function literalLength(coded: number, reader: Reader): number {
  return 1 + (coded < 60 ? coded : littleEndian(reader, coded - 59))
}

function offsetOf(tag: number, reader: Reader): number {
  if ((tag & 3) === 1) return (tag >> 5) * 0x100 + reader.u8()
  return littleEndian(reader, (tag & 3) === 2 ? 2 : 4)
}

function littleEndian(reader: Reader, bytes: number): number {
  let value = 0
  for (let at = 0; at < bytes; at++) value += reader.u8() * 0x100 ** at
  return value
}
