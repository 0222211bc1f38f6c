import type { Clock } from '../../api/clock.ts'
import { type Link, NORMAL_DISCONNECTION } from '../link.ts'

export interface TrafficWatchOptions {
  readonly clock: Clock
  /** How long no message may come, in milliseconds. */
  readonly expectTrafficWithin: number
  /** How long the answer to a PINGREQ may take, in milliseconds. */
  readonly probeTimeout: number
  /** Whether messages can come: there are subscriptions, and the client takes messages. */
  readonly isExpecting: () => boolean
}

/** How often it is checked within the limit whether a message has come. A silence is found at most one check late. */
const LOOKS = 4

/** The limit doubles up to this one, in milliseconds, unless the application has set a longer one. */
const LONGEST = 3_600_000

/**
 * Replaces a connection on which no messages come, although the broker may answer pings. If none comes on the next
 * connection either, the publishers may be silent. So the limit doubles with each, until a message comes.
 */
export class TrafficWatch {
  readonly #options: TrafficWatchOptions
  #link: Link | undefined
  #timer: unknown
  /** In milliseconds. */
  #limit: number
  /** Whether a message has come since the last check. */
  #hasHeard = false
  /** How many checks in a row have found that none has come. */
  #silentLooks = 0

  constructor(options: TrafficWatchOptions) {
    this.#options = options
    this.#limit = options.expectTrafficWithin
  }

  attached(link: Link): void {
    this.detached()
    this.#link = link
    this.#silentLooks = 0
    this.#lookLater()
  }

  detached(): void {
    this.#link = undefined
    this.#options.clock.clearTimeout(this.#timer)
  }

  /** A message has come. */
  heard(): void {
    this.#hasHeard = true
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#look(), Math.ceil(this.#limit / LOOKS))
  }

  #look(): void {
    this.#silentLooks = this.#isWell() ? 0 : this.#silentLooks + 1
    if (this.#link && this.#silentLooks >= LOOKS) this.#probe(this.#link)
    else this.#lookLater()
  }

  #isWell(): boolean {
    const { expectTrafficWithin, isExpecting } = this.#options
    const hasHeard = this.#hasHeard
    this.#hasHeard = false
    if (hasHeard) this.#limit = expectTrafficWithin
    return hasHeard || !isExpecting()
  }

  /** Sends PINGREQ. A message that the broker has sent would arrive before its PINGRESP. */
  #probe(link: Link): void {
    const { clock, probeTimeout } = this.#options
    const timer = clock.setTimeout(() => decide(), probeTimeout)
    this.#timer = timer
    const decide = () => {
      if (this.#link !== link || this.#timer !== timer) return
      clock.clearTimeout(timer)
      if (this.#isWell()) {
        this.#silentLooks = 0
        return this.#lookLater()
      }
      this.#limit = Math.max(this.#limit, Math.min(2 * this.#limit, LONGEST))
      link.fail({ kind: 'timeout', phase: 'traffic' }, NORMAL_DISCONNECTION)
    }
    void link.ping().then(decide)
  }
}
