import { ConnectionLostError } from '../../api/errors.ts'
import type { Publication } from './publication.ts'
import type { Settlement } from './settlement.ts'

/** The QoS 0 publications that the socket has not taken yet, in their order. */
export class Unwritten {
  readonly #settlement: Settlement
  #queue: Publication[] = []
  /** How many of them are not settled. */
  #size = 0

  constructor(settlement: Settlement) {
    this.#settlement = settlement
  }

  get size(): number {
    return this.#size
  }

  add(publication: Publication): void {
    publication.phase = 'sent'
    this.#queue.push(publication)
    this.#size++
  }

  /** The publication that was added last could not be encoded. */
  removeLast(): void {
    this.#queue.pop()
    this.#size--
  }

  /** The socket has taken the first ones. */
  written(count: number): void {
    const written = this.#queue
    this.#queue = written.length > count ? written.splice(count) : []
    for (const publication of written) {
      if (publication.phase === 'settled') continue
      this.#size--
      this.#settlement.succeed(publication)
    }
  }

  /** The connection ended. */
  lost(): void {
    const lost = this.take()
    this.#queue = []
    for (const publication of lost) {
      this.#settlement.fail(publication, new ConnectionLostError('the publish was written'))
    }
  }

  /** @returns those that are not settled, for the caller to settle */
  take(): Publication[] {
    this.#size = 0
    return this.#queue.filter(({ phase }) => phase !== 'settled')
  }
}
