import type { Clock } from '../../api/clock.ts'
import { type Link, NORMAL_DISCONNECTION } from '../link.ts'
import type { Publication } from './publication.ts'

export interface AckWatchOptions {
  readonly clock: Clock
  /** In milliseconds; 0 turns it off. */
  readonly ackTimeout: number
  /** How long the answer to a PINGREQ may take, in milliseconds. */
  readonly probeTimeout: number
  /** The publication that was sent first on this connection and is not acknowledged. */
  readonly oldest: () => Publication | undefined
  /** The broker has acknowledged something, for the first time on this connection. */
  readonly onAcknowledging: () => void
}

/** How often the oldest publication is checked within the timeout. An overdue one is found at most one check late. */
const LOOKS = 4

/**
 * Replaces a connection on which an acknowledgement does not arrive. The broker acknowledges in order (MQTT-4.6.0-2),
 * so it is enough to check the oldest publication now and then: one timer serves all, and no publication costs extra
 * work.
 */
export class AckWatch {
  readonly #options: AckWatchOptions
  #link: Link | undefined
  #timer: unknown
  /** The oldest publication at the last check. */
  #watched: Publication | undefined
  #phase: Publication['phase'] = 'sent'
  /** How many checks it has been the oldest, since the socket took it. */
  #looks = 0
  /** Whether the socket has taken the watched publication. The broker can't answer earlier. */
  #written = false
  /** Whether the socket was drained since the last check. */
  #drained = false
  /** Whether anything was acknowledged on this connection. */
  #answered = false

  constructor(options: AckWatchOptions) {
    this.#options = options
  }

  /** Whether the broker acknowledges on this connection, or has nothing to acknowledge. */
  isAcknowledging(): boolean {
    return this.#answered || this.#options.oldest() === undefined
  }

  /** The connection changed, or ended. */
  reset(link: Link | undefined): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#link = link
    this.#watched = undefined
    this.#answered = false
  }

  /** A packet was written that the broker has to acknowledge. */
  sent(): void {
    if (this.#timer === undefined && this.#options.ackTimeout > 0) this.#lookLater()
  }

  answered(): void {
    if (this.#answered) return
    this.#answered = true
    this.#options.onAcknowledging()
  }

  /** The socket has taken everything that was written. */
  drained(): void {
    this.#drained = true
  }

  #lookLater(): void {
    const { clock, ackTimeout } = this.#options
    this.#timer = clock.setTimeout(() => this.#look(), Math.ceil(ackTimeout / LOOKS))
  }

  #look(): void {
    this.#timer = undefined
    const link = this.#link
    const oldest = this.#options.oldest()
    const drained = this.#drained
    this.#drained = false
    if (!link || !oldest) {
      this.#watched = undefined
      return
    }
    if (!this.#isStuck(oldest)) {
      this.#watched = oldest
      this.#phase = oldest.phase
      this.#written = link.flushed
      this.#looks = 0
    } else if (!this.#written) {
      this.#written = drained || link.flushed
    } else if (++this.#looks >= LOOKS) {
      return this.#probe(link, oldest)
    }
    this.#lookLater()
  }

  /** Whether it is still the watched publication, without progress. PUBREC is progress. */
  #isStuck(oldest: Publication | undefined): boolean {
    return oldest !== undefined && oldest === this.#watched && oldest.phase === this.#phase
  }

  /** Sends PINGREQ. An acknowledgement that the broker has sent would arrive before its PINGRESP. */
  #probe(link: Link, overdue: Publication): void {
    const { clock, probeTimeout, oldest } = this.#options
    const timer = clock.setTimeout(() => decide(), probeTimeout)
    this.#timer = timer
    const decide = () => {
      if (this.#timer !== timer) return
      clock.clearTimeout(timer)
      this.#timer = undefined
      if (oldest() === overdue && this.#isStuck(overdue)) {
        return link.fail({ kind: 'timeout', phase: 'ack' }, NORMAL_DISCONNECTION)
      }
      this.#lookLater()
    }
    void link.ping().then(decide)
  }
}
