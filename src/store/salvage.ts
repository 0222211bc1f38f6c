import { StoreError } from '../api/errors.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import { importClassicLevel } from './database.ts'
import { Entries } from './entries.ts'
import { isOpenElsewhere, lockFolder } from './folder-lock.ts'
import { openFolder, readFolder, readFolderPublications } from './folder.ts'
import { Marker, MARKER } from './marker.ts'
import { fileSystem } from './node.ts'
import { lastSequenceOf, StoreReader, type StoreRecords } from './read-store.ts'
import { FORMAT } from './records.ts'
import { planRestore, restorePublication } from './restore.ts'

/** What was recovered from a store. */
export interface Salvage {
  /** The number of sound publishes. */
  readonly publications: number
  /** How many of them were in flight. */
  readonly inFlight: number
  /** How many of them were in quarantine. */
  readonly quarantined: number
  /** The number of damaged records that could be read. */
  readonly damaged: number
  /** The number of missing publishes; `undefined` if the ledger, which counts them, is missing too. */
  readonly missing: number | undefined
  /** Whether the generated client id was recovered, so that the broker can continue its session. */
  readonly clientIdKept: boolean
}

/**
 * Writes the sound publishes of a store to a new one. The old store is only read, without LevelDB, which repairs
 * whatever it opens and can crash the process.
 *
 * @param to - created if necessary, and must be empty
 * @throws {StoreError} if the old store is in use, is not a store or has a newer format, or the new one can't be
 *   written
 */
export async function salvageStore(from: string, to: string, generateClientId: () => string): Promise<Salvage> {
  const LevelClass = await importClassicLevel(from)
  const { existsSync, promises } = fileSystem()
  if (!existsSync(from)) throw new StoreError('foreign', from)
  if (existsSync(to) && (await promises.readdir(to)).length > 0) throw new StoreError('foreign', to)
  const lock = await lockFolder(from)
  try {
    if (await isOpenElsewhere(lock.realPath, LevelClass)) throw new StoreError('locked', from)
    const isMarked = existsSync(`${from}/${MARKER}`)
    const { format, batches } = isMarked ? new Marker(from).read() : { format: 0, batches: 0 }
    const { records } = await readFolder(lock.realPath)
    // The header also marks it as a store.
    if (!isMarked && (!records.header || records.foreign)) throw new StoreError('foreign', from)
    if (Math.max(format, records.header?.format ?? 0) > FORMAT) throw new StoreError('newer', from)
    const publications = await restored(lock.realPath, records)
    await write(to, { records, publications, LevelClass, generateClientId })
    return summary(publications, records, batches)
  } finally {
    lock.release()
  }
}

/** The publications of a store, without those that the broker certainly has. All of them are in memory. */
async function restored(path: string, records: StoreRecords): Promise<Publication[]> {
  const { first, handshakes } = planRestore(records, {
    messages: Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
  })
  const stored = await readFolderPublications(path, records)
  return first.flatMap((sequence) => {
    const each = stored.get(sequence)
    if (!each) return []
    return [restorePublication(sequence, each, handshakes.get(sequence), records.quarantined.has(sequence))]
  })
}

interface SalvagedContent {
  readonly records: StoreRecords
  readonly publications: readonly Publication[]
  readonly LevelClass: Parameters<typeof openFolder>[1]
  readonly generateClientId: () => string
}

async function write(
  to: string,
  { records, publications, LevelClass, generateClientId }: SalvagedContent,
): Promise<void> {
  const opened = await openFolder(to, LevelClass)
  try {
    const entries = new Entries()
    entries.continueAfter(lastSequenceOf(records))
    entries.takeUp(publications)
    entries.differFrom(new StoreReader(), records.header?.clientId ?? generateClientId(), [])
    await opened.write(entries.operations(true), true)
    await opened.remember(entries.ledger.batches)
  } finally {
    await opened.release()
  }
}

function summary(all: readonly Publication[], records: StoreRecords, batches: number): Salvage {
  const { ledger, header, found, damagedKeys } = records
  // A ledger of an earlier batch has older counts.
  const counts = ledger && ledger.batches >= batches ? ledger.publications : undefined
  return {
    publications: all.length,
    inFlight: all.filter(({ phase, quarantined }) => phase !== 'waiting' && !quarantined).length,
    quarantined: all.filter(({ quarantined }) => quarantined).length,
    damaged: damagedKeys.length,
    missing: counts === undefined ? undefined : Math.max(0, counts - found.publications),
    clientIdKept: header !== undefined,
  }
}
