import type { Clock } from '../api/clock.ts'
import { StoreError, TimeoutError } from '../api/errors.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import type { Journal } from '../session/outgoing/journal.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import type { Shelf } from '../session/outgoing/shelf.ts'
import { nothing } from '../shared/nothing.ts'
import { inTime } from '../shared/wait.ts'
import { Batch, type Change } from './batch.ts'
import { Acceptance, Removal } from './changes.ts'
import { openDatabase } from './database.ts'
import { Entries } from './entries.ts'
import { locationOf } from './location.ts'
import type { OpenDatabase } from './open-database.ts'
import { PublicationIndex } from './publication-index.ts'
import { lastSequenceOf, type StoreRecords } from './read-store.ts'
import type { Handshake } from './records.ts'
import { planRestore, restorePublication, type RestorePlan, type Window } from './restore.ts'
import { StoredShelf } from './stored-shelf.ts'

/** How long opening, writing and closing may each take, in milliseconds. Longer counts as a failure. */
export const STORE_TIMEOUT = 30_000

export interface LevelJournalOptions {
  readonly store: string | LevelDatabase
  readonly clock: Clock
  /** Generates the client id of a new store. */
  readonly generateClientId: () => string
  /**
   * The store was opened. Called with the publications of an earlier process that waited, were in flight or in
   * quarantine, each in order. Those in quarantine may have a packet id too.
   */
  readonly onRestored: (
    waiting: readonly Publication[],
    inFlight: readonly Publication[],
    quarantined: readonly Publication[],
    /** Those that wait behind the others. They stay on disk until the outbox takes them. */
    shelf?: Shelf,
  ) => void
  /** A publication is on disk. Called before its promise resolves. */
  readonly onStored: (publication: Publication) => void
  /** A publication could not be written, so it is not accepted. Called before its promise rejects. */
  readonly onRefused: (publication: Publication, error: StoreError) => void
  /** A change could not be written, and no promise reports that. */
  readonly onError: (error: StoreError) => void
  /** How much of what waits is read from the store at a time. */
  readonly window?: Window
}

/** How many publications are restored in one turn of the event loop. */
const PART = 1_000

const WINDOW: Window = { messages: 2_048, bytes: 8 * 1_024 * 1_024 }

/**
 * A journal in a LevelDB, which is opened at the first use. All changes of one turn of the event loop, or during a
 * running write, are written in one batch.
 *
 * `Entries` has the intended content of the store. After a failed write the actual content is unknown: the store is
 * opened again and read, and the difference is written.
 */
export class LevelJournal implements Journal {
  readonly #options: LevelJournalOptions
  readonly #location: string
  readonly #entries = new Entries()
  /** The publications that are only on disk. */
  #index = new PublicationIndex()
  #shelf: StoredShelf | undefined
  #opening: Promise<void> | undefined
  #open: OpenDatabase | undefined
  #clientId: string | undefined
  /** The changes that are written next. */
  #gathering: Batch | undefined
  /** Whether the last write failed. */
  #failing = false
  /** The error that no further attempt can change. */
  #lost: StoreError | undefined
  /** The write that took too long. Nothing else is written until it ends. */
  #stuck: Promise<void> | undefined
  /** Whether some writes are not synced: they survive the end of the process, but not of the system. */
  #unsynced = false
  #writing: Promise<void> | undefined

  constructor(options: LevelJournalOptions) {
    this.#options = options
    this.#location = locationOf(options.store)
  }

  /** The generated client id, used if the application has chosen none. Known once the store is open. */
  get clientId(): string | undefined {
    return this.#clientId
  }

