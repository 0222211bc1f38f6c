import type { InFlight } from './in-flight.ts'
import type { Link } from './link.ts'
import type { OnWire } from './on-wire.ts'
import type { Publication } from './publication.ts'

export interface ResendOptions {
  readonly inFlight: InFlight
  readonly onWire: OnWire
  /** Settles a publication that the broker does not take by its limits. @returns whether it did */
  readonly refuse: (publication: Publication, link: Link) => boolean
  /** Writes it, or its PUBREL. */
  readonly write: (publication: Publication, link: Link) => void
}

/** Resends in a pipeline what was in flight, in its order (MQTT-4.4.0-1, MQTT-4.6.0-1). */
export class Resend {
  readonly #options: ResendOptions
  #underWay = false

  constructor(options: ResendOptions) {
    this.#options = options
  }

  /** Whether there may be publishes that have yet to be resent on this connection: new ones wait for them. */
  get underWay(): boolean {
    return this.#underWay
  }

  /** @param kept - whether the broker kept the session */
  attached(kept: boolean): void {
    this.#underWay = kept && this.#options.inFlight.size > 0
  }

  detached(): void {
    this.#underWay = false
    for (const publication of this.#options.inFlight.values()) publication.onWire = false
  }

  /**
   * Goes on as far as the socket and the broker take it.
   *
   * @param ready - whether the restore is over
   */
  proceed(link: Link, ready: boolean): void {
    if (!this.#underWay) return
    const { inFlight, onWire, refuse, write } = this.#options
    for (const publication of inFlight.values()) {
      if (publication.onWire) continue
      if (!link.writable || !onWire.mayAdd(publication, link, ready)) return
      if (publication.phase === 'sent' && refuse(publication, link)) {
        inFlight.giveUp(publication, 'finish')
        continue
      }
      onWire.add(publication)
      write(publication, link)
    }
    this.#underWay = false
  }
}
