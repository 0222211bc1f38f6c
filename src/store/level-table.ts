import { Reader } from './bytes.ts'
import { crc32c } from './crc32c.ts'
import { unmasked } from './level-log.ts'
import { unsnap } from './snappy.ts'

/** The footer: two handles, padding, and the magic number. */
const FOOTER = 48
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)

/** The bytes after each block: its compression, u8, and its masked checksum, u32 little-endian. */
const TRAILER = 5
const PLAIN = 0
const SNAPPY = 1

/** The last bytes of a key: its type u8, and its sequence number in seven bytes, little-endian. */
const TAG_BYTES = 8

/** Longer keys, which this package does not write, make it grow. */
const KEY_BUFFER = 64

/**
 * Called with each entry that was written to a LevelDB. Of several entries with the same key, the one with the highest
 * sequence number is current.
 *
 * @param key - a view of a buffer that is reused after the call
 * @param value - a view of the file; `undefined` if the entry deletes the key
 */
export type EntryVisitor = (key: Uint8Array, sequence: number, value: Uint8Array | undefined) => void

interface Handle {
  readonly offset: number
  readonly size: number
}

/**
 * Reads a table of LevelDB (`doc/table_format.md` of LevelDB). It compares the checksum of each block, which LevelDB does
 * not do when it iterates. It yields after each block, because the blocks of a packed table may hold a hundred thousand
 * entries.
 *
 * @returns whether the whole table is undamaged
 */
export function* readTable(table: Uint8Array, visit: EntryVisitor): Generator<void, boolean> {
  const footer = attempt(() => readFooter(table))
  if (!footer) return false
  const data = readHandles(table, footer.index)
  // The blocks of filters do not contain entries, so only their checksums are compared.
  const filters = readHandles(table, footer.meta)
  let sound = data !== undefined && filters !== undefined
  for (const handle of data ?? []) {
    const read = attempt(() => {
      const contents = contentsOf(table, handle)
      if (contents) readEntries(contents, visit)
      return contents !== undefined
    })
    if (!read) sound = false
    yield
  }
  sound &&= filters?.every((handle) => contentsOf(table, handle)) ?? false
  return sound && covers(table, [...(data ?? []), ...(filters ?? []), footer.meta, footer.index])
}

/** @throws {RangeError} */
function readFooter(table: Uint8Array): { readonly meta: Handle; readonly index: Handle } {
  if (table.byteLength < FOOTER) throw new RangeError('a table is cut short')
  const footer = table.subarray(-FOOTER)
  if (MAGIC.some((byte, at) => footer[FOOTER - MAGIC.byteLength + at] !== byte)) throw new RangeError('no table')
  const reader = new Reader(footer.subarray(0, -MAGIC.byteLength))
  const meta = handleOf(reader)
  const index = handleOf(reader)
  while (!reader.done) if (reader.u8() !== 0) throw new RangeError('the footer is damaged')
  return { meta, index }
}

/** Whether the blocks fill the table without gaps. */
function covers(table: Uint8Array, handles: readonly Handle[]): boolean {
  let end = 0
  for (const handle of handles.toSorted((a, b) => a.offset - b.offset)) {
    if (handle.offset !== end) return false
    end += handle.size + TRAILER
  }
  return end === table.byteLength - FOOTER
}

/** Reads a block whose values are handles of other blocks. @returns `undefined` if it is damaged */
function readHandles(table: Uint8Array, handle: Handle): Handle[] | undefined {
  return attempt(() => {
    const handles: Handle[] = []
    const contents = contentsOf(table, handle)
    if (contents) readBlock(contents, (_key, _length, value) => handles.push(handleOf(new Reader(value))))
    return contents && handles
  })
}

/** @throws {RangeError} */
function readEntries(block: Uint8Array, visit: EntryVisitor): void {
  let key: Uint8Array = new Uint8Array(0)
  readBlock(block, (buffer, length, value) => {
    const end = length - TAG_BYTES
    if (end < 0) throw new RangeError('a key is cut short')
    // Most keys have the same length. A view for each would cost more than the rest of its reading.
    if (key.byteLength !== end || key.buffer !== buffer.buffer) key = buffer.subarray(0, end)
    let sequence = 0
    for (let at = length - 1; at > end; at--) sequence = sequence * 0x100 + (buffer[at] as number)
    visit(key, sequence, buffer[end] === 0 ? undefined : value)
  })
}

/** @returns `undefined` if the block is damaged */
function contentsOf(table: Uint8Array, { offset, size }: Handle): Uint8Array | undefined {
  const end = offset + size
  if (end + TRAILER > table.byteLength) return undefined
  const view = new DataView(table.buffer, table.byteOffset)
  if (crc32c(table.subarray(offset, end + 1)) !== unmasked(view.getUint32(end + 1, true))) return undefined
  const packed = table.subarray(offset, end)
  if (table[end] === PLAIN) return packed
  return table[end] === SNAPPY ? attempt(() => unsnap(packed)) : undefined
}

/**
 * Iterates over the entries of a block. Each key is stored without the prefix that it shares with the previous key.
 *
 * @param visit - called with a buffer that is reused, the length of the key in it, and the value
 * @throws {RangeError}
 */
function readBlock(block: Uint8Array, visit: (key: Uint8Array, length: number, value: Uint8Array) => void): void {
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.byteLength - 4, true)
  const end = block.byteLength - 4 * (restarts + 1)
  if (end < 0) throw new RangeError('a block is cut short')
  const reader = new Reader(block, end)
  let key: Uint8Array = new Uint8Array(KEY_BUFFER)
  let length = 0
  while (!reader.done) {
    const shared = reader.varint()
    const added = reader.varint()
    const valueLength = reader.varint()
    if (shared > length) throw new RangeError('a key is cut short')
    length = shared + added
    if (length > key.byteLength) key = grown(key, 2 * length)
    reader.copy(added, key, shared)
    visit(key, length, reader.view(valueLength))
  }
}

function grown(bytes: Uint8Array, size: number): Uint8Array {
  const larger = new Uint8Array(size)
  larger.set(bytes)
  return larger
}

function handleOf(reader: Reader): Handle {
  return { offset: reader.varint(), size: reader.varint() }
}

/** @returns `undefined` if `read` throws, which it does for damaged bytes */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
