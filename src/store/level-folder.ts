import { textDecoder } from '../shared/text-coders.ts'
import { Reader } from './bytes.ts'
import { readLog } from './level-log.ts'
import { readManifest, type Manifest } from './level-manifest.ts'
import { readTable, type EntryVisitor } from './level-table.ts'
import { codeOf, fileSystem } from './node.ts'
import { inSlices, type Turns, realTurns } from './slices.ts'

/** How many operations of a write are decoded in one step. */
const STEP = 256

const decoder = textDecoder()

/**
 * Reads the files of a LevelDB one by one, without LevelDB. LevelDB writes into whatever it opens, iterates over blocks
 * without checking their checksums, drops what it can't read, and can crash the process if a table is damaged.
 *
 * @param visit - is given all sound entries, in no particular order. It must copy what it keeps, because a value keeps
 *   its file in memory
 * @returns whether nothing is damaged beyond what a crash leaves behind
 */
export async function readLevelFolder(path: string, visit: EntryVisitor, turns: Turns = realTurns): Promise<boolean> {
  const files = await fileSystem().promises.readdir(path)
  const data = files.filter((file) => /^\d+\.(?:log|ldb|sst)$/.test(file))
  const manifest = await currentManifest(path, files)
  // A database that was never opened completely has none. Later, LevelDB would start over and delete the other files.
  if (!manifest && data.length === 0 && !files.includes('CURRENT')) return true
  const live = manifest ? liveFiles(manifest, data) : undefined
  let sound = live !== undefined
  // Without a list of the current files, any file may be one.
  for (const file of live ?? data) {
    const bytes = await bytesOf(path, file)
    const isSound = bytes !== undefined && (await inSlices(readEntries(bytes, file, manifest, visit), turns))
    sound &&= isSound
  }
  return sound
}

/** @returns `undefined` if there is none, or it is damaged */
async function currentManifest(path: string, files: readonly string[]): Promise<Manifest | undefined> {
  if (!files.includes('CURRENT')) return undefined
  const current = (await bytesOf(path, 'CURRENT')) ?? new Uint8Array(0)
  const [, name] = /^(MANIFEST-\d+)\n$/.exec(decoder().decode(current)) ?? []
  const bytes = name !== undefined && files.includes(name) ? await bytesOf(path, name) : undefined
  return bytes && readManifest(bytes)
}

/** @returns `undefined` if one is missing */
function liveFiles({ tables, logNumber, previousLogNumber }: Manifest, data: readonly string[]): string[] | undefined {
  const logs = data.filter((file) => file.endsWith('.log'))
  const live = logs.filter((file) => numberOf(file) >= logNumber || numberOf(file) === previousLogNumber)
  // LevelDB creates the file before the manifest names it. Otherwise the end of the manifest is missing.
  if (logNumber > 0 && !live.some((file) => numberOf(file) === logNumber)) return undefined
  for (const table of tables.keys()) {
    const file = data.find((each) => !each.endsWith('.log') && numberOf(each) === table)
    if (!file) return undefined
    live.push(file)
  }
  return live
}

/** @returns whether all of the file is sound */
function* readEntries(
  bytes: Uint8Array,
  file: string,
  manifest: Manifest | undefined,
  visit: EntryVisitor,
): Generator<void, boolean> {
  if (file.endsWith('.log')) return yield* readWrites(bytes, visit)
  const size = manifest?.tables.get(numberOf(file)) ?? bytes.byteLength
  return (yield* readTable(bytes, visit)) && size === bytes.byteLength
}

function* readWrites(bytes: Uint8Array, visit: EntryVisitor): Generator<void, boolean> {
  const { writes, damaged } = readLog(bytes)
  yield
  try {
    for (const write of writes) yield* readBatch(write, visit)
    return !damaged
  } catch {
    return false
  }
}

/**
 * Decodes a write, which is a batch: sequence u64, count u32, both little-endian, and its operations. @throws
 * {RangeError}
 */
function* readBatch(write: Uint8Array, visit: EntryVisitor): Generator<void, void> {
  const reader = new Reader(write)
  const view = new DataView(write.buffer, write.byteOffset, write.byteLength)
  const first = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  reader.view(12)
  for (let sequence = first; !reader.done; sequence++) {
    const isPut = reader.u8() === 1
    const key = reader.view(reader.varint())
    visit(key, sequence, isPut ? reader.view(reader.varint()) : undefined)
    if (sequence % STEP === 0) yield
  }
}

/** @returns `undefined` if it is gone: the process that has the database open has just deleted it */
async function bytesOf(path: string, file: string): Promise<Uint8Array | undefined> {
  try {
    const { buffer, byteOffset, byteLength } = await fileSystem().promises.readFile(`${path}/${file}`)
    // Views of a `Buffer` are created slowly.
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function numberOf(file: string): number {
  return Number.parseInt(file, 10)
}
