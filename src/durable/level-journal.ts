import { StoreError, TimeoutError } from '../errors.ts'
import type { Clock } from '../options.ts'
import type { Journal } from '../session/journal.ts'
import type { Publication } from '../session/publication.ts'
import { deferred, inTime } from '../wait.ts'
import { openDatabase, views, type LevelDatabase, type OpenDatabase, type Operation } from './database.ts'
import { locationOf } from './location.ts'
import { readStore, type StoreContents } from './read-store.ts'
import {
  encodeHandshake,
  encodeHeader,
  encodePublication,
  handshakeKey,
  headerKey,
  publicationKey,
  quarantineKey,
  encodeQuarantine,
  type Handshake,
} from './records.ts'

/** How long the store may take to open, to write, and to close, in milliseconds; after that it counts as failed. */
export const STORE_TIMEOUT = 30_000

export interface LevelJournalOptions {
  readonly store: string | LevelDatabase
  readonly clock: Clock
  /** Makes the client id of a new store. */
  readonly generateClientId: () => string
  /**
   * It was opened: what an earlier process left waiting, in flight, and set aside, each in order. What is set aside can
   * have a packet id too.
   */
  readonly onRestored: (
    waiting: readonly Publication[],
    inFlight: readonly Publication[],
    quarantined: readonly Publication[],
  ) => void
  /** A publication could not be written, so it is not accepted after all. Called before anything else learns of it. */
  readonly onRefused: (publication: Publication, error: StoreError) => void
  /** Something could not be written that nobody waits for. */
  readonly onError: (error: StoreError) => void
}

/** Something to be written. */
interface Note {
  /** Whether it has to be on disk before anything goes on. Without, the end of the process loses nothing either. */
  readonly sync: boolean
  operations(): Operation[]
  written(): void
  /** @returns what is to be written with the next batch instead */
  failed(error: StoreError): Operation[]
}

interface Entry {
  /** Its place among all that were accepted; 0 until it is written. */
  sequence: number
  released: 'no' | 'yes' | Promise<void>
}

/** Something that takes to the disk what is not there yet. */
const toDisk: Note = { sync: true, operations: () => [], written: nothing, failed: () => [] }

/**
 * A journal in a LevelDB. It is opened at the first use. Whatever is told to it in one turn of the event loop, and while
 * a write is under way, is written in one batch.
 */
export class LevelJournal implements Journal {
  readonly #options: LevelJournalOptions
  readonly #location: string
  readonly #entries = new Map<Publication, Entry>()
  #opening: Promise<void> | undefined
  #open: OpenDatabase | undefined
  #clientId: string | undefined
  #lastSequence = 0
  readonly #notes: Note[] = []
  /** What could not be written, by its key: it goes with the next batch. */
  readonly #unwritten = new Map<string, Operation>()
  /** Whether the last write failed. */
  #failing = false
  /** Ends when the write that took too long does. Until then nothing else is written. */
  #stuck: Promise<void> | undefined
  /** Whether there are writes that the end of the process survives, but not that of the machine. */
  #unsynced = false
  #writing: Promise<void> | undefined

  constructor(options: LevelJournalOptions) {
    this.#options = options
    this.#location = locationOf(options.store)
  }

  /** By which the broker finds the session again, if the application has chosen none; known once it is open. */
  get clientId(): string | undefined {
    return this.#clientId
  }

