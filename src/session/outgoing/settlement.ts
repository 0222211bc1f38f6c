import { PoisonPacketError, PublishRefusedError } from '../../api/errors.ts'
import { isRefusal } from './acknowledgement.ts'
import type { Journal } from './journal.ts'
import type { Ack } from '../../wire/packets.ts'
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

/** How publications end: their promises settle, and the journal forgets them. */
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

  /** It was taken out of the outbox and rejected. */
  left(publication: Publication, error: unknown): void {
    this.#forget(publication)
    if (publication.orphaned) this.#options.events.orphanFailed(error)
  }

  /** The broker closes the connection on it. */
  poison(publication: Publication, quarantine: Quarantine | undefined): void {
    // It took the message with its PUBREC: only the end of the handshake is what it minds.
    if (publication.phase === 'released') this.succeed(publication)
    else if (publication.durable && quarantine) quarantine.add(publication)
    else this.fail(publication, new PoisonPacketError(publication.topic))
  }

  /** Rejects a durable publication that stays for a later connection. @returns whether it stays */
  orphan(publication: Publication, error: unknown): boolean {
    if (!publication.durable || !this.#options.journal) return false
    if (publication.orphaned) return true
    publication.orphaned = true
    publication.reject(error)
    return true
  }

  /** Its promise is settled, or is about to be. */
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
