import { StoreError } from '../api/errors.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import { Ledger } from './ledger.ts'
import { DAMAGED, PublicationIndex, type PublicationState, UNSEALED, WAITING } from './publication-index.ts'
import {
  decodeHandshake,
  decodeHeader,
  decodeKey,
  decodeLedger,
  decodePublication,
  decodeQuarantine,
  FORMAT,
  type Handshake,
  type Header,
  headerKey,
  type LedgerState,
  publicationKey,
  publicationOf,
  type StoredPublication,
  summarizePublication,
  unseal,
} from './records.ts'
import { resultOf } from './slices.ts'
import { views } from './views.ts'

/** The sound records of a store. The publications themselves stay on disk. */
export interface StoreRecords {
  /** The header; `undefined` if the store is new or the header is missing. */
  readonly header: Header | undefined
  readonly ledger: LedgerState | undefined
  readonly publications: PublicationIndex
  readonly handshakes: ReadonlyMap<number, Handshake>
  readonly quarantined: ReadonlySet<number>
  /** The number of records. */
  readonly count: number
  readonly damagedKeys: readonly Uint8Array[]
  /** Whether there are records that this package can't have written. */
  readonly foreign: boolean
  /** Counts the records that were found. */
  readonly found: Ledger
}

/** What else is in a store than publications. */
interface Other {
  version: number
  value: Uint8Array | undefined
}

/** Collects the records of a store, in any order, and keeps no payload. */
export class StoreReader implements StoreRecords {
  header: Header | undefined
  ledger: LedgerState | undefined
  readonly publications = new PublicationIndex()
  readonly handshakes = new Map<number, Handshake>()
  readonly quarantined = new Set<number>()
  count = 0
  readonly damagedKeys: Uint8Array[] = []
  foreign = false
  readonly found = new Ledger({ batches: 0, lastSequence: 0 })
  readonly #others = new Map<string, Other>()

  /** @param key - like the value, it is not used after the call */
  add(key: Uint8Array, value: Uint8Array): void {
    const sequence = publicationOf(key)
    if (sequence !== undefined) this.#index(sequence, key, value)
    else this.#others.set(nameOf(key), { version: 0, value: value.slice() })
  }

  /**
   * Adds one of several versions of a record. The newest counts.
   *
   * @param key - like the value, it is not used after the call
   * @param value - `undefined` if it is deleted
   */
  addVersion(key: Uint8Array, version: number, value: Uint8Array | undefined): void {
    const sequence = publicationOf(key)
    if (sequence !== undefined) {
      if (!this.publications.isNewer(sequence, version)) return
      if (value) this.#index(sequence, key, value)
      else this.publications.delete(sequence)
      return
    }
    const name = nameOf(key)
    const known = this.#others.get(name)
    if (!known || known.version < version) this.#others.set(name, { version, value: value?.slice() })
  }

  /** Decodes the other records, and counts all. Called when all are added. */
  finish(): this {
    return resultOf(this.finishing())
  }

  /** The same in steps: everything can have been in flight. */
  *finishing(): Generator<void, this> {
    this.publications.complete()
    const header = this.#others.get(nameOf(headerKey))?.value
    if (header) this.#attempt(headerKey, () => this.#readHeader(header))
    for (const [name, { value }] of this.#others) {
      yield
      if (!value) continue
      this.count++
      const key = Uint8Array.from(name, (character) => character.charCodeAt(0))
      if (value !== header) this.#attempt(key, () => this.#read(key, value))
    }
    this.#others.clear()
    this.count += this.publications.size
    this.found.countPublications(this.publications.totalOf(WAITING))
    if (this.header?.format === 1) this.found.countPublications(this.publications.totalOf(UNSEALED))
    else this.#addDamaged(UNSEALED)
    this.#addDamaged(DAMAGED)
    return this
  }

