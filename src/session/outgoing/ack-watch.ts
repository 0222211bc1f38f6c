import type { Clock } from '../../api/clock.ts'
import type { Link } from '../link.ts'
import type { Publication } from './publication.ts'

export interface AckWatchOptions {
  readonly clock: Clock
  /** In milliseconds; 0 turns it off. */
  readonly ackTimeout: number
  /** For the answer to a PINGREQ, in milliseconds. */
  readonly probeTimeout: number
  /** Of those that were sent on this connection and are not acknowledged, the one that was sent first. */
  readonly oldest: () => Publication | undefined
  /** The broker acknowledges, after `isAcknowledging` was false. */
  readonly onAcknowledging: () => void
}

/** The reason code of our DISCONNECT: we come back at once, so the broker must not send the will (MQTT 5 §3.14.2.1). */
const NORMAL_DISCONNECTION = 0

/** How often the oldest is looked at within the timeout: it is found at most one look late. */
const LOOKS = 4

/**
 * Replaces a connection on which an acknowledgement does not come. The broker acknowledges in order (MQTT-4.6.0-2), so it
 * is enough to look at the oldest publish now and then: one timer for all, and no work for any of them.
 */
export class AckWatch {
  readonly #options: AckWatchOptions
  #link: Link | undefined
  #timer: unknown
  /** The oldest, as it was at the last look. */
  #watched: Publication | undefined
  #phase: Publication['phase'] = 'sent'
  /** How often it has been the oldest since the socket took it. */
  #looks = 0
  /** Whether the socket has taken what is watched: only then may the broker answer. */
  #written = false
  /** Whether the socket took everything since the last look. */
  #drained = false
  /** Whether anything was acknowledged on this connection. */
  #answered = false
  #doubted = false

  constructor(options: AckWatchOptions) {
    this.#options = options
  }

  /** Whether the broker does its work on this connection; if not, `onAcknowledging` tells when it does. */
  isAcknowledging(): boolean {
    this.#doubted = !this.#answered && this.#options.oldest() !== undefined
    return !this.#doubted
  }

  /** The connection is another one, or none. */
  reset(link: Link | undefined): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#link = link
    this.#watched = undefined
    this.#answered = false
    this.#doubted = false
  }

  /** Something was written that is to be acknowledged. */
  sent(): void {
    if (this.#timer === undefined && this.#options.ackTimeout > 0) this.#lookLater()
  }

  answered(): void {
    this.#answered = true
    if (!this.#doubted) return
    this.#doubted = false
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

  /** Whether it is what was watched, without progress: PUBREC is progress. */
  #isStuck(oldest: Publication | undefined): boolean {
    return oldest !== undefined && oldest === this.#watched && oldest.phase === this.#phase
  }

  /** Whatever the broker had answered would come before its PINGRESP. */
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
