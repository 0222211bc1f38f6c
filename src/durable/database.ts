import { StoreError } from '../errors.ts'
import { prepareFolder } from './folder.ts'
import { locationOf } from './location.ts'

interface ViewEncodings {
  readonly keyEncoding: 'view'
  readonly valueEncoding: 'view'
}

export const views: ViewEncodings = Object.freeze({ keyEncoding: 'view', valueEncoding: 'view' })

export type Operation =
  | { type: 'put'; key: Uint8Array; value: Uint8Array; keyEncoding: 'view'; valueEncoding: 'view' }
  | { type: 'del'; key: Uint8Array; keyEncoding: 'view' }

/** A database with the interface of `abstract-level`: `classic-level`, `browser-level`, or a sublevel of one. */
export interface LevelDatabase {
  open(): Promise<void>
  batch(operations: Operation[], options: ViewEncodings & { readonly sync: boolean }): Promise<void>
  iterator(options: ViewEncodings): AsyncIterable<[Uint8Array, Uint8Array]>
}

/** A database that is open, and ours until it is released. */
export interface OpenDatabase {
  readonly database: LevelDatabase
  release(): Promise<void>
}

/** Databases that the application gave to one client can't be given to another. */
const inUse = new WeakSet<LevelDatabase>()

/**
 * Opens a path with `classic-level`, or takes a database of the application's.
 *
 * @throws {StoreError}
 */
export function openDatabase(store: string | LevelDatabase): Promise<OpenDatabase> {
  return typeof store === 'string' ? openPath(store) : takeDatabase(store)
}

async function takeDatabase(database: LevelDatabase): Promise<OpenDatabase> {
  const location = locationOf(database)
  if (inUse.has(database)) throw new StoreError('locked', location)
  inUse.add(database)
  try {
    await database.open()
  } catch (error) {
    inUse.delete(database)
    throw openError(location, error)
  }
  return {
    database,
    // It is closed by whoever opened it.
    release: async () => void inUse.delete(database),
  }
}

async function openPath(path: string): Promise<OpenDatabase> {
  const ClassicLevel = await importClassicLevel(path)
  try {
    await prepareFolder(path)
    const database = new ClassicLevel<Uint8Array, Uint8Array>(path, views)
    await database.open()
    return { database, release: () => database.close() }
  } catch (error) {
    throw openError(path, error)
  }
}

async function importClassicLevel(path: string) {
  try {
    const { ClassicLevel } = await import('classic-level')
    // Bundlers for browsers make it an empty module: see `browser` in package.json.
    if (!ClassicLevel) throw new Error('classic-level needs Node')
    return ClassicLevel
  } catch (error) {
    throw new StoreError('no-package', path, { cause: error })
  }
}

function openError(location: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { cause } = error as { cause?: { code?: unknown } }
  if (cause?.code === 'LEVEL_LOCKED') return new StoreError('locked', location, { cause: error })
  if (cause?.code === 'LEVEL_CORRUPTION') return new StoreError('corrupt', location, { cause: error })
  return new StoreError('unavailable', location, { cause: cause ?? error })
}
