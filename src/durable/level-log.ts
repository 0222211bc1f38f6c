import { crc32c } from './crc32c.ts'

/** Of a record: masked checksum u32, length u16, both little-endian, type u8. */
const HEADER = 7
/** No record goes across a multiple of it. */
const BLOCK = 32_768
/** What a disk writes as a whole, or not at all. */
const SECTOR = 512
/** Is added to checksums. */
const MASK = 0xa282ead8

/** Types of records: a write is whole, or its parts follow each other. */
const WHOLE = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4

interface Header {
  readonly type: number
  /** Where the record ends. */
  readonly end: number
}

/**
 * Whether something is missing in the middle of a log of LevelDB, which holds the last writes. LevelDB itself drops
 * then whatever else is in the block, without a word: see `doc/log_format.md` there. That the last write is cut off is
 * no damage: a process that is killed, or a power cut, leaves it so, and nobody was told that it was done.
 */
export function isDamagedLog(log: Uint8Array): boolean {
  let continued = false
  for (let at = 0; at < log.length;) {
    if (blockEnd(at) - at < HEADER) {
      at = blockEnd(at)
      continue
    }
    const header = intactAt(log, at)
    if (!header) return !isCutOff(log, at)
    const { type, end } = header
    if (continued !== (type === MIDDLE || type === LAST)) return true
    continued = type === FIRST || type === MIDDLE
    at = end
  }
  return false
}

/** @returns `undefined` if there is no such record, or not as it was written */
function intactAt(log: Uint8Array, at: number): Header | undefined {
  const header = headerAt(log, at)
  if (!header || header.end > log.length) return undefined
  return crc32c(log.subarray(at + HEADER - 1, header.end)) === checksumAt(log, at) ? header : undefined
}

/** @returns `undefined` if that is none, whatever its checksum */
function headerAt(log: Uint8Array, at: number): Header | undefined {
  if (at + HEADER > log.length) return undefined
  const view = viewOf(log)
  const type = view.getUint8(at + 6)
  const end = at + HEADER + view.getUint16(at + 4, true)
  return type >= WHOLE && type <= LAST && end <= blockEnd(at) ? { type, end } : undefined
}

/** Without its mask. */
function checksumAt(log: Uint8Array, at: number): number {
  const rotated = (viewOf(log).getUint32(at, true) - MASK) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

/** Whether what is there, instead of a record, is the beginning of the last one. */
function isCutOff(log: Uint8Array, at: number): boolean {
  const written = writtenEnd(log)
  if (at >= written) return true
  // A file may have grown before its bytes were written.
  const end = Math.min(Math.ceil(written / SECTOR) * SECTOR, log.length)
  if (end - at < HEADER) return true
  const header = headerAt(log, at)
  if (!header || header.end <= end) return false
  // Else only its length is wrong.
  return crc32c(log.subarray(at + HEADER - 1)) !== checksumAt(log, at) && !hasIntactAfter(log, at)
}

function hasIntactAfter(log: Uint8Array, at: number): boolean {
  for (let next = at + 1; next + HEADER <= log.length; next++) if (intactAt(log, next)) return true
  return false
}

/** Where the zeros at its end begin. */
function writtenEnd(log: Uint8Array): number {
  let end = log.length
  while (end > 0 && log[end - 1] === 0) end--
  return end
}

function blockEnd(at: number): number {
  return at - (at % BLOCK) + BLOCK
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