  /**
   * Opens the store and restores its publications, only once. After a failure it can be tried again.
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

  /** Encodes the publication at once: later changes of the payload affect neither what is written nor what is sent. */
  accepted(publication: Publication): Promise<void> {
    try {
      return this.#change(new Acceptance(publication, this.#entries, this.#options), true)
    } catch (cause) {
      const error = new StoreError('write', this.#location, { cause })
      this.#options.onRefused(publication, error)
      const refused = Promise.reject(error)
      refused.catch(nothing)
      return refused
    }
  }

  sent(publications: readonly Publication[]): Promise<void> {
    return this.#handshake(publications, 'sent')
  }

  released(publication: Publication): Promise<void> | undefined {
    const entry = this.#entries.of(publication)
    if (!entry || entry.released === 'yes') return undefined
    if (entry.released === 'no') {
      entry.released = this.#handshake([publication], 'released').then(() => void (entry.released = 'yes'))
    }
    return entry.released
  }

  quarantined(publication: Publication): void {
    this.#setAside(publication, true)
  }

  requeued(publication: Publication): void {
    this.#setAside(publication, false)
  }

  settled(publication: Publication): void {
    const entry = this.#entries.of(publication)
    if (!entry) return
    this.#entries.forget(entry)
    void this.#change(new Removal(entry, this.#entries), false)
  }

  /** Resolves when all changes are on disk. Write errors are reported elsewhere. */
  async flush(): Promise<void> {
    await this.#shelf?.idle()
    await this.#idle()
    if (!this.#open || this.#stuck || !(this.#failing || this.#unsynced)) return
    // This writes what is not on disk yet.
    void this.#change({ apply: nothing }, true)
    await this.#idle()
  }

  /** Flushes, and closes the database. If a write takes too long, the database is closed after it. */
  async close(): Promise<void> {
    if (this.#opening) await this.#inTime('opening the store', this.#opening).catch(nothing)
    await this.flush()
    this.#shelf?.close()
    if (this.#stuck) return void this.#stuck.then(() => this.close()).catch(nothing)
    const open = this.#open
    this.#open = undefined
    this.#opening = undefined
    if (open) await this.#inTime('closing the store', open.release())
  }

  async #idle(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  #setAside(publication: Publication, quarantined: boolean): void {
    const entry = this.#entries.of(publication)
    if (!entry) return
    void this.#change({ apply: () => this.#entries.setAside(entry, quarantined) }, true)
  }

  /** Packet ids that can't be written do not stop the publications: they are sent, and the ids are written later. */
  #handshake(publications: readonly Publication[], phase: Handshake['phase']): Promise<void> {
    const sent = publications.map((publication) => ({ publication, packetId: publication.packetId }))
    const apply = () => {
      for (const { publication, packetId } of sent) {
        const entry = this.#entries.of(publication)
        if (entry) this.#entries.shake(entry, { phase, packetId })
      }
    }
    return this.#change({ apply }, true).catch(nothing)
  }

  /** @returns resolves when it is written */
  #change(change: Change, sync: boolean): Promise<void> {
    this.#gathering ??= new Batch()
    const { ended } = this.#gathering
    this.#gathering.add(change, sync)
    this.#writing ??= this.#writeAll()
    return ended
  }

  async #writeAll(): Promise<void> {
    try {
      // This also waits for the other changes of this turn.
      await this.open()
      for (let batch = this.#gathered(); this.#open && batch; batch = this.#gathered()) {
        await this.#write(this.#open, batch)
      }
    } catch (error) {
      this.#gathered()?.failed(error as StoreError)
    } finally {
      this.#writing = undefined
    }
  }

