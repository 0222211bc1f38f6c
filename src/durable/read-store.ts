import { StoreError } from '../errors.ts'
import { Publication } from '../session/publication.ts'
import { views, type LevelDatabase } from './database.ts'
import {
  decodeHandshake,
  decodeHeader,
  decodeKey,
  decodePublication,
  decodeQuarantine,
  FORMAT,
  type Handshake,
  type StoredPublication,
} from './records.ts'

/** What an earlier process left behind. */
export interface StoreContents {
  /** `undefined` if the store is new. */
  readonly clientId: string | undefined
  readonly lastSequence: number
  /** By their sequence, which is also their order. */
  readonly publications: ReadonlyMap<number, Publication>
  /** Those that the broker has taken for certain, although they were not deleted. */
  readonly delivered: readonly number[]
}

interface Records {
  clientId: string | undefined
  readonly publications: Map<number, StoredPublication>
  readonly handshakes: Map<number, Handshake>
  readonly quarantined: Set<number>
}

/**
 * Reads all of a store, and changes nothing.
 *
 * @throws {StoreError} if it is not ours, damaged, or of a newer format
 */
export async function readStore(database: LevelDatabase, location: string): Promise<StoreContents> {
  const { clientId, publications, handshakes, quarantined } = await readRecords(database, location)
  for (const sequence of [...handshakes.keys(), ...quarantined]) {
    if (!publications.has(sequence)) throw new StoreError('corrupt', location)
  }
  const delivered = new Set<number>()
  const taken = new Set<number>()
  // Of two with one packet id the newer one has it: the older one's handshake was over, or lost with its session.
  for (const [sequence, { phase, packetId }] of [...handshakes].toSorted(([a], [b]) => b - a)) {
    if (!taken.has(packetId)) taken.add(packetId)
    else if (phase === 'released') delivered.add(sequence)
    else handshakes.delete(sequence)
  }
  const restored = new Map<number, Publication>()
  for (const [sequence, stored] of publications) {
    if (delivered.has(sequence)) continue
    restored.set(sequence, restore(stored, handshakes.get(sequence), quarantined.has(sequence)))
  }
  const lastSequence = [...publications.keys()].at(-1) ?? 0
  return { clientId, lastSequence, publications: restored, delivered: [...delivered] }
}

async function readRecords(database: LevelDatabase, location: string): Promise<Records> {
  const records: Records = {
    clientId: undefined,
    publications: new Map(),
    handshakes: new Map(),
    quarantined: new Set(),
  }
  try {
    for await (const [key, value] of database.iterator(views)) readRecord(records, key, value, location)
  } catch (error) {
    throw error instanceof StoreError ? error : new StoreError('corrupt', location, { cause: error })
  }
  return records
}

function readRecord(records: Records, key: Uint8Array, value: Uint8Array, location: string): void {
  const decoded = decodeKey(key)
  // The header comes first in the order of keys, so what has none is not read any further.
  if (decoded?.kind === 'header') {
    const header = decodeHeader(value)
    if (!header) throw new StoreError('foreign', location)
    if (header.format !== FORMAT) throw new StoreError('newer', location)
    records.clientId = header.clientId
  } else if (!decoded || records.clientId === undefined) throw new StoreError('foreign', location)
  else if (decoded.kind === 'publication') records.publications.set(decoded.sequence, decodePublication(value))
  else if (decoded.kind === 'handshake') records.handshakes.set(decoded.sequence, decodeHandshake(value))
  else {
    decodeQuarantine(value)
    records.quarantined.add(decoded.sequence)
  }
}

function restore(stored: StoredPublication, handshake: Handshake | undefined, quarantined: boolean): Publication {
  const publication = new Publication({ ...stored, durable: true, resolve: nobody, reject: nobody })
  publication.orphaned = true
  publication.onDisk = true
  publication.quarantined = quarantined
  if (handshake) {
    publication.phase = handshake.phase
    publication.packetId = handshake.packetId
    publication.transmitted = true
  }
  return publication
}

/** Its promise ended with the process that made it. */
function nobody(): void {}
