import type { TrafficStatus } from '../api/status.ts'

/** A connection whose bytes are counted. */
interface Counted {
  readonly traffic: TrafficStatus
}

/** The bytes of all connections of a session. */
export class LinkTraffic {
  #open: Counted | undefined
  #sent = 0
  #received = 0

  /** Computed when it is read. */
  get status(): TrafficStatus {
    const open = this.#open?.traffic
    return { sent: this.#sent + (open?.sent ?? 0), received: this.#received + (open?.received ?? 0) }
  }

  attached(link: Counted): void {
    this.detached()
    this.#open = link
  }

  detached(): void {
    const { sent, received } = this.status
    this.#open = undefined
    this.#sent = sent
    this.#received = received
  }
}
