import { StoreError, TimeoutError } from '../api/errors.ts'
import type { Journal } from '../session/outgoing/journal.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import { nothing } from '../shared/nothing.ts'
import { deferred, inTime } from '../shared/wait.ts'
import type { LevelJournal, LevelJournalOptions } from './level-journal.ts'
import { absolute, locationOf } from './location.ts'

const loadCode = () => import('./level-journal.ts')

export interface LazyJournalOptions extends LevelJournalOptions {
  /** How long `flush` may take, in milliseconds. */
  readonly flushTimeout: number
}

/** A call that came before the code was loaded. */
interface EarlyCall {
  readonly passOn: (journal: LevelJournal) => void
  readonly refuse: (error: StoreError) => void
}

/**
 * A `LevelJournal` whose code is a chunk of its own, and loaded only by clients with a store. It is loaded immediately,
 * because a page may be offline later. Calls in the meantime are passed on in order.
 */
export class LazyJournal implements Journal {
  readonly #options: LazyJournalOptions
  readonly #loadCode: typeof loadCode
  readonly #earlyCalls: EarlyCall[] = []
  #loading: Promise<LevelJournal> | undefined
  #opening: Promise<void> | undefined
  #journal: LevelJournal | undefined

  constructor(options: LazyJournalOptions, load = loadCode) {
    this.#options = { ...options, store: absolute(options.store) }
    this.#loadCode = load
    this.#load().catch(nothing)
  }

  /** The generated client id, used if the application has chosen none. Known once the store is open. */
  get clientId(): string | undefined {
    return this.#journal?.clientId
  }

  /**
   * Opens the store and restores its publications, only once. After a failure it can be tried again.
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
    promise.catch(nothing)
    const { payload } = publication
    // A copy, because the application may change the payload before it is encoded. A detached one is refused then.
    if (typeof payload !== 'string' && payload.byteLength > 0) publication.payload = new Uint8Array(payload)
    this.#later({
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
    // As in `sent`: the publication was on a connection before.
    this.#journal?.quarantined(publication)
  }

  requeued(publication: Publication): void {
    this.#journal?.requeued(publication)
  }

  settled(publication: Publication): void {
    if (this.#journal) this.#journal.settled(publication)
    else this.#later({ passOn: (journal) => journal.settled(publication), refuse: nothing })
  }

  /** Resolves when all changes are on disk, or after `flushTimeout`. Write errors are reported elsewhere. */
  async flush(): Promise<void> {
    await this.#inTime(this.#flush())
  }

  /** Flushes, and closes the database. */
  async close(): Promise<void> {
    if (this.#opening) await this.#inTime(this.#opening)
    await this.flush()
    await this.#journal?.close()
  }

  async #flush(): Promise<void> {
    if (this.#earlyCalls.length > 0) await this.#load()
    await this.#journal?.flush()
  }

  /** Errors are ignored here: they are reported elsewhere. */
  #inTime(promise: Promise<void>): Promise<void> {
    const { flushTimeout: after, clock } = this.#options
    const error = () => new TimeoutError('writing to the store', after)
    return inTime(promise, { after, clock, error }).catch(nothing)
  }

  #later(call: EarlyCall): void {
    this.#earlyCalls.push(call)
    this.#load().catch(nothing)
  }

  /** Loads the code, again only after a failure. */
  #load(): Promise<LevelJournal> {
    this.#loading ??= this.#loadCode().then(
      ({ LevelJournal }) => {
        const journal = new LevelJournal(this.#options)
        this.#journal = journal
        for (const { passOn } of this.#earlyCalls.splice(0)) passOn(journal)
        return journal
      },
      (cause: unknown) => {
        const error = new StoreError('unavailable', locationOf(this.#options.store), { cause })
        // A refused publication is also settled, which adds another call. The loop drops that one too.
        for (let call = this.#earlyCalls.shift(); call; call = this.#earlyCalls.shift()) call.refuse(error)
        this.#loading = undefined
        throw error
      },
    )
    return this.#loading
  }
}
