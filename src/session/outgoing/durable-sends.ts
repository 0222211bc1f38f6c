import type { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import type { Link } from '../link.ts'
import type { OnWire } from './on-wire.ts'
import type { Outbox } from './outbox.ts'
import type { Publication } from './publication.ts'

/** How many durable publications are written to the journal together before they are sent. */
const JOURNAL_BATCH = 1_000

/** What durable publications pass on their way. */
export interface DurableSendsOptions {
  readonly journal: Journal
  readonly outbox: Outbox
  readonly inFlight: InFlight
  readonly onWire: OnWire
  readonly now: () => number
}

/**
 * The durable publications between the outbox and the socket. Their packet ids go to disk before they go to the broker,
 * so that the next process resends them under the same. Nothing may overtake them.
 */
export class DurableSends {
  readonly #options: DurableSendsOptions
  #link: Link | undefined
  /** Whether packet ids are being written to the journal. */
  #journaling = false
  /** Those that are written down, and wait for the socket. */
  #unsent: readonly Publication[] = []

  constructor(options: DurableSendsOptions) {
    this.#options = options
  }

  get journaling(): boolean {
    return this.#journaling
  }

  get underWay(): boolean {
    return this.#journaling || this.#unsent.length > 0
  }

  /** The connection is another one, or none: they are in flight, and are resent. */
  reset(link: Link | undefined): void {
    this.#link = link
    this.#unsent = []
  }

  /** Takes out of the outbox, and into flight, what goes together. @param cannotBeSent - settles it if so */
  take(link: Link, cannotBeSent: (publication: Publication) => boolean): Publication[] {
    const { outbox, inFlight, onWire, now } = this.#options
    const batch: Publication[] = []
    while (batch.length < JOURNAL_BATCH) {
      const publication = outbox.peek(now())
      if (!publication?.durable || !inFlight.hasIdFor(publication)) break
      if (!onWire.hasRoomFor(publication, link, batch)) break
      if (batch.length > 0 && onWire.isCareful(publication)) break
      outbox.shift(publication)
      if (cannotBeSent(publication)) continue
      inFlight.add(publication)
      batch.push(publication)
      if (onWire.isCareful(publication)) break
    }
    return batch
  }

  /** Resolves when they are written down, as far as the disk takes it. */
  async write(batch: readonly Publication[]): Promise<void> {
    const link = this.#link
    this.#journaling = true
    await this.#options.journal.sent(batch)
    this.#journaling = false
    if (this.#link === link) this.#unsent = batch
  }

  /** Sends them one by one, as long as they may go. */
  send(mayGo: () => boolean, publish: (publication: Publication) => void): void {
    const next = this.#unsent.findIndex((publication) => {
      if (publication.phase !== 'sent' || publication.onWire) return false
      if (!mayGo()) return true
      this.#options.onWire.add(publication)
      publish(publication)
      return false
    })
    this.#unsent = next < 0 ? [] : this.#unsent.slice(next)
  }
}
