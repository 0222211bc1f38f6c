/** What became of numbered messages, from what was accepted and what was received. */
export interface Balance {
  readonly accepted: number
  /** Received at least once. */
  readonly delivered: number
  /** Accepted and not received. */
  readonly lost: number
  /** Received again, as QoS 1 may be. */
  readonly duplicate: number
  /** Whether each came first in the order in which it was accepted. */
  readonly inOrder: boolean
  /** Accepted while there was no connection. */
  readonly acceptedOffline: number
}

/** Keeps account of numbered messages. */
export class Ledger {
  readonly #accepted = new Set<number>()
  readonly #received = new Set<number>()
  #acceptedOffline = 0
  #delivered = 0
  #duplicate = 0
  #newest = 0
  #inOrder = true

  /** @returns the number of the message to publish, from 1 */
  accept(offline: boolean): number {
    const number = this.#accepted.size + 1
    this.#accepted.add(number)
    if (offline) this.#acceptedOffline++
    return number
  }

  receive(number: number): void {
    if (this.#received.has(number)) {
      this.#duplicate++
      return
    }
    if (number < this.#newest) this.#inOrder = false
    this.#newest = Math.max(this.#newest, number)
    this.#received.add(number)
    if (this.#accepted.has(number)) this.#delivered++
  }

  /** How many are on their way. */
  get pending(): number {
    return this.balance.lost
  }

  get balance(): Balance {
    return {
      accepted: this.#accepted.size,
      delivered: this.#delivered,
      lost: this.#accepted.size - this.#delivered,
      duplicate: this.#duplicate,
      inOrder: this.#inOrder,
      acceptedOffline: this.#acceptedOffline,
    }
  }
}
