import type { Link } from '../link.ts'
import type { InFlight } from './in-flight.ts'
import type { OnWire } from './on-wire.ts'
import type { Pace } from './pace.ts'
import type { Publication } from './publication.ts'
import type { PublishWriter } from './publish-writer.ts'
import { isAside } from './suspects.ts'

/**
 * Writes, in order and without waiting for answers, the publications in flight that were not sent on the open
 * connection (MQTT-4.4.0-1, MQTT-4.6.0-1).
 */
export class Resend {
  readonly #inFlight: InFlight
  readonly #onWire: OnWire
  readonly #writer: PublishWriter
  readonly #pace: Pace
  #rest: Iterator<Publication> = [].values()
  /** The first of the publications that are left. */
  #next: Publication | undefined

  constructor(inFlight: InFlight, onWire: OnWire, writer: PublishWriter, pace: Pace) {
    this.#inFlight = inFlight
    this.#onWire = onWire
    this.#writer = writer
    this.#pace = pace
  }

  /** @param publications - the publications to write; those that were sent on this connection are skipped */
  begin(publications: Iterable<Publication>): void {
    this.#rest = publications[Symbol.iterator]()
    this.#advance()
  }

  /**
   * Writes as much as the socket and the broker allow.
   *
   * @param isReady - whether the subscriptions are restored
   * @returns whether nothing is left
   */
  proceed(link: Link, isReady: boolean): boolean {
    for (let next = this.#next; next; next = this.#after(next)) {
      if (next.onWire || next.phase === 'settled' || isAside(next)) continue
      if (!link.writable || !this.#onWire.mayAdd(next, link, isReady)) return false
      if (next.phase === 'sent' && this.#writer.refuse(next, link)) {
        this.#inFlight.giveUp(next, 'finish')
        continue
      }
      if (next.phase === 'sent' && !this.#pace.mayWrite()) return false
      this.#onWire.add(next)
      this.#writer.writeAgain(next, link)
    }
    return true
  }

  /** Normally this advances. An error handler of the application may have caused a nested call that did so already. */
  #after(publication: Publication): Publication | undefined {
    if (this.#next === publication) this.#advance()
    return this.#next
  }

  #advance(): void {
    this.#next = this.#rest.next().value as Publication | undefined
  }
}
