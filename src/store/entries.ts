import type { Operation } from '../api/level-database.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import { Ledger } from './ledger.ts'
import { WAITING } from './publication-index.ts'
import type { StoreRecords } from './read-store.ts'
import {
  encodePublication,
  type Handshake,
  handshakeKey,
  handshakeRecord,
  headerRecord,
  publicationKey,
  publicationRecord,
  quarantineRecord,
  type StoreRecord,
} from './records.ts'
import { views } from './views.ts'

/** The records of one publication, in the store or to be written. */
export class Entry {
  readonly publication: Publication
  /** Its sequence number in the order of acceptance; 0 unless it has to be in the store. */
  sequence = 0
  /** The checksum of its record. */
  checksum = 0
  handshake: Handshake | undefined = undefined
  quarantined = false
  released: 'no' | 'yes' | Promise<void> = 'no'

  constructor(publication: Publication) {
    this.publication = publication
  }
}

/** The intended content of a store, and the operations that are missing for it. */
export class Entries {
  ledger = new Ledger({ batches: 0, lastSequence: 0 })
  readonly #written = new Map<number, Entry>()
  #operations: Operation[] = []
  /**
   * The operations that were written without a sync. LevelDB may begin a new log after them, and a sync would not
   * include them then. They are written again with the next sync.
   */
  #unsynced: Operation[] = []

  of(publication: Publication): Entry | undefined {
    const { journalEntry } = publication
    return journalEntry instanceof Entry ? journalEntry : undefined
  }

  create(publication: Publication): Entry {
    const entry = new Entry(publication)
    publication.journalEntry = entry
    return entry
  }

  /** A publication has to be in the store. @param encoded - its checksum is filled in */
  add(entry: Entry, encoded: Uint8Array): void {
    entry.sequence = ++this.ledger.lastSequence
    this.#written.set(entry.sequence, entry)
    this.#add(entry, encoded)
  }

  /** Sets the state of the handshake. */
  shake(entry: Entry, handshake: Handshake): void {
    if (entry.sequence === 0) return
    if (entry.handshake) this.ledger.uncount('others', handshakeRecord(entry.sequence, entry.handshake).checksum)
    entry.handshake = handshake
    this.#other(handshakeRecord(entry.sequence, handshake))
  }

  setAside(entry: Entry, quarantined: boolean): void {
    if (entry.sequence === 0 || entry.quarantined === quarantined) return
    entry.quarantined = quarantined
    const record = quarantineRecord(entry.sequence)
    if (quarantined) this.#other(record)
    else this.#deleteOther(record)
  }

  /** A publication will not change again. */
  forget({ publication }: Entry): void {
    publication.journalEntry = undefined
  }

  /** All records of a publication have to be removed. */
  remove(entry: Entry): void {
    const { sequence, handshake, checksum } = entry
    this.forget(entry)
    if (sequence === 0) return
    this.#written.delete(sequence)
    this.ledger.uncount('publications', checksum)
    this.#delete(publicationKey(sequence))
    if (handshake) this.#deleteOther(handshakeRecord(sequence, handshake))
    this.setAside(entry, false)
    entry.sequence = 0
  }

