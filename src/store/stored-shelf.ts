import type { Clock } from '../api/clock.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import type { Shelf, Shelved } from '../session/outgoing/shelf.ts'
import { deferred } from '../shared/wait.ts'
import { HELD, LEAVING, type PublicationIndex, type PublicationState, WAITING } from './publication-index.ts'
import type { StoredPublication } from './records.ts'
import { restorePublication, type Window } from './restore.ts'

/** How long the shelf waits until it reads again after a failure, in milliseconds. */
export const READ_AGAIN = 1_000

/** How many publications expire at a time. */
const MAX_EXPIRING = 1_000

/** The first to expire is searched for at most once in this time, in milliseconds: each search looks at all. */
const SEARCH_EVERY = 1_000

export interface StoredShelfOptions {
  readonly index: PublicationIndex
  readonly window: Window
  readonly clock: Clock
  /** Reads publications from the store. */
  readonly load: (sequences: readonly number[]) => Promise<Map<number, StoredPublication>>
  /** A publication is in memory from now on. */
  readonly adopt: (publication: Publication, checksum: number) => void
  /** Removes a record. The index has it until then. */
  readonly remove: (sequence: number) => void
  /** Some could not be read. `cause` is missing if they are damaged or missing themselves. */
  readonly onError: (cause?: unknown) => void
}

/** The waiting publications that are only on disk, with an index in memory. */
export class StoredShelf implements Shelf {
  readonly #options: StoredShelfOptions
  readonly #index: PublicationIndex
  /** The sequence numbers by `latest` key. */
  readonly #latest = new Map<string, number>()
  /** Those that will be removed when their topics are read. */
  readonly #leaving = new Map<number, (topic: string | undefined) => void>()
  /** None expires before this time. */
  #nextExpiry: number
  #removing: Promise<void> | undefined
  #isClosed = false
  /** Whether the last attempt to read failed. */
  #isFailing = false
  #pause: unknown

