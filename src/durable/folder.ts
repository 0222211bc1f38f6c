import { StoreError } from '../errors.ts'
import { isDamagedLog } from './level-log.ts'
import { FORMAT } from './records.ts'

/** A file that tells that a folder is ours. LevelDB leaves it alone, by its name. */
export const MARKER = 'XSTATE-MQTT'

/**
 * Looks into the folder of a store before LevelDB does, since that writes at once into whatever it opens. It is made
 * and marked as ours if it is not there, or empty.
 *
 * @throws {StoreError} if it holds something else, is damaged, or of a newer format; nothing was changed then
 */
export async function prepareFolder(path: string): Promise<void> {
  const files = listFiles(path)
  if (files.length === 0) return mark(path)
  if (!files.includes(MARKER)) throw new StoreError('foreign', path)
  if ((await markedFormat(path)) > FORMAT) throw new StoreError('newer', path)
  if (await isDamaged(path, files)) throw new StoreError('corrupt', path)
}

/** @returns none if there is no folder */
function listFiles(path: string): string[] {
  const { readdirSync, statSync } = fileSystem()
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return []
  if (!stats.isDirectory()) throw new StoreError('foreign', path)
  return readdirSync(path)
}

async function mark(path: string): Promise<void> {
  const { mkdir, writeFile } = fileSystem().promises
  await mkdir(path, { recursive: true })
  // Before LevelDB makes anything, which then writes down the names of its files, and with them this one.
  await writeFile(`${path}/${MARKER}`, `outbox of xstate-mqtt, format ${FORMAT}\n`, { flush: true })
}

/** @returns 0 if the process ended before it was written */
async function markedFormat(path: string): Promise<number> {
  const { readFile } = fileSystem().promises
  const [format = 0] = (await readFile(`${path}/${MARKER}`, 'utf8')).match(/\d+$/m) ?? []
  return Number(format)
}

async function isDamaged(path: string, files: readonly string[]): Promise<boolean> {
  const { readFile } = fileSystem().promises
  const data = files.filter((file) => /\.(log|ldb|sst)$/.test(file))
  // LevelDB would begin anew, and delete them.
  if (data.length > 0 && !files.includes('CURRENT')) return true
  for (const file of data.filter((each) => each.endsWith('.log'))) {
    const log = await readFile(`${path}/${file}`).catch((error: unknown) => {
      // Who has it open has just deleted it.
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (log && isDamagedLog(log)) return true
  }
  return false
}

/** Not an import, which bundlers for browsers would fail at. */
function fileSystem() {
  return process.getBuiltinModule('node:fs')
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
