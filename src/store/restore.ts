import { Publication } from '../session/outgoing/publication.ts'
import type { PublicationIndex } from './publication-index.ts'
import type { StoreRecords } from './read-store.ts'
import type { Handshake, StoredPublication } from './records.ts'

/** How much of what waits is kept in memory: at most so many publications, and so many bytes, but at least one. */
export interface Window {
  readonly messages: number
  readonly bytes: number
}

/** What the next process does with the publications of a store. */
export interface RestorePlan {
  /** In flight, by sequence number. */
  readonly handshakes: ReadonlyMap<number, Handshake>
  /** What is not needed: the broker certainly has it, or a newer one has taken its place. */
  readonly dropped: ReadonlySet<number>
  /** What is read at once, in order: what is in flight or in quarantine, and the first of those that wait. */
  readonly first: readonly number[]
}

const UNLIMITED: Window = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** @param window - how much of what waits is read at once; the rest stays on disk */
export function planRestore(records: StoreRecords, window: Window): RestorePlan {
  const { header, publications, quarantined } = records
  const { handshakes, dropped } = withoutDelivered(records.handshakes)
  const isWaiting = (sequence: number) =>
    !handshakes.has(sequence) && !quarantined.has(sequence) && !dropped.has(sequence)
  for (const sequence of superseded(records, isWaiting)) dropped.add(sequence)
  const apart = [...new Set([...handshakes.keys(), ...quarantined])]
  // A store of format 1 is written anew.
  const waiting = firstOf(publications, isWaiting, header?.format === 1 ? UNLIMITED : window)
  const first = [...apart.filter((sequence) => publications.has(sequence) && !dropped.has(sequence)), ...waiting]
  return { handshakes, dropped, first: first.toSorted((a, b) => a - b) }
}

/** The first publications that wait, and only as many as fit into the window. */
function firstOf(
  publications: PublicationIndex,
  isWaiting: (sequence: number) => boolean,
  { messages, bytes }: Window,
): number[] {
  const first: number[] = []
  let total = 0
  for (const sequence of publications.sequences()) {
    if (!isWaiting(sequence)) continue
    total += publications.get(sequence).bytes
    if (first.length >= messages || (first.length > 0 && total > bytes)) break
    first.push(sequence)
  }
  return first
}

/**
 * If two have the same packet id, the newer one keeps it: the older handshake was finished, or lost with its session.
 */
function withoutDelivered(stored: ReadonlyMap<number, Handshake>) {
  const handshakes = new Map(stored)
  const dropped = new Set<number>()
  const taken = new Set<number>()
  for (const [sequence, { phase, packetId }] of [...stored].toSorted(([a], [b]) => b - a)) {
    if (!taken.has(packetId)) taken.add(packetId)
    else if (phase === 'released') dropped.add(sequence)
    else handshakes.delete(sequence)
  }
  return { handshakes, dropped }
}

/** Of those that wait with the same `latest` key, all but the newest. */
function superseded({ publications }: StoreRecords, isWaiting: (sequence: number) => boolean): number[] {
  const newest = new Map<string, number>()
  const older: number[] = []
  for (const [sequence, key] of publications.latestKeys) {
    if (!isWaiting(sequence)) continue
    const other = newest.get(key)
    if (other === undefined) newest.set(key, sequence)
    else {
      older.push(Math.min(other, sequence))
      newest.set(key, Math.max(other, sequence))
    }
  }
  return older
}

/** A publication of an earlier process, as this one continues it. */
export function restorePublication(
  sequence: number,
  stored: StoredPublication,
  handshake?: Handshake,
  quarantined = false,
): Publication {
  // Spreading `stored` would take most of the time of a restore.
  const publication = new Publication({
    topic: stored.topic,
    payload: stored.payload,
    qos: stored.qos,
    retain: stored.retain,
    properties: stored.properties,
    acceptedAt: stored.acceptedAt,
    expiresAt: stored.expiresAt,
    latest: stored.latest,
    durable: true,
    resolve: ignore,
    reject: ignore,
  })
  publication.orphaned = true
  publication.onDisk = true
  publication.storeId = sequence
  publication.quarantined = quarantined
  if (handshake) {
    publication.phase = handshake.phase
    publication.packetId = handshake.packetId
    publication.transmitted = true
  }
  return publication
}

/** The promise ended with the earlier process. */
function ignore(): void {}