  /**
   * Opens it and takes up what it holds; not twice. After a failure it can be tried again.
   *
   * @throws {StoreError}
   */
  open(): Promise<void> {
    this.#opening ??= this.#load().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  accepted(publication: Publication): Promise<void> {
    const { promise, resolve, reject } = deferred<void>()
    const entry: Entry = { sequence: 0, released: 'no' }
    this.#entries.set(publication, entry)
    this.#note({
      sync: true,
      operations: () => {
        entry.sequence = ++this.#lastSequence
        return [{ type: 'put', key: publicationKey(entry.sequence), value: encodePublication(publication), ...views }]
      },
      written: () => {
        publication.storeId = entry.sequence
        resolve()
      },
      failed: (error) => {
        const { sequence } = entry
        // It is another one's then.
        entry.sequence = 0
        this.#entries.delete(publication)
        this.#options.onRefused(publication, error)
        reject(error)
        // After a failed sync nobody knows what is on disk.
        return deletions(sequence)
      },
    })
    return promise
  }

  sent(publications: readonly Publication[]): Promise<void> {
    return this.#handshake(publications, 'sent')
  }

  released(publication: Publication): Promise<void> | undefined {
    const entry = this.#entries.get(publication)
    if (!entry || entry.released === 'yes') return undefined
    if (entry.released === 'no') {
      entry.released = this.#handshake([publication], 'released').then(() => void (entry.released = 'yes'))
    }
    return entry.released
  }

  quarantined(publication: Publication): void {
    this.#setAside(publication, (key) => ({ type: 'put', key, value: encodeQuarantine(), ...views }))
  }

  requeued(publication: Publication): void {
    this.#setAside(publication, (key) => ({ type: 'del', key, keyEncoding: 'view' }))
  }

  settled(publication: Publication): void {
    const entry = this.#entries.get(publication)
    if (!entry) return
    this.#entries.delete(publication)
    const operations = () => deletions(entry.sequence)
    this.#note({ sync: false, operations, written: nothing, failed: operations })
  }

  /** Resolves when everything that was told to it is on disk, as far as the disk takes it. */
  async flush(): Promise<void> {
    await this.#idle()
    if (!this.#open || this.#stuck || (this.#unwritten.size === 0 && !this.#unsynced)) return
    this.#note(toDisk)
    await this.#idle()
  }

  /** Flushes, and closes what it has opened: later, if a write takes too long. */
  async close(): Promise<void> {
    if (this.#opening) await this.#inTime('opening the store', this.#opening).catch(nothing)
    await this.flush()
    if (this.#stuck) return void this.#stuck.then(() => this.close()).catch(nothing)
    const open = this.#open
    this.#open = undefined
    this.#opening = undefined
    if (open) await this.#inTime('closing the store', open.release())
  }

  async #idle(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  #setAside(publication: Publication, operation: (key: Uint8Array) => Operation): void {
    const operations = () => {
      const sequence = this.#entries.get(publication)?.sequence
      return sequence ? [operation(quarantineKey(sequence))] : []
    }
    this.#note({ sync: true, operations, written: nothing, failed: operations })
  }

  /** The packet ids go with it; what can't be written is sent all the same, and is written later. */
  #handshake(publications: readonly Publication[], phase: Handshake['phase']): Promise<void> {
    const { promise, resolve } = deferred<void>()
    const told = publications.map((publication) => ({ publication, packetId: publication.packetId }))
    const operations = () =>
      told.flatMap(({ publication, packetId }): Operation[] => {
        const sequence = this.#entries.get(publication)?.sequence
        if (!sequence) return []
        return [{ type: 'put', key: handshakeKey(sequence), value: encodeHandshake({ phase, packetId }), ...views }]
      })
    this.#note({
      sync: true,
      operations,
      written: resolve,
      failed: () => {
        resolve()
        // Asked anew: of what was refused together with it, nothing may stay.
        return operations()
      },
    })
    return promise
  }

  #note(note: Note): void {
    this.#notes.push(note)
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    try {
      // Also the wait for what else is told in this turn.
      await this.open()
    } catch (error) {
      this.#writing = undefined
      for (const note of this.#notes.splice(0)) note.failed(error as StoreError)
      return
    }
    while (this.#open && this.#notes.length > 0) await this.#write(this.#open, this.#notes.splice(0))
    this.#writing = undefined
  }

  async #write({ database }: OpenDatabase, notes: readonly Note[]): Promise<void> {
    if (this.#stuck) return this.#fail(notes, new TimeoutError('writing to the store', STORE_TIMEOUT))
    const last = this.#lastSequence
    const synced = notes.some((note) => note.sync)
    const operations = [...this.#unwritten.values(), ...notes.flatMap((note) => note.operations())]
    // A sync takes all that was written before with it; LevelDB knows none without a write.
    if (operations.length === 0) operations.push(this.#headerOperation())
    try {
      await this.#batch(database, operations, synced)
    } catch (cause) {
      this.#fail(notes, cause)
      // Those that were refused took them: what is written under them next replaces what may be on disk.
      this.#lastSequence = last
      return
    }
    this.#failing = false
    this.#unwritten.clear()
    this.#unsynced = !synced
    for (const note of notes) note.written()
  }

  async #batch(database: LevelDatabase, operations: Operation[], synced: boolean): Promise<void> {
    const writing = database.batch(operations, { ...views, sync: synced })
    try {
      await this.#inTime('writing to the store', writing)
    } catch (error) {
      if (error instanceof TimeoutError) this.#awaitLate(writing)
      throw error
    }
  }

  /** What is written late may have been refused meanwhile: then its deletion follows. */
  #awaitLate(writing: Promise<void>): void {
    this.#stuck = writing.catch(nothing).then(() => {
      this.#stuck = undefined
      return this.flush()
    })
  }

  #fail(notes: readonly Note[], cause: unknown): void {
    const error = new StoreError('write', this.#location, { cause })
    // Once until it is mended.
    if (!this.#failing) this.#options.onError(error)
    this.#failing = true
    for (const operation of notes.flatMap((note) => note.failed(error))) {
      this.#unwritten.set(operation.key.join(), operation)
    }
  }

  #headerOperation(): Operation {
    return { type: 'put', key: headerKey, value: encodeHeader(this.#clientId ?? ''), ...views }
  }

  async #load(): Promise<void> {
    const open = await this.#openInTime()
    try {
      const contents = await readStore(open.database, this.#location)
      this.#clientId = contents.clientId ?? this.#options.generateClientId()
      if (contents.clientId === undefined) {
        const written = open.database.batch([this.#headerOperation()], { ...views, sync: true })
        await this.#inTime('writing to the store', written)
      }
      this.#open = open
      this.#restore(contents)
    } catch (error) {
      this.#clientId = undefined
      await this.#inTime('closing the store', open.release()).catch(nothing)
      throw error instanceof StoreError ? error : new StoreError('write', this.#location, { cause: error })
    }
  }

  async #openInTime(): Promise<OpenDatabase> {
    const opening = openDatabase(this.#options.store)
    try {
      return await this.#inTime('opening the store', opening)
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error
      opening.then((open) => open.release()).catch(nothing)
      throw new StoreError('unavailable', this.#location, { cause: error })
    }
  }

  #inTime<Value>(what: string, promise: Promise<Value>): Promise<Value> {
    const { clock } = this.#options
    return inTime(promise, { after: STORE_TIMEOUT, clock, error: () => new TimeoutError(what, STORE_TIMEOUT) })
  }

  #restore({ publications, delivered, lastSequence }: StoreContents): void {
    this.#lastSequence = Math.max(this.#lastSequence, lastSequence)
    for (const operation of delivered.flatMap(deletions)) this.#unwritten.set(operation.key.join(), operation)
    const waiting: Publication[] = []
    const inFlight: Publication[] = []
    const quarantined: Publication[] = []
    for (const [sequence, publication] of publications) {
      this.#entries.set(publication, { sequence, released: publication.phase === 'released' ? 'yes' : 'no' })
      publication.storeId = sequence
      if (publication.quarantined) quarantined.push(publication)
      else if (publication.phase === 'waiting') waiting.push(publication)
      else inFlight.push(publication)
    }
    this.#options.onRestored(waiting, inFlight, quarantined)
  }
}

function deletions(sequence: number): Operation[] {
  if (sequence === 0) return []
  return [publicationKey(sequence), handshakeKey(sequence), quarantineKey(sequence)].map((key) => ({
    type: 'del',
    key,
    keyEncoding: 'view',
  }))
}

function nothing(): void {}
