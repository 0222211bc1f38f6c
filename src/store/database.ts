import { StoreError } from '../api/errors.ts'
import type { LevelDatabase, Operation } from '../api/level-database.ts'
import { lockDatabase } from './database-lock.ts'
import { locationOf, rootOf } from './location.ts'
import { probe } from './node.ts'
import type { OpenDatabase } from './open-database.ts'
import { checkRecords, readDatabase, readPublications, type StoreRecords } from './read-store.ts'
import type { StoredPublication } from './records.ts'
import { views } from './views.ts'

/**
 * Opens a path with `classic-level`, or uses a database of the application.
 *
 * @throws {StoreError} if it is in use, holds something else, is damaged, or of a newer format
 */
export async function openDatabase(store: string | LevelDatabase): Promise<OpenDatabase> {
  try {
    return await (typeof store === 'string' ? openPath(store) : takeDatabase(store))
  } catch (error) {
    throw openError(locationOf(store), error)
  }
}

async function takeDatabase(database: LevelDatabase): Promise<OpenDatabase> {
  const location = locationOf(database)
  const unlock = await lockDatabase(database, location)
  try {
    await database.open()
    const records = await readDatabase(database, location)
    checkRecords(records, location)
    return new TakenDatabase(database, location, records, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/** A database that the application opens and closes. */
class TakenDatabase implements OpenDatabase {
  readonly #database: LevelDatabase
  readonly #location: string
  readonly #unlock: () => void
  #records: StoreRecords | undefined

  constructor(database: LevelDatabase, location: string, records: StoreRecords, unlock: () => void) {
    this.#database = database
    this.#location = location
    this.#records = records
    this.#unlock = unlock
  }

  async read(): Promise<StoreRecords> {
    const records = this.#records ?? (await readDatabase(this.#database, this.#location))
    this.#records = undefined
    return records
  }

  load(sequences: readonly number[], sealed: boolean): Promise<Map<number, StoredPublication>> {
    return readPublications(this.#database, sequences, sealed)
  }

  /** IndexedDB would store the whole buffer of each value, with all others in it. */
  write(operations: Operation[], sync: boolean): Promise<void> {
    const copies = operations.map((each) => (each.type === 'put' ? { ...each, value: each.value.slice() } : each))
    return this.#database.batch(copies, { ...views, sync })
  }

  /**
   * A `classic-level` of the application, which must not be closed here, begins a new log when it is compacted. If that
   * fails too, LevelDB accepts no more writes. So the disk is tested first.
   */
  async renew(): Promise<void> {
    const root = rootOf(this.#database) as Partial<Compactable>
    if (typeof root.compactRange !== 'function' || root.location === undefined) return
    await probe(root.location)
    await root.compactRange('', '')
  }

  written(): void {}

  async remember(): Promise<void> {}

  async release(): Promise<void> {
    this.#unlock()
  }
}

/** Members of `classic-level` beyond the interface. */
interface Compactable {
  readonly location: string
  compactRange(start: string, end: string): Promise<void>
}

async function openPath(path: string): Promise<OpenDatabase> {
  const ClassicLevel = await importClassicLevel(path)
  const { openFolder } = await import('./folder.ts')
  return openFolder(path, ClassicLevel)
}

export async function importClassicLevel(path: string) {
  try {
    const { ClassicLevel } = await import('classic-level')
    // Bundlers for browsers replace it by an empty module: see `browser` in package.json.
    if (!ClassicLevel) throw new Error('classic-level needs Node')
    return ClassicLevel
  } catch (error) {
    throw new StoreError('no-package', path, { cause: error })
  }
}

export function openError(location: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { cause } = error as { cause?: { code?: unknown } }
  if (cause?.code === 'LEVEL_LOCKED') return new StoreError('locked', location, { cause: error })
  if (cause?.code === 'LEVEL_CORRUPTION') return new StoreError('corrupt', location, { cause: error })
  return new StoreError('unavailable', location, { cause: cause ?? error })
}
