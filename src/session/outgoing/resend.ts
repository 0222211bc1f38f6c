import type { InFlight } from './in-flight.ts'
import type { Link } from '../link.ts'
import type { OnWire } from './on-wire.ts'
import type { PublishWriter } from './publish-writer.ts'
import { isAside } from './suspects.ts'

/** Resends in a pipeline what was in flight, in its order (MQTT-4.4.0-1, MQTT-4.6.0-1). */
export class Resend {
  readonly #inFlight: InFlight
  readonly #onWire: OnWire
  readonly #writer: PublishWriter
  #underWay = false

  constructor(inFlight: InFlight, onWire: OnWire, writer: PublishWriter) {
    this.#inFlight = inFlight
    this.#onWire = onWire
    this.#writer = writer
  }

  /** Whether there may be publishes that have yet to be resent on this connection: new ones wait for them. */
  get underWay(): boolean {
    return this.#underWay
  }

  /** @param kept - whether the broker kept the session */
  attached(kept: boolean): void {
    this.#underWay = false
    if (kept) this.begin()
  }

  /** One that had stepped aside goes in its place. */
  begin(): void {
    this.#underWay = this.#inFlight.size > 0
  }

  detached(): void {
    this.#underWay = false
    for (const publication of this.#inFlight.values()) publication.onWire = false
  }

  /**
   * Goes on as far as the socket and the broker take it.
   *
   * @param ready - whether the restore is over
   */
  proceed(link: Link, ready: boolean): void {
    if (!this.#underWay) return
    for (const publication of this.#inFlight.values()) {
      if (publication.onWire || isAside(publication)) continue
      if (!link.writable || !this.#onWire.mayAdd(publication, link, ready)) return
      if (publication.phase === 'sent' && this.#writer.refuse(publication, link)) {
        this.#inFlight.giveUp(publication, 'finish')
        continue
      }
      this.#onWire.add(publication)
      this.#writer.writeAgain(publication, link)
    }
    this.#underWay = false
  }
}