  #gathered(): Batch | undefined {
    const batch = this.#gathering
    this.#gathering = undefined
    return batch
  }

  async #write(open: OpenDatabase, batch: Batch): Promise<void> {
    batch.apply((cause) => new StoreError('write', this.#location, { cause }))
    try {
      await this.#toDatabase(open, batch.sync)
    } catch (cause) {
      return this.#fail(batch, cause)
    }
    this.#failing = false
    this.#unsynced = !batch.sync
    if (batch.sync) open.written(this.#entries.ledger.batches)
    batch.written()
  }

  async #toDatabase(open: OpenDatabase, synced: boolean): Promise<void> {
    if (this.#lost) throw this.#lost
    if (this.#stuck) throw new TimeoutError('writing to the store', STORE_TIMEOUT)
    if (this.#failing) await this.#compare(open)
    const writing = open.write(this.#entries.operations(synced), synced)
    try {
      await this.#inTime('writing to the store', writing)
    } catch (error) {
      if (error instanceof TimeoutError) this.#awaitLate(writing)
      throw error
    }
  }

  /** Compares the content of the store with the intended one. The difference is written next. */
  async #compare(open: OpenDatabase): Promise<void> {
    try {
      await this.#inTime('opening the store', open.renew())
      const records = await this.#inTime('reading the store', open.read())
      const { unknown, missing } = this.#index.compareWith(records.publications)
      // What is missing is only on disk, and can't be written again.
      if (missing > 0) throw new StoreError('corrupt', this.#location)
      this.#entries.differFrom(records, this.#clientId ?? '', unknown)
    } catch (error) {
      // Each attempt would read the whole store again without effect.
      if (error instanceof StoreError && error.problem === 'corrupt') this.#lost = error
      throw error
    }
  }

  /** A late write may contain a publication that was refused in the meantime. Its deletion follows. */
  #awaitLate(writing: Promise<void>): void {
    this.#stuck = writing.catch(nothing).then(() => {
      this.#stuck = undefined
      return this.flush()
    })
  }

  #fail(batch: Batch, cause: unknown): void {
    const error = new StoreError('write', this.#location, { cause })
    // Reported once, until a write succeeds.
    if (!this.#failing) this.#options.onError(error)
    this.#failing = true
    this.#entries.discard()
    batch.failed(error)
  }

  async #load(): Promise<void> {
    const open = await this.#openInTime()
    try {
      const records = await open.read()
      this.#clientId = records.header?.clientId ?? this.#options.generateClientId()
      const plan = planRestore(records, this.#options.window ?? WINDOW)
      const publications = await this.#read(open, records, plan)
      this.#entries.continueAfter(lastSequenceOf(records))
      // This includes a store of an older format, or one that lost its last write. From now on its content is known.
      this.#entries.differFrom(records, this.#clientId, plan.dropped)
      await this.#inTime('writing to the store', open.write(this.#entries.operations(true), true))
      await this.#inTime('writing to the store', open.remember(this.#entries.ledger.batches))
      this.#open = open
      for (const sequence of [...plan.first, ...plan.dropped]) records.publications.delete(sequence)
      this.#putOnShelf(records.publications)
      this.#restored(publications)
    } catch (error) {
      this.#clientId = undefined
      this.#entries.clear()
      await this.#inTime('closing the store', open.release()).catch(nothing)
      throw error instanceof StoreError ? error : new StoreError('write', this.#location, { cause: error })
    }
  }

  /** Reads what is restored at once. Everything can have been in flight, so this is done in parts. */
  async #read(open: OpenDatabase, records: StoreRecords, { first, handshakes }: RestorePlan): Promise<Publication[]> {
    const isSealed = records.header?.format !== 1
    const publications: Publication[] = []
    for (let from = 0; from < first.length; from += PART) {
      const sequences = first.slice(from, from + PART)
      const stored = await open.load(sequences, isSealed)
      const part = sequences.map((sequence) => {
        const each = stored.get(sequence)
        if (!each) throw new StoreError('corrupt', this.#location)
        return restorePublication(sequence, each, handshakes.get(sequence), records.quarantined.has(sequence))
      })
      this.#entries.takeUp(part)
      publications.push(...part)
    }
    return publications
  }

  #putOnShelf(index: PublicationIndex): void {
    this.#index = index
    if (index.size === 0) return
    const { window = WINDOW, clock, onError } = this.#options
    this.#shelf = new StoredShelf({
      index,
      window,
      clock,
      load: async (sequences) => {
        if (!this.#open) throw new StoreError('unavailable', this.#location)
        return await this.#inTime('reading the store', this.#open.load(sequences, true))
      },
      adopt: (publication, checksum) => this.#entries.adopt(publication, checksum),
      remove: (sequence) => {
        const apply = () => {
          if (!index.has(sequence)) return
          this.#entries.removeUnread(sequence, index.get(sequence).checksum)
          index.delete(sequence)
        }
        void this.#change({ apply }, false)
      },
      onError: (cause) => onError(new StoreError('corrupt', this.#location, cause === undefined ? {} : { cause })),
    })
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

  #restored(publications: Iterable<Publication>): void {
    const waiting: Publication[] = []
    const inFlight: Publication[] = []
    const quarantined: Publication[] = []
    for (const publication of publications) {
      if (publication.quarantined) quarantined.push(publication)
      else if (publication.phase === 'waiting') waiting.push(publication)
      else inFlight.push(publication)
    }
    this.#options.onRestored(waiting, inFlight, quarantined, this.#shelf)
  }
}