  /** @returns the operations to write next. They are not returned again */
  operations(synced: boolean): Operation[] {
    const operations = synced ? [...this.#unsynced, ...this.#operations] : this.#operations
    this.#unsynced = synced ? [] : [...this.#unsynced, ...operations]
    this.#operations = []
    return [...operations, put(this.ledger.next())]
  }

  /** Drops the pending operations. `differFrom` finds them again. */
  discard(): void {
    this.#operations = []
    this.#unsynced = []
  }

  clear(): void {
    this.discard()
    this.#written.clear()
  }

  /** New publications come after this sequence number. */
  continueAfter(lastSequence: number): void {
    this.ledger.lastSequence = Math.max(this.ledger.lastSequence, lastSequence)
  }

  /** Takes over publications of an earlier process. */
  takeUp(publications: Iterable<Publication>): void {
    for (const publication of publications) this.#takeUp(publication)
  }

  /** Takes over a publication whose record was only on disk, and is counted already. */
  adopt(publication: Publication, checksum: number): void {
    this.#takeUp(publication).checksum = checksum
  }

  /** Removes a publication whose record is only on disk. */
  removeUnread(sequence: number, checksum: number): void {
    this.ledger.uncount('publications', checksum)
    this.#delete(publicationKey(sequence))
  }

  /**
   * Compares the actual content of the store with the intended one. The pending operations become the difference.
   *
   * @param unwanted - which publications of the store don't belong there, unless they were added or taken over. The
   *   others stay
   */
  differFrom(records: StoreRecords, clientId: string, unwanted: Iterable<number>): void {
    this.#countFound(records)
    this.discard()
    // Written each time, so that it is in several files, and damage does not destroy all of them.
    this.#operations.push(put(headerRecord(clientId)))
    for (const key of records.damagedKeys) this.#delete(key)
    for (const sequence of unwanted) {
      if (this.#written.has(sequence)) continue
      this.#uncount(sequence, records)
      this.#delete(publicationKey(sequence))
    }
    this.#deleteOthersThan(records)
    for (const entry of this.#written.values()) this.#complete(entry, records)
  }

  /** The ledger begins with what is there: only the differences take time. */
  #countFound(records: StoreRecords): void {
    const { batches, lastSequence } = this.ledger
    this.ledger = new Ledger({ batches: Math.max(batches, records.ledger?.batches ?? 0), lastSequence })
    if (!isOld(records)) this.ledger.take(records.found)
  }

  #takeUp(publication: Publication): Entry {
    const { phase, packetId, quarantined, storeId } = publication
    const entry = this.create(publication)
    entry.sequence = storeId
    entry.quarantined = quarantined
    if (phase === 'sent' || phase === 'released') entry.handshake = { phase, packetId }
    if (phase === 'released') entry.released = 'yes'
    this.#written.set(storeId, entry)
    return entry
  }

  /** Takes a publication of the store out of the ledger, if it is in there. */
  #uncount(sequence: number, records: StoreRecords): void {
    const checksum = checksumIn(records, sequence)
    if (checksum !== undefined) this.ledger.uncount('publications', checksum)
  }

  #deleteOthersThan(records: StoreRecords): void {
    const { handshakes, quarantined } = records
    const written = this.#written
    for (const [sequence, handshake] of handshakes) {
      if (written.get(sequence)?.handshake) continue
      if (isOld(records)) this.#delete(handshakeKey(sequence))
      else this.#deleteOther(handshakeRecord(sequence, handshake))
    }
    for (const sequence of quarantined) {
      if (!written.get(sequence)?.quarantined) this.#deleteOther(quarantineRecord(sequence))
    }
  }

  #complete(entry: Entry, records: StoreRecords): void {
    const { handshakes, quarantined } = records
    const { sequence, publication, handshake } = entry
    const checksum = checksumIn(records, sequence)
    // A restored entry has the checksum that was found.
    entry.checksum ||= checksum ?? 0
    if (checksum === undefined || checksum !== entry.checksum) {
      this.#uncount(sequence, records)
      this.#add(entry, encodePublication(publication))
    }
    if (handshake) {
      const there = isOld(records) ? undefined : handshakes.get(sequence)
      const isSame = there?.phase === handshake.phase && there.packetId === handshake.packetId
      if (there && !isSame) this.ledger.uncount('others', handshakeRecord(sequence, there).checksum)
      if (!isSame) this.#other(handshakeRecord(sequence, handshake))
    }
    if (entry.quarantined && !quarantined.has(sequence)) this.#other(quarantineRecord(sequence))
  }

  #add(entry: Entry, encoded: Uint8Array): void {
    const record = publicationRecord(entry.sequence, encoded)
    entry.checksum = record.checksum
    this.ledger.count('publications', record.checksum)
    this.#operations.push(put(record))
  }

  #other(record: StoreRecord): void {
    this.ledger.count('others', record.checksum)
    this.#operations.push(put(record))
  }

  #deleteOther({ key, checksum }: StoreRecord): void {
    this.ledger.uncount('others', checksum)
    this.#delete(key)
  }

  #delete(key: Uint8Array): void {
    this.#operations.push({ type: 'del', key, keyEncoding: 'view' })
  }
}

/** Records of format 1 have no checksums, and are written anew. */
function isOld({ header }: StoreRecords): boolean {
  return header?.format === 1
}

/** @returns the checksum of a publication in the store; `undefined` if there is no sound one */
function checksumIn(records: StoreRecords, sequence: number): number | undefined {
  const { publications } = records
  if (isOld(records) || publications.stateOf(sequence) !== WAITING) return undefined
  return publications.get(sequence).checksum
}

function put({ key, value }: StoreRecord): Operation {
  return { type: 'put', key, value, ...views }
}
