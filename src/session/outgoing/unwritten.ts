import { ConnectionLostError } from '../../api/errors.ts'
import type { Publication } from './publication.ts'
import type { Settlement } from './settlement.ts'

/** The QoS 0 publications that the socket has not taken yet. */
export class Unwritten {
  readonly #settlement: Settlement
  readonly #publications = new Set<Publication>()

  constructor(settlement: Settlement) {
    this.#settlement = settlement
  }

  get size(): number {
    return this.#publications.size
  }

  /** @returns to be called when the socket has taken the publication, or with an error if it could not */
  add(publication: Publication): (error?: Error) => void {
    publication.phase = 'sent'
    this.#publications.add(publication)
    return (error) => {
      if (!error && this.#publications.delete(publication)) this.#settlement.succeed(publication)
    }
  }

  /** Removes a publication that could not be written. */
  delete(publication: Publication): void {
    this.#publications.delete(publication)
  }

  /** The connection ended. */
  lost(): void {
    for (const publication of this.take()) {
      this.#settlement.fail(publication, new ConnectionLostError('the publish was written'))
    }
  }

  take(): Publication[] {
    const publications = [...this.#publications]
    this.#publications.clear()
    return publications
  }
}
