import type { ClassicLevel } from 'classic-level'

import { StoreError } from '../api/errors.ts'
import type { OpenDatabase } from './open-database.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import { isOpenElsewhere, lockFolder } from './folder-lock.ts'
import { readLevelFolder } from './level-folder.ts'
import { Marker, MARKER } from './marker.ts'
import { fileSystem, probe } from './node.ts'
import { checkRecords, readDatabase, StoreReader, type StoreRecords } from './read-store.ts'
import { FORMAT, ledgerKey } from './records.ts'
import { views } from './views.ts'
import { nothing } from '../shared/nothing.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Opens a store in a folder. That is read before LevelDB opens it, since LevelDB writes at once into whatever it opens. It
 * is made and marked as ours if it is not there, or empty.
 *
 * @throws {StoreError} if it is in use, holds something else, is damaged, or of a newer format; nothing was changed then
 */
export async function openFolder(path: string, LevelClass: typeof ClassicLevel): Promise<OpenDatabase> {
  const lock = lockFolder(path)
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
  /** It may take longer than the journal waits for it. */
  #renewing: Promise<void> | undefined
  #batches = 0

  constructor(path: string, realPath: string, LevelClass: typeof ClassicLevel, unlock: () => void) {
    this.#path = path
    this.#realPath = realPath
    this.#LevelClass = LevelClass
    this.#unlock = unlock
    this.#marker = new Marker(realPath)
  }

  get database(): LevelDatabase {
    if (!this.#level) throw new StoreError('unavailable', this.#path)
    return this.#level
  }

  async open(): Promise<void> {
    const records = await this.#inspect()
    const level = new this.#LevelClass<Uint8Array, Uint8Array>(this.#realPath, views)
    await level.open()
    this.#level = level
    // It was no one's while it was read.
    if (await this.#isAsRead(level, records)) this.#records = records
  }

  async read(): Promise<StoreRecords> {
    const records = this.#records ?? (await readDatabase(this.database, this.#path))
    this.#records = undefined
    return records
  }

  /** A log that could not be written is not written on: LevelDB would, and could not read what follows. */
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
    // Else it would open what nothing closes again.
    await this.#renewing?.catch(nothing)
    await this.#marker.close(this.#batches)
    await this.#level?.close()
    this.#level = undefined
    this.#unlock()
  }

  async #reopen(): Promise<void> {
    await probe(this.#realPath)
    await this.#level?.close()
    this.#level = undefined
    await this.open()
    // What is to be there, the journal knows better.
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
      if (damaged) throw new StoreError('corrupt', this.#path, { sound: records.publications.size, salvage: true })
      checkRecords(records, this.#path, { batches, salvage: true })
    } catch (error) {
      // Who has it open may have written while it was read.
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
    return reader.ledger?.batches === ledger.batches
  }
}

/** Reads what is sound in a folder, and changes nothing. */
export async function readFolder(path: string): Promise<{ records: StoreRecords; damaged: boolean }> {
  const { entries, damaged } = await readLevelFolder(path)
  const records = new StoreReader()
  for (const [key, value] of entries) records.add(key, value)
  return { records, damaged }
}
