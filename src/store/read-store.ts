import { StoreError } from '../api/errors.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import { Publication } from '../session/outgoing/publication.ts'
import { Ledger } from './ledger.ts'
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
  type LedgerState,
  type StoredPublication,
  unseal,
} from './records.ts'
import { views } from './views.ts'

/** The sound records of a store. */
export interface StoreRecords {
  /** The header; `undefined` if the store is new or the header is missing. */
  readonly header: Header | undefined
  readonly ledger: LedgerState | undefined
  /** By sequence number, in order. */
  readonly publications: ReadonlyMap<number, StoredPublication>
  /** The checksums of the publications; format 1 has none. */
  readonly checksums: ReadonlyMap<number, number>
  readonly handshakes: ReadonlyMap<number, Handshake>
  readonly quarantined: ReadonlySet<number>
  /** The number of records. */
  readonly count: number
  /** The number of damaged records. */
  readonly damagedKeys: readonly Uint8Array[]
  /** Whether there are records that this package can't have written. */
  readonly foreign: boolean
  /** Counts the records that were found. */
  readonly found: Ledger
}

/** Collects and decodes the records of a store, in the order of their keys. */
export class StoreReader implements StoreRecords {
  header: Header | undefined
  ledger: LedgerState | undefined
  readonly publications = new Map<number, StoredPublication>()
  readonly checksums = new Map<number, number>()
  readonly handshakes = new Map<number, Handshake>()
  readonly quarantined = new Set<number>()
  count = 0
  readonly damagedKeys: Uint8Array[] = []
  foreign = false
  readonly found = new Ledger({ batches: 0, lastSequence: 0 })

  /** @param key - its buffer may be reused after the call */
  add(key: Uint8Array, value: Uint8Array): void {
    this.count++
    try {
      this.#read(key, value)
    } catch {
      this.damagedKeys.push(Uint8Array.from(key))
    }
  }

  /** @throws {RangeError} {TypeError} if it is damaged */
  #read(key: Uint8Array, value: Uint8Array): void {
    const decoded = decodeKey(key)
    if (decoded?.kind === 'header') {
      this.header = decodeHeader(value)
      this.foreign ||= !this.header
      return
    }
    if (!decoded) {
      this.foreign = true
      return
    }
    // Records of a newer version are not decoded.
    if (this.header && this.header.format > FORMAT) return
    const { body, checksum } = this.header?.format === 1 ? { body: value, checksum: undefined } : unseal(key, value)
    // The header was handled above.
    if (!('sequence' in decoded)) this.ledger = decodeLedger(body)
    else if (decoded.kind === 'publication') {
      this.publications.set(decoded.sequence, decodePublication(body))
      if (checksum !== undefined) this.checksums.set(decoded.sequence, checksum)
      this.found.count('publications', checksum ?? 0)
    } else {
      if (decoded.kind === 'handshake') this.handshakes.set(decoded.sequence, decodeHandshake(body))
      else {
        decodeQuarantine(body)
        this.quarantined.add(decoded.sequence)
      }
      this.found.count('others', checksum ?? 0)
    }
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
  return reader
}

/**
 * Checks the records that were found against the ledger.
 *
 * @throws {StoreError} if it is not a store, damaged, or of a newer format
 */
export function checkRecords(records: StoreRecords, location: string, { batches = 0, salvage = false } = {}): void {
  const { header, ledger, publications, found, count } = records
  if (header && header.format > FORMAT) throw new StoreError('newer', location)
  // Without a header, other evidence is needed that it is a store.
  const unknown = !header && batches === 0 && count === records.damagedKeys.length
  if (records.foreign || (unknown && count > 0)) throw new StoreError('foreign', location)
  if (unknown) return
  const isOld = header?.format === 1 && batches === 0
  const agrees = isOld || (ledger && found.agreesWith(ledger) && ledger.batches >= batches)
  if (header && agrees && records.damagedKeys.length === 0 && orphans(records).length === 0) return
  throw new StoreError('corrupt', location, { intactPublishes: publications.size, salvage })
}

/** The number of records without a publication. */
function orphans({ publications, handshakes, quarantined }: StoreRecords): number[] {
  return [...handshakes.keys(), ...quarantined].filter((sequence) => !publications.has(sequence))
}

export function lastSequenceOf({ ledger, publications }: StoreRecords): number {
  return Math.max(ledger?.lastSequence ?? 0, ...[...publications.keys()].slice(-1))
}

/** @returns the publications of an earlier process by sequence number, without those that the broker certainly has */
export function restorePublications(records: StoreRecords): Map<number, Publication> {
  const { publications, quarantined } = records
  const handshakes = new Map(records.handshakes)
  const delivered = new Set<number>()
  const taken = new Set<number>()
  // If two have the same packet id, the newer one keeps it: the older handshake was finished, or lost with its session.
  for (const [sequence, { phase, packetId }] of [...handshakes].toSorted(([a], [b]) => b - a)) {
    if (!taken.has(packetId)) taken.add(packetId)
    else if (phase === 'released') delivered.add(sequence)
    else handshakes.delete(sequence)
  }
  const restored = new Map<number, Publication>()
  for (const [sequence, stored] of publications) {
    if (delivered.has(sequence)) continue
    const publication = restore(stored, handshakes.get(sequence))
    publication.quarantined = quarantined.has(sequence)
    publication.storeId = sequence
    restored.set(sequence, publication)
  }
  return restored
}

function restore(stored: StoredPublication, handshake: Handshake | undefined): Publication {
  const publication = new Publication({ ...stored, durable: true, resolve: ignore, reject: ignore })
  publication.orphaned = true
  publication.onDisk = true
  if (handshake) {
    publication.phase = handshake.phase
    publication.packetId = handshake.packetId
    publication.transmitted = true
  }
  return publication
}

/** The promise ended with the earlier process. */
function ignore(): void {}
