import { Reader } from './bytes.ts'
import { readLog } from './level-log.ts'

/** The current files of a LevelDB. */
export interface Manifest {
  /** The sizes of the tables in bytes, by number. */
  readonly tables: ReadonlyMap<number, number>
  /** The number of the current log; older logs are in the tables. 0 before the first. */
  readonly logNumber: number
  readonly previousLogNumber: number
}

/** Tags of the fields of an edit: `db/version_edit.cc` of LevelDB. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9

/** Reads the edits that made up the database. @returns `undefined` if it is damaged */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  const { writes, damaged } = readLog(bytes)
  if (damaged || writes.length === 0) return undefined
  const manifest = { tables: new Map<number, number>(), logNumber: 0, previousLogNumber: 0 }
  try {
    for (const write of writes) edit(manifest, new Reader(write))
    return manifest
  } catch {
    return undefined
  }
}

/** @throws {RangeError} */
function edit(
  manifest: { tables: Map<number, number>; logNumber: number; previousLogNumber: number },
  reader: Reader,
): void {
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === LOG_NUMBER) manifest.logNumber = reader.varint()
    else if (tag === PREVIOUS_LOG_NUMBER) manifest.previousLogNumber = reader.varint()
    else if (tag === NEXT_FILE || tag === LAST_SEQUENCE) reader.varint()
    else if (tag === COMPARATOR) reader.bytes()
    else if (tag === COMPACT_POINTER) {
      reader.varint()
      reader.bytes()
    } else if (tag === DELETED_FILE) {
      reader.varint()
      manifest.tables.delete(reader.varint())
    } else if (tag === NEW_FILE) {
      reader.varint()
      manifest.tables.set(reader.varint(), reader.varint())
      reader.bytes()
      reader.bytes()
    } else throw new RangeError('an unknown field')
  }
}
