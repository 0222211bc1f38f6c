import { PoisonPacketError } from '../../api/errors.ts'
import type { QuarantinedPublish } from '../../api/quarantine.ts'
import type { Journal } from './journal.ts'
import type { Publication } from './publication.ts'

export interface QuarantineEvents {
  /** A durable publication was put into quarantine, because the broker closes the connection on it. */
  publishQuarantined(publish: QuarantinedPublish): void
}

/** The durable publications that are poison. They stay in the store until the application decides. */
export class Quarantine {
  readonly #journal: Journal
  readonly #events: QuarantineEvents
  readonly #onRetry: (publication: Publication) => void
  readonly #publications = new Map<number, Publication>()

  /** @param onRetry - called with a publication that is to be sent before all others */
  constructor(journal: Journal, events: QuarantineEvents, onRetry: (publication: Publication) => void) {
    this.#journal = journal
    this.#events = events
    this.#onRetry = onRetry
  }

  get size(): number {
    return this.#publications.size
  }

  list(): QuarantinedPublish[] {
    return [...this.#publications.values()].map(shown)
  }

  add(publication: Publication): void {
    this.restore([publication])
    this.#journal.quarantined(publication)
    const { orphaned } = publication
    publication.orphaned = true
    if (!orphaned) publication.reject(new PoisonPacketError(publication.topic))
    this.#events.publishQuarantined(shown(publication))
  }

  /** Takes over publications that are in quarantine already. */
  restore(publications: readonly Publication[]): void {
    for (const publication of publications) {
      publication.phase = 'settled'
      publication.quarantined = true
      this.#publications.set(publication.storeId, publication)
    }
  }

  /** Releases a publication, to be sent as a new one. @returns whether there was one */
  retry(id: number): boolean {
    const publication = this.#take(id)
    if (!publication) return false
    publication.phase = 'waiting'
    publication.packetId = 0
    publication.transmitted = false
    this.#journal.requeued(publication)
    this.#onRetry(publication)
    return true
  }

  /** @returns whether there was one */
  drop(id: number): boolean {
    const publication = this.#take(id)
    if (publication) this.#journal.settled(publication)
    return publication !== undefined
  }

  #take(id: number): Publication | undefined {
    const publication = this.#publications.get(id)
    if (!publication) return undefined
    this.#publications.delete(id)
    publication.quarantined = false
    return publication
  }
}

function shown(publication: Publication): QuarantinedPublish {
  const { storeId: id, topic, payload, qos, retain, properties, acceptedAt } = publication
  return { id, topic, payload, qos, retain, properties, acceptedAt }
}