  constructor(options: StoredShelfOptions) {
    this.#options = options
    this.#index = options.index
    for (const [sequence, key] of this.#index.latestKeys) this.#latest.set(key, sequence)
    this.#nextExpiry = this.#index.earliestExpiry
  }

  get size(): number {
    return this.#index.totalOf(WAITING).count
  }

  get bytes(): number {
    return this.#index.totalOf(WAITING).bytes
  }

  get isEmpty(): boolean {
    return this.size + this.#index.totalOf(HELD).count === 0
  }

  get isReady(): boolean {
    const first = this.#index.next(0, isThere)
    return !this.#isClosed && first !== undefined && this.#index.stateOf(first) === WAITING
  }

  get nextExpiry(): number {
    return this.#nextExpiry
  }

  counts({ storeId }: Shelved): boolean {
    return this.#index.stateOf(storeId) === WAITING
  }

  oldest(): Shelved | undefined {
    return this.#shelved(this.#index.next(0, isWaiting))
  }

  newest(): Shelved | undefined {
    return this.#shelved(this.#index.last(isWaiting))
  }

  latest(key: string): Shelved | undefined {
    return this.#shelved(this.#latest.get(key))
  }

  hold({ storeId }: Shelved): void {
    if (this.#index.stateOf(storeId) !== WAITING) return
    this.#forgetLatest(storeId)
    this.#index.setState(storeId, HELD)
  }

  release({ storeId, latest }: Shelved): void {
    if (this.#index.stateOf(storeId) !== HELD) return
    this.#index.setState(storeId, WAITING)
    if (latest !== undefined && !this.#latest.has(latest)) this.#latest.set(latest, storeId)
    this.#nextExpiry = Math.min(this.#nextExpiry, this.#index.get(storeId).expiresAt)
  }

  remove({ storeId }: Shelved): Promise<string | undefined> {
    const state = this.#index.stateOf(storeId)
    if (state === undefined || !isThere(state)) return Promise.resolve(undefined)
    if (state === WAITING) this.#forgetLatest(storeId)
    this.#index.setState(storeId, LEAVING)
    const { promise, resolve } = deferred<string | undefined>()
    this.#leaving.set(storeId, resolve)
    this.#removing ??= this.#removeLeaving()
    return promise
  }

  expired(now: number): readonly Shelved[] {
    if (now < this.#nextExpiry) return []
    const { due, next } = this.#index.expiring(now, MAX_EXPIRING)
    this.#nextExpiry = next <= now ? next : Math.max(next, now + SEARCH_EVERY)
    return due.flatMap((sequence) => this.#shelved(sequence) ?? [])
  }

  async take(): Promise<readonly Publication[]> {
    const sequences = this.#nextSequences()
    try {
      const stored = await this.#options.load(sequences)
      this.#isFailing = false
      return this.#isClosed ? [] : this.#taken(sequences, stored)
    } catch (cause) {
      if (this.#isClosed) return []
      if (!this.#isFailing) this.#options.onError(cause)
      this.#isFailing = true
      await new Promise<void>((resolve) => {
        this.#pause = this.#options.clock.setTimeout(resolve, READ_AGAIN)
      })
      return []
    }
  }

  /** Resolves when the removals so far are passed on. */
  async idle(): Promise<void> {
    await this.#removing
  }

  /** Reads nothing more. */
  close(): void {
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#pause)
  }

  #nextSequences(): number[] {
    const { messages, bytes } = this.#options.window
    const sequences: number[] = []
    let total = 0
    for (let next = this.#index.next(0, isThere); next !== undefined; next = this.#index.next(next + 1, isThere)) {
      total += this.#index.get(next).bytes
      const isFull = sequences.length >= messages || (sequences.length > 0 && total > bytes)
      if (isFull || this.#index.stateOf(next) === HELD) break
      sequences.push(next)
    }
    return sequences
  }

  /** Meanwhile, some of them may have been removed or held back. */
  #taken(sequences: readonly number[], stored: ReadonlyMap<number, StoredPublication>): Publication[] {
    const taken: Publication[] = []
    let missing = 0
    for (const sequence of sequences) {
      const state = this.#index.stateOf(sequence)
      if (state === HELD) break
      if (state !== WAITING) continue
      const found = stored.get(sequence)
      const { checksum } = this.#index.get(sequence)
      this.#forgetLatest(sequence)
      this.#index.delete(sequence)
      if (found) {
        const publication = restorePublication(sequence, found)
        this.#options.adopt(publication, checksum)
        taken.push(publication)
      } else missing++
    }
    if (missing > 0) this.#options.onError()
    return taken
  }

  /** Reads the topics, for the errors that report the removals, and removes the records then. */
  async #removeLeaving(): Promise<void> {
    // This also waits for the other removals of this turn.
    await Promise.resolve()
    while (this.#leaving.size > 0 && !this.#isClosed) {
      const sequences = [...this.#leaving.keys()].slice(0, MAX_EXPIRING).toSorted((a, b) => a - b)
      const stored = await this.#options.load(sequences).catch(() => new Map<number, StoredPublication>())
      if (this.#isClosed) return
      for (const sequence of sequences) {
        const resolve = this.#leaving.get(sequence)
        this.#options.remove(sequence)
        resolve?.(stored.get(sequence)?.topic)
      }
      for (const sequence of sequences) this.#leaving.delete(sequence)
    }
    this.#removing = undefined
  }

  #forgetLatest(sequence: number): void {
    const { latest } = this.#index.get(sequence)
    if (latest !== undefined && this.#latest.get(latest) === sequence) this.#latest.delete(latest)
  }

  #shelved(sequence: number | undefined): Shelved | undefined {
    if (sequence === undefined) return undefined
    const { bytes, latest } = this.#index.get(sequence)
    return { storeId: sequence, bytes, latest }
  }
}

function isWaiting(state: PublicationState): boolean {
  return state === WAITING
}

/** Whether it still has a place in the queue. */
function isThere(state: PublicationState): boolean {
  return state === WAITING || state === HELD
}
