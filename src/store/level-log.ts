import { joinBytes } from '../shared/bytes.ts'
import { crc32c } from './crc32c.ts'

/** The header of a record: masked checksum u32, length u16, both little-endian, type u8. */
const HEADER = 7
/** The size of a block. No record crosses the end of a block. */
const BLOCK = 32_768
/** The size of a sector, which a disk writes completely or not at all. */
const SECTOR = 512
/** The constant that LevelDB adds to checksums. */
const MASK = 0xa282ead8

/** Types of records. A write is one record, or several that follow each other. */
const WHOLE = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4

interface Header {
  readonly type: number
  /** Where the record ends. */
  readonly end: number
}

/** The undamaged content of a log. */
export interface LevelLog {
  /** The writes, in order. */
  readonly writes: readonly Uint8Array[]
  /** Whether writes before the last one are missing. */
  readonly damaged: boolean
}

/**
 * Reads a log of LevelDB, which contains the latest writes (`doc/log_format.md` of LevelDB). LevelDB itself silently drops
 * the rest of a block after a damaged record. An incomplete last write is not damage: it was interrupted by the end of the
 * process or by a power cut, and was never reported as done.
 */
export function readLog(log: Uint8Array): LevelLog {
  const writes: Uint8Array[] = []
  let parts: Uint8Array[] | undefined
  let damaged = false
  for (let at = 0; at < log.length;) {
    if (blockEnd(at) - at < HEADER) {
      at = blockEnd(at)
      continue
    }
    const header = intactAt(log, at)
    if (!header) {
      if (!damaged && isCutOff(log, at)) break
      damaged = true
      parts = undefined
      at = nextIntact(log, at + 1)
      continue
    }
    const { type, end } = header
    const part = log.subarray(at + HEADER, end)
    at = end
    if ((parts !== undefined) !== (type === MIDDLE || type === LAST)) {
      damaged = true
      parts = undefined
    }
    if (type === WHOLE) writes.push(part)
    else if (type === FIRST) parts = [part]
    else parts?.push(part)
    if (type === LAST && parts) {
      writes.push(joinBytes(parts))
      parts = undefined
    }
  }
  return { writes, damaged }
}

/** @returns `undefined` if there is no record, or if its checksum is wrong */
function intactAt(log: Uint8Array, at: number): Header | undefined {
  const header = headerAt(log, at)
  if (!header || header.end > log.length) return undefined
  return crc32c(log.subarray(at + HEADER - 1, header.end)) === checksumAt(log, at) ? header : undefined
}

/** Does not compare the checksum. @returns `undefined` if the bytes cannot be a header */
function headerAt(log: Uint8Array, at: number): Header | undefined {
  if (at + HEADER > log.length) return undefined
  const view = viewOf(log)
  const type = view.getUint8(at + 6)
  const end = at + HEADER + view.getUint16(at + 4, true)
  return type >= WHOLE && type <= LAST && end <= blockEnd(at) ? { type, end } : undefined
}

function checksumAt(log: Uint8Array, at: number): number {
  return unmasked(viewOf(log).getUint32(at, true))
}

/** Undoes the masking that LevelDB applies to a checksum before it writes it. */
export function unmasked(checksum: number): number {
  const rotated = (checksum - MASK) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

/** Whether the bytes, which are not a whole record, are the beginning of the last record. */
function isCutOff(log: Uint8Array, at: number): boolean {
  const written = writtenEnd(log)
  if (at >= written) return true
  // The size of a file can grow before its bytes are written: the rest is zeros.
  const end = Math.min(Math.ceil(written / SECTOR) * SECTOR, log.length)
  if (end - at < HEADER) return true
  const header = headerAt(log, at)
  if (!header || header.end <= end) return false
  // If the checksum fits, or if records follow, the record is complete, and only its length is damaged.
  return crc32c(log.subarray(at + HEADER - 1)) !== checksumAt(log, at) && nextIntact(log, at + 1) === log.length
}

/** @returns the position of the next intact record, or the length of the log if there is none */
function nextIntact(log: Uint8Array, from: number): number {
  for (let at = from; at + HEADER <= log.length; at++) if (intactAt(log, at)) return at
  return log.length
}

/** The position where the zeros at the end of the log begin. */
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
