import type { Publication } from '../session/outgoing/publication.ts'
import type { Operation } from '../api/level-database.ts'
import { Ledger } from './ledger.ts'
import type { StoreRecords } from './read-store.ts'
import {
  encodePublication,
  FORMAT,
  type Handshake,
  handshakeKey,
  handshakeRecord,
  headerRecord,
  publicationKey,
  publicationRecord,
  quarantineKey,
  quarantineRecord,
  type StoreRecord,
} from './records.ts'
import { views } from './views.ts'

/** What of a publication is in the store, or is to be. */
export class Entry {
  readonly publication: Publication
  /** Its place among all that were accepted; 0 unless it is to be there. */
  sequence = 0
  /** Of its record. */
  checksum = 0
  handshake: Handshake | undefined
  quarantined = false
  released: 'no' | 'yes' | Promise<void> = 'no'

  constructor(publication: Publication) {
    this.publication = publication
  }
}

/** What is to be in a store, and the operations that are still to be written for that. */
export class Entries {
  ledger = new Ledger({ batches: 0, lastSequence: 0 })
  readonly #entries = new Map<Publication, Entry>()
  readonly #written = new Map<number, Entry>()
  #operations: Operation[] = []
  /**
   * What went to the disk without a sync. LevelDB may begin a new log after it, and then a sync does not take it along: it
   * is written once more with the next one.
   */
  #unsynced: Operation[] = []

  of(publication: Publication): Entry | undefined {
    return this.#entries.get(publication)
  }

  create(publication: Publication): Entry {
    const entry = new Entry(publication)
    this.#entries.set(publication, entry)
    return entry
  }

  /** It is to be there. @param encoded - gets its checksum */
  add(entry: Entry, encoded: Uint8Array): void {
    entry.sequence = ++this.ledger.lastSequence
    this.#written.set(entry.sequence, entry)
    this.#add(entry, encoded)
  }

  /** Where its handshake is. */
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

  /** Nothing more is told of it. */
  forget({ publication }: Entry): void {
    this.#entries.delete(publication)
  }

  /** Nothing of it is to be there. */
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

  /** @returns what is to be written next, which is then not given again */
  operations(synced: boolean): Operation[] {
    const operations = synced ? [...this.#unsynced, ...this.#operations] : this.#operations
    this.#unsynced = synced ? [] : [...this.#unsynced, ...operations]
    this.#operations = []
    return [...operations, put(this.ledger.next())]
  }

  /** What was to be written is found again by `differFrom`. */
  discard(): void {
    this.#operations = []
    this.#unsynced = []
  }

  clear(): void {
    this.discard()
    this.#entries.clear()
    this.#written.clear()
  }

  /** Takes up what an earlier process left behind. */
  takeUp(publications: ReadonlyMap<number, Publication>, lastSequence: number): void {
    this.ledger.lastSequence = Math.max(this.ledger.lastSequence, lastSequence)
    for (const [sequence, publication] of publications) {
      const { phase, packetId, quarantined } = publication
      const entry = this.create(publication)
      entry.sequence = sequence
      entry.quarantined = quarantined
      if (phase === 'sent' || phase === 'released') entry.handshake = { phase, packetId }
      if (phase === 'released') entry.released = 'yes'
      this.#written.set(sequence, entry)
    }
  }

  /** What is in the store is this. What else is to be written makes it what it is to be. */
  differFrom(records: StoreRecords, clientId: string): void {
    const { batches, lastSequence } = this.ledger
    this.ledger = new Ledger({ batches: Math.max(batches, records.ledger?.batches ?? 0), lastSequence })
    this.discard()
    // Each time: so it is in more than one file, and damage leaves one of them.
    this.#operations.push(put(headerRecord(clientId)))
    this.#deleteOthersThan(records)
    for (const entry of this.#written.values()) this.#complete(entry, records)
  }

  #deleteOthersThan({ publications, handshakes, quarantined, damagedKeys }: StoreRecords): void {
    const written = this.#written
    for (const key of damagedKeys) this.#delete(key)
    for (const sequence of publications.keys()) if (!written.has(sequence)) this.#delete(publicationKey(sequence))
    for (const sequence of handshakes.keys()) {
      if (!written.get(sequence)?.handshake) this.#delete(handshakeKey(sequence))
    }
    for (const sequence of quarantined) {
      if (!written.get(sequence)?.quarantined) this.#delete(quarantineKey(sequence))
    }
  }

  #complete(entry: Entry, { header, checksums, handshakes, quarantined }: StoreRecords): void {
    const { sequence, publication, handshake } = entry
    const sealed = header?.format === FORMAT
    const checksum = checksums.get(sequence)
    // One that was taken up has the checksum that was found.
    entry.checksum ||= checksum ?? 0
    if (checksum === undefined || checksum !== entry.checksum) this.#add(entry, encodePublication(publication))
    else this.ledger.count('publications', checksum)
    if (handshake) {
      const { phase, packetId } = handshakes.get(sequence) ?? {}
      const same = sealed && phase === handshake.phase && packetId === handshake.packetId
      this.#other(handshakeRecord(sequence, handshake), same)
    }
    if (entry.quarantined) this.#other(quarantineRecord(sequence), quarantined.has(sequence))
  }

  #add(entry: Entry, encoded: Uint8Array): void {
    const record = publicationRecord(entry.sequence, encoded)
    entry.checksum = record.checksum
    this.ledger.count('publications', record.checksum)
    this.#operations.push(put(record))
  }

  #other(record: StoreRecord, isThere = false): void {
    this.ledger.count('others', record.checksum)
    if (!isThere) this.#operations.push(put(record))
  }

  #deleteOther({ key, checksum }: StoreRecord): void {
    this.ledger.uncount('others', checksum)
    this.#delete(key)
  }

  #delete(key: Uint8Array): void {
    this.#operations.push({ type: 'del', key, keyEncoding: 'view' })
  }
}

function put({ key, value }: StoreRecord): Operation {
  return { type: 'put', key, value, ...views }
}
