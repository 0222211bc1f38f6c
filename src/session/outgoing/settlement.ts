import { PoisonPacketError, PublishRefusedError } from '../../api/errors.ts'
import type { Ack } from '../../wire/packets.ts'
import { isRefusal } from './acknowledgement.ts'
import type { Journal } from './journal.ts'
import type { Publication } from './publication.ts'
import type { Quarantine } from './quarantine.ts'
import type { Suspects } from './suspects.ts'

export interface SettlementEvents {
  /** A durable publication failed whose promise had been rejected before. */
  orphanFailed(error: unknown): void
}

export interface SettlementOptions {
  readonly journal: Journal | undefined
  readonly suspects: Suspects<Publication>
  readonly events: SettlementEvents
  readonly onSettled: () => unknown
}

/** Ends publications: settles their promises, and removes them from the journal. */
export class Settlement {
  readonly #options: SettlementOptions

  constructor(options: SettlementOptions) {
    this.#options = options
  }

  acknowledged(publication: Publication, ack: Ack): void {
    if (ack.type === 'puback') publication.reasonCode = ack.reasonCode
    if (!isRefusal(ack)) this.succeed(publication)
    else this.fail(publication, new PublishRefusedError(publication.topic, ack.reasonCode, ack.reasonString))
  }

  succeed(publication: Publication): void {
    this.finish(publication)
    publication.resolve({ reasonCode: publication.reasonCode })
  }

  fail(publication: Publication, error: unknown): void {
    this.finish(publication)
    publication.reject(error)
    if (publication.orphaned) this.#options.events.orphanFailed(error)
  }

  /** A publication has left the outbox and was rejected. */
  left(publication: Publication, error: unknown): void {
    this.#forget(publication)
    if (publication.orphaned) this.#options.events.orphanFailed(error)
  }

  /** Ends a publication on which the broker closes the connection. */
  poison(publication: Publication, quarantine: Quarantine | undefined): void {
    // The broker accepted the message with its PUBREC. It objects only to the end of the handshake.
    if (publication.phase === 'released') this.succeed(publication)
    else if (publication.durable && quarantine) quarantine.add(publication)
    else this.fail(publication, new PoisonPacketError(publication.topic))
  }

  /** Rejects the promise of a durable publication, which stays for a later connection. @returns whether it stays */
  orphan(publication: Publication, error: unknown): boolean {
    if (!publication.durable || !this.#options.journal) return false
    if (publication.orphaned) return true
    publication.orphaned = true
    publication.reject(error)
    return true
  }

  /** Marks a publication as settled. The caller settles its promise. */
  finish(publication: Publication): void {
    publication.phase = 'settled'
    this.#forget(publication)
    this.#options.onSettled()
  }

  #forget(publication: Publication): void {
    this.#options.suspects.forget(publication)
    if (publication.durable) this.#options.journal?.settled(publication)
  }
}
