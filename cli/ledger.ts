/** The counts of numbered messages, by comparing those accepted with those received. */
export interface Balance {
  readonly accepted: number
  /** Received at least once. */
  readonly delivered: number
  /** Accepted but not received. */
  readonly lost: number
  /** Received more than once, as QoS 1 allows. */
  readonly duplicate: number
  /** Whether the messages were first received in the order in which they were accepted. */
  readonly inOrder: boolean
  /** Accepted while there was no connection. */
  readonly acceptedOffline: number
}

/** Records numbered messages as they are accepted and received. */
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

  /** How many messages are accepted but not yet received. */
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
