import { StoreError } from '../errors.ts'
import type { Journal } from '../session/journal.ts'
import type { Publication } from '../session/publication.ts'
import { deferred } from '../wait.ts'
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
  type Handshake,
} from './records.ts'

export interface LevelJournalOptions {
  readonly store: string | LevelDatabase
  /** Makes the client id of a new store. */
  readonly generateClientId: () => string
  /** It was opened: what an earlier process left waiting, and in flight, each in order. */
  readonly onRestored: (waiting: readonly Publication[], inFlight: readonly Publication[]) => void
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
  failed(error: StoreError, operations: Operation[]): Operation[]
}

interface Entry {
  /** Its place among all that were accepted; 0 until it is written. */
  sequence: number
  released: 'no' | 'yes' | Promise<void>
}

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
  /** What could not be written: it goes with the next batch. */
  #unwritten: Operation[] = []
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
      written: resolve,
      failed: (error) => {
        this.#entries.delete(publication)
        this.#options.onRefused(publication, error)
        reject(error)
        // After a failed sync nobody knows what is on disk.
        return deletions(entry.sequence)
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

  settled(publication: Publication): void {
    const entry = this.#entries.get(publication)
    if (!entry) return
    this.#entries.delete(publication)
    this.#note({
      sync: false,
      operations: () => deletions(entry.sequence),
      written: nothing,
      failed: (_error, operations) => operations,
    })
  }

  /** Resolves when everything that was told to it is on disk, as far as the disk takes it. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing
    if (!this.#open || (this.#unwritten.length === 0 && !this.#unsynced)) return
    await this.#write(this.#open, [])
  }

  /** Flushes, and closes what it has opened. */
  async close(): Promise<void> {
    await this.#opening?.catch(nothing)
    await this.flush()
    const open = this.#open
    this.#open = undefined
    this.#opening = undefined
    await open?.release()
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
      for (const note of this.#notes.splice(0)) note.failed(error as StoreError, [])
      return
    }
    while (this.#open && this.#notes.length > 0) await this.#write(this.#open, this.#notes.splice(0))
    this.#writing = undefined
  }

  async #write({ database }: OpenDatabase, notes: readonly Note[]): Promise<void> {
    const byNote = notes.map((note) => ({ note, operations: note.operations() }))
    const sync = notes.length === 0 || notes.some((note) => note.sync)
    const operations = [...this.#unwritten, ...byNote.flatMap((each) => each.operations)]
    // A sync takes all that was written before with it; LevelDB knows none without a write.
    if (operations.length === 0) operations.push(this.#headerOperation())
    try {
      await database.batch(operations, { ...views, sync })
    } catch (cause) {
      const error = new StoreError('write', this.#location, { cause })
      // Once until it is mended.
      if (this.#unwritten.length === 0) this.#options.onError(error)
      this.#unwritten.push(...byNote.flatMap((each) => each.note.failed(error, each.operations)))
      return
    }
    this.#unwritten = []
    this.#unsynced = !sync
    for (const note of notes) note.written()
  }

  #headerOperation(): Operation {
    return { type: 'put', key: headerKey, value: encodeHeader(this.#clientId ?? ''), ...views }
  }

  async #load(): Promise<void> {
    const open = await openDatabase(this.#options.store)
    try {
      const contents = await readStore(open.database, this.#location)
      this.#clientId = contents.clientId ?? this.#options.generateClientId()
      if (contents.clientId === undefined) {
        await open.database.batch([this.#headerOperation()], { ...views, sync: true })
      }
      this.#open = open
      this.#restore(contents)
    } catch (error) {
      this.#clientId = undefined
      await open.release()
      throw error instanceof StoreError ? error : new StoreError('write', this.#location, { cause: error })
    }
  }

  #restore({ publications, delivered, lastSequence }: StoreContents): void {
    this.#lastSequence = Math.max(this.#lastSequence, lastSequence)
    this.#unwritten = delivered.flatMap(deletions)
    const waiting: Publication[] = []
    const inFlight: Publication[] = []
    for (const [sequence, publication] of publications) {
      this.#entries.set(publication, { sequence, released: publication.phase === 'released' ? 'yes' : 'no' })
      if (publication.phase === 'waiting') waiting.push(publication)
      else inFlight.push(publication)
    }
    this.#options.onRestored(waiting, inFlight)
  }
}

function deletions(sequence: number): Operation[] {
  if (sequence === 0) return []
  return [publicationKey(sequence), handshakeKey(sequence)].map((key) => ({ type: 'del', key, keyEncoding: 'view' }))
}

function nothing(): void {}
