import { StoreError, TimeoutError } from '../api/errors.ts'
import type { Journal } from '../session/outgoing/journal.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import { deferred, inTime } from '../shared/wait.ts'
import type { LevelJournal, LevelJournalOptions } from './level-journal.ts'
import { absolute, locationOf } from './location.ts'
import { nothing } from '../shared/nothing.ts'

const loadCode = () => import('./level-journal.ts')

export interface LazyJournalOptions extends LevelJournalOptions {
  /** How long `flush` may take, in milliseconds. */
  readonly flushTimeout: number
}

/** Something that it was told before its code was there. */
interface Told {
  readonly passOn: (journal: LevelJournal) => void
  readonly refuse: (error: StoreError) => void
}

/**
 * A `LevelJournal` whose code is loaded only when there is one: bundlers make it a chunk of its own. It is loaded at
 * once, since a page may be offline when it is used. What is told to it meanwhile is passed on in its order.
 */
export class LazyJournal implements Journal {
  readonly #options: LazyJournalOptions
  readonly #loadCode: typeof loadCode
  readonly #told: Told[] = []
  #loading: Promise<LevelJournal> | undefined
  #opening: Promise<void> | undefined
  #journal: LevelJournal | undefined

  constructor(options: LazyJournalOptions, load = loadCode) {
    this.#options = { ...options, store: absolute(options.store) }
    this.#loadCode = load
    this.#load().catch(nothing)
  }

  /** By which the broker finds the session again, if the application has chosen none; known once it is open. */
  get clientId(): string | undefined {
    return this.#journal?.clientId
  }

  /**
   * Opens it and takes up what it holds; not twice. After a failure it can be tried again.
   *
   * @throws {StoreError}
   */
  open(): Promise<void> {
    this.#opening = this.#load().then((journal) => journal.open())
    return this.#opening
  }

  accepted(publication: Publication): Promise<void> {
    if (this.#journal) return this.#journal.accepted(publication)
    const { promise, resolve, reject } = deferred<void>()
    const { payload } = publication
    // The application may change it before it is encoded; without its bytes, it is refused by then.
    if (typeof payload !== 'string' && payload.byteLength > 0) publication.payload = new Uint8Array(payload)
    this.#tell({
      passOn: (journal) => void journal.accepted(publication).then(resolve, reject),
      refuse: (error) => {
        this.#options.onRefused(publication, error)
        reject(error)
      },
    })
    return promise
  }

  sent(publications: readonly Publication[]): Promise<void> {
    // There is no connection before it is open.
    return this.#journal?.sent(publications) ?? Promise.resolve()
  }

  released(publication: Publication): Promise<void> | undefined {
    return this.#journal?.released(publication)
  }

  quarantined(publication: Publication): void {
    // Like `sent`: it has been on a connection before.
    this.#journal?.quarantined(publication)
  }

  requeued(publication: Publication): void {
    this.#journal?.requeued(publication)
  }

  settled(publication: Publication): void {
    if (this.#journal) this.#journal.settled(publication)
    else this.#tell({ passOn: (journal) => journal.settled(publication), refuse: nothing })
  }

  /** Resolves when everything that was told to it is on disk, as far as the disk takes it, and in time. */
  async flush(): Promise<void> {
    await this.#inTime(this.#flush())
  }

  /** Flushes, and closes what it has opened. */
  async close(): Promise<void> {
    if (this.#opening) await this.#inTime(this.#opening)
    await this.flush()
    await this.#journal?.close()
  }

  async #flush(): Promise<void> {
    if (this.#told.length > 0) await this.#load()
    await this.#journal?.flush()
  }

  /** What fails was told to those whom it concerns. */
  #inTime(promise: Promise<void>): Promise<void> {
    const { flushTimeout: after, clock } = this.#options
    const error = () => new TimeoutError('writing to the store', after)
    return inTime(promise, { after, clock, error }).catch(nothing)
  }

  #tell(told: Told): void {
    this.#told.push(told)
    this.#load().catch(nothing)
  }

  /** Not twice, unless it failed. */
  #load(): Promise<LevelJournal> {
    this.#loading ??= this.#loadCode().then(
      ({ LevelJournal }) => {
        const journal = new LevelJournal(this.#options)
        this.#journal = journal
        for (const { passOn } of this.#told.splice(0)) passOn(journal)
        return journal
      },
      (cause: unknown) => {
        const error = new StoreError('unavailable', locationOf(this.#options.store), { cause })
        // What is refused is also settled: with the loop that is forgotten, too.
        for (let told = this.#told.shift(); told; told = this.#told.shift()) told.refuse(error)
        this.#loading = undefined
        throw error
      },
    )
    return this.#loading
  }
}