  #addDamaged(state: PublicationState): void {
    const { publications } = this
    const isDamaged = (each: PublicationState) => each === state
    let left = publications.totalOf(state).count
    for (let from = 0; left > 0; left--) {
      const sequence = publications.next(from, isDamaged) as number
      this.damagedKeys.push(publicationKey(sequence))
      from = sequence + 1
    }
  }

  #index(sequence: number, key: Uint8Array, value: Uint8Array): void {
    try {
      this.publications.set(sequence, WAITING, summarizePublication(key, value, true))
    } catch {
      this.#indexUnsealed(sequence, key, value)
    }
  }

  /** Format 1 has no checksums. */
  #indexUnsealed(sequence: number, key: Uint8Array, value: Uint8Array): void {
    try {
      decodePublication(value)
      this.publications.set(sequence, UNSEALED, summarizePublication(key, value, false))
    } catch {
      const nothing = { checksum: 0, bytes: 0, expiresAt: 0, latest: undefined }
      this.publications.set(sequence, DAMAGED, nothing)
    }
  }

  #attempt(key: Uint8Array, read: () => void): void {
    try {
      read()
    } catch {
      this.damagedKeys.push(key)
    }
  }

  #readHeader(value: Uint8Array): void {
    this.header = decodeHeader(value)
    this.foreign ||= !this.header
  }

  /** @throws {RangeError} {TypeError} if it is damaged */
  #read(key: Uint8Array, value: Uint8Array): void {
    const decoded = decodeKey(key)
    if (!decoded) {
      this.foreign = true
      return
    }
    // Records of a newer version are not decoded.
    if (this.header && this.header.format > FORMAT) return
    const { body, checksum } = this.header?.format === 1 ? { body: value, checksum: 0 } : unseal(key, value)
    if (!('sequence' in decoded)) {
      this.ledger = decodeLedger(body)
      return
    }
    if (decoded.kind === 'handshake') this.handshakes.set(decoded.sequence, decodeHandshake(body))
    else {
      decodeQuarantine(body)
      this.quarantined.add(decoded.sequence)
    }
    this.found.count('others', checksum)
  }
}

/**
 * Reads a whole store through its database, and changes nothing.
 *
 * @throws {StoreError} if it can't be read
 */
export async function readDatabase(database: LevelDatabase, location: string): Promise<StoreRecords> {
  const reader = new StoreReader()
  try {
    for await (const [key, value] of database.iterator(views)) reader.add(key, value)
  } catch (cause) {
    throw new StoreError('corrupt', location, { cause })
  }
  return reader.finish()
}

/** How far apart two publications may be to be read together. */
const GAP = 64

/**
 * Reads publications, and leaves out those that are missing or damaged.
 *
 * @param sequences - in ascending order
 * @param sealed - whether they have checksums: those of format 1 have none
 */
export async function readPublications(
  database: LevelDatabase,
  sequences: readonly number[],
  sealed: boolean,
): Promise<Map<number, StoredPublication>> {
  const wanted = new Set(sequences)
  const found = new Map<number, StoredPublication>()
  for (let at = 0; at < sequences.length;) {
    const first = sequences[at] as number
    let last = first
    for (; at < sequences.length && (sequences[at] as number) - last <= GAP; at++) last = sequences[at] as number
    const range = { ...views, gte: publicationKey(first), lte: publicationKey(last) }
    for await (const [key, value] of database.iterator(range)) {
      const sequence = publicationOf(key)
      // A database may ignore the range.
      if (sequence === undefined || !wanted.has(sequence)) continue
      const stored = decodeRecord(key, value, sealed)
      if (stored) found.set(sequence, stored)
    }
  }
  return found
}

/** @param sealed - whether it has a checksum: format 1 has none. @returns `undefined` if it is damaged */
export function decodeRecord(key: Uint8Array, value: Uint8Array, sealed: boolean): StoredPublication | undefined {
  try {
    return decodePublication(sealed ? unseal(key, value).body : value)
  } catch {
    return undefined
  }
}

/**
 * Checks the records that were found against the ledger.
 *
 * @throws {StoreError} if it is not a store, damaged, or of a newer format
 */
export function checkRecords(records: StoreRecords, location: string, { batches = 0, salvage = false } = {}): void {
  const { header, ledger, found, count } = records
  if (header && header.format > FORMAT) throw new StoreError('newer', location)
  // Without a header, other evidence is needed that it is a store.
  const unknown = !header && batches === 0 && count === records.damagedKeys.length
  if (records.foreign || (unknown && count > 0)) throw new StoreError('foreign', location)
  if (unknown) return
  const isOld = header?.format === 1 && batches === 0
  const agrees = isOld || (ledger && found.agreesWith(ledger) && ledger.batches >= batches)
  if (header && agrees && records.damagedKeys.length === 0 && !hasOrphans(records)) return
  throw new StoreError('corrupt', location, { intactPublishes: found.publications, salvage })
}

/** Whether there are records without a publication. */
function hasOrphans({ publications, handshakes, quarantined }: StoreRecords): boolean {
  return [...handshakes.keys(), ...quarantined].some((sequence) => !publications.has(sequence))
}

export function lastSequenceOf({ ledger, publications }: StoreRecords): number {
  return Math.max(ledger?.lastSequence ?? 0, publications.last(() => true) ?? 0)
}

/** The bytes of a key as characters. */
function nameOf(key: Uint8Array): string {
  let name = ''
  for (const byte of key) name += String.fromCharCode(byte)
  return name
}
