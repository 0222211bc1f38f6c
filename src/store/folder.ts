import type { ClassicLevel } from 'classic-level'

import { StoreError } from '../api/errors.ts'
import type { Operation } from '../api/level-database.ts'
import { nothing } from '../shared/nothing.ts'
import { isOpenElsewhere, lockFolder } from './folder-lock.ts'
import { readLevelFolder } from './level-folder.ts'
import { Marker, MARKER } from './marker.ts'
import { fileSystem, probe } from './node.ts'
import type { OpenDatabase } from './open-database.ts'
import { UNSEALED, WAITING } from './publication-index.ts'
import {
  checkRecords,
  decodeRecord,
  readDatabase,
  readPublications,
  StoreReader,
  type StoreRecords,
} from './read-store.ts'
import { checksumOf, FORMAT, ledgerKey, publicationOf, type StoredPublication } from './records.ts'
import { inSlices, realTurns } from './slices.ts'
import { views } from './views.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Opens a store in a folder. The folder is read before LevelDB opens it, because LevelDB writes into whatever it opens.
 * A missing or empty folder is created and marked as a store.
 *
 * @throws {StoreError} if it is in use, holds something else, is damaged, or of a newer format. Nothing was changed
 *   then
 */
export async function openFolder(path: string, LevelClass: typeof ClassicLevel): Promise<OpenDatabase> {
  const lock = await lockFolder(path)
  try {
    const folder = new StoreFolder(path, lock.realPath, LevelClass, () => lock.release())
    await folder.open()
    return folder
  } catch (error) {
    lock.release()
    throw error
  }
}

class StoreFolder implements OpenDatabase {
  readonly #path: string
  readonly #realPath: string
  readonly #LevelClass: typeof ClassicLevel
  readonly #unlock: () => void
  readonly #marker: Marker
  #level: Level | undefined
  #records: StoreRecords | undefined
  /** This may take longer than the journal waits. */
  #renewing: Promise<void> | undefined
  #batches = 0

  constructor(path: string, realPath: string, LevelClass: typeof ClassicLevel, unlock: () => void) {
    this.#path = path
    this.#realPath = realPath
    this.#LevelClass = LevelClass
    this.#unlock = unlock
    this.#marker = new Marker(realPath)
  }

  async open(): Promise<void> {
    const records = await this.#inspect()
    const level = new this.#LevelClass<Uint8Array, Uint8Array>(this.#realPath, views)
    await level.open()
    this.#level = level
    // While it was read, no process had it open.
    if (await this.#isAsRead(level, records)) this.#records = records
  }

  async read(): Promise<StoreRecords> {
    const records = this.#records ?? (await readDatabase(this.#database, this.#path))
    this.#records = undefined
    return records
  }

  load(sequences: readonly number[], sealed: boolean): Promise<Map<number, StoredPublication>> {
    return readPublications(this.#database, sequences, sealed)
  }

  /** With a chained batch, which takes a quarter of the time of an array of operations. */
  async write(operations: Operation[], sync: boolean): Promise<void> {
    const batch = this.#database.batch()
    for (const operation of operations) {
      if (operation.type === 'put') batch.put(operation.key, operation.value)
      else batch.del(operation.key)
    }
    await batch.write({ sync })
  }

  /** Never continues a log after a failed write. LevelDB would, and could not read the records that follow. */
  renew(): Promise<void> {
    this.#renewing ??= this.#reopen().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  written(batches: number): void {
    this.#batches = batches
    this.#marker.note(batches)
  }

  async remember(batches: number): Promise<void> {
    this.#batches = batches
    await this.#marker.write(batches)
  }

  async release(): Promise<void> {
    // Otherwise it would open a database that is never closed.
    await this.#renewing?.catch(nothing)
    await this.#marker.close(this.#batches)
    await this.#level?.close()
    this.#level = undefined
    this.#unlock()
  }

  get #database(): Level {
    if (!this.#level) throw new StoreError('unavailable', this.#path)
    return this.#level
  }

  async #reopen(): Promise<void> {
    await probe(this.#realPath)
    await this.#level?.close()
    this.#level = undefined
    await this.open()
    // The journal knows the intended content.
    this.#records = undefined
  }

  /** @throws {StoreError} */
  async #inspect(): Promise<StoreRecords> {
    const files = await fileSystem().promises.readdir(this.#realPath)
    if (files.length === 0) await this.#marker.write(0)
    else if (!files.includes(MARKER)) throw new StoreError('foreign', this.#path)
    const { format, batches } = this.#marker.read()
    if (format > FORMAT) throw new StoreError('newer', this.#path)
    const { records, damaged } = await readFolder(this.#realPath)
    try {
      const intactPublishes = records.found.publications
      if (damaged) throw new StoreError('corrupt', this.#path, { intactPublishes, salvage: true })
      checkRecords(records, this.#path, { batches, salvage: true })
    } catch (error) {
      // Another process may have written while it was read.
      if (!(await isOpenElsewhere(this.#realPath, this.#LevelClass))) throw error
      throw new StoreError('locked', this.#path, { cause: error })
    }
    return records
  }

  async #isAsRead(level: Level, { ledger }: StoreRecords): Promise<boolean> {
    const value = await level.get(ledgerKey)
    if (!value || !ledger) return !value && !ledger
    const reader = new StoreReader()
    reader.add(ledgerKey, value)
    return reader.finish().ledger?.batches === ledger.batches
  }
}

/** Reads the sound records in a folder, and changes nothing. */
export async function readFolder(path: string): Promise<{ records: StoreRecords; damaged: boolean }> {
  const reader = new StoreReader()
  const sound = await readLevelFolder(path, (key, version, value) => reader.addVersion(key, version, value))
  return { records: await inSlices(reader.finishing(), realTurns), damaged: !sound }
}

/** The same, but only the publications that the records name. All of them are kept in memory. */
export async function readFolderPublications(
  path: string,
  { header, publications }: StoreRecords,
): Promise<Map<number, StoredPublication>> {
  const isSealed = header?.format !== 1
  const found = new Map<number, StoredPublication>()
  await readLevelFolder(path, (key, _version, value) => {
    const sequence = publicationOf(key)
    if (!value || sequence === undefined) return
    if (publications.stateOf(sequence) !== (isSealed ? WAITING : UNSEALED)) return
    if (isSealed && checksumOf(value) !== publications.get(sequence).checksum) return
    const stored = decodeRecord(key, value, isSealed)
    if (stored) found.set(sequence, stored)
  })
  return found
}
