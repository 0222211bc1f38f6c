import type { Link } from '../link.ts'
import type { InFlight } from './in-flight.ts'
import type { OnWire } from './on-wire.ts'
import type { Outbox } from './outbox.ts'
import type { Publication } from './publication.ts'

/** How many durable publications are written to the journal together before they are sent. */
const JOURNAL_BATCH = 1_000

/** The parts that durable publications pass through. */
export interface DurablePath {
  readonly outbox: Outbox
  readonly inFlight: InFlight
  readonly onWire: OnWire
  /** The time of the session's clock. */
  readonly time: () => number
}

/**
 * Moves the next durable publications from the outbox into flight, as one batch. Their packet ids are written to disk
 * before they are sent, so that the next process resends them with the same ids.
 *
 * @param refuse - settles a publication that exceeds the broker's limits, and returns whether it did
 */
export function takeDurableBatch(
  { outbox, inFlight, onWire, time }: DurablePath,
  link: Link,
  refuse: (publication: Publication) => boolean,
): Publication[] {
  const batch: Publication[] = []
  while (batch.length < JOURNAL_BATCH) {
    const publication = outbox.peek(time())
    if (!publication?.durable || !inFlight.hasIdFor(publication)) break
    if (!onWire.hasRoomFor(publication, link, batch)) break
    if (batch.length > 0 && onWire.isCareful(publication)) break
    outbox.shift(publication)
    if (refuse(publication)) continue
    inFlight.add(publication)
    batch.push(publication)
    if (onWire.isCareful(publication)) break
  }
  return batch
}
