import { isSuspect } from './blame.ts'
import type { Link } from './link.ts'
import type { Publication } from './publication.ts'

/**
 * How many publishes of QoS 2 a broker of MQTT 3.1.1 gets at a time, because it has no way to tell how many it takes:
 * mosquitto closes the connection at the next publish when it holds `max_inflight_messages` of them, 20 by default.
 */
const MAX_EXACTLY_ONCE = 16

/** The publishes of QoS 1 and 2 that the broker holds un-acked on the connection that is open. */
export class OnWire {
  readonly #onAnswer: () => void
  #link: Link | undefined
  #count = 0
  #exactlyOnce = 0
  /** Whether one of them is a suspect: then it is alone. */
  #suspect = false
  /** Whether the broker answered on this connection: if it then closes on a suspect, that is what it minds. */
  #trial: 'none' | 'asking' | 'answered' = 'none'

  /** @param onAnswer - the broker, which was asked for a sign of life, gave one */
  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer
  }

  get size(): number {
    return this.#count
  }

  /** Whether nothing may join what is there. */
  get closed(): boolean {
    return this.#suspect
  }

  /** The connection is another one, or none. */
  reset(link: Link | undefined): void {
    this.#link = link
    this.#count = 0
    this.#exactlyOnce = 0
    this.#suspect = false
    this.#trial = 'none'
  }

  answered(): void {
    this.#trial = 'answered'
  }

  /**
   * Whether the broker takes one more.
   *
   * @param before - what is about to be added before it
   */
  hasRoomFor({ qos }: Publication, { limits, protocolVersion }: Link, before: readonly Publication[] = []): boolean {
    if (this.#count + before.length >= limits.receiveMaximum) return false
    if (qos !== 2 || protocolVersion === 5) return true
    return this.#exactlyOnce + before.filter(isExactlyOnce).length < MAX_EXACTLY_ONCE
  }

  /** @param ready - whether the restore is over */
  mayAdd(publication: Publication, link: Link, ready: boolean): boolean {
    if (this.#suspect || !this.hasRoomFor(publication, link)) return false
    if (!isSuspect(publication)) return true
    // It goes alone: after the restore, with nothing else under way, and only if the broker is alive.
    if (!ready || this.#count > 0) return false
    if (this.#trial === 'none') this.#beginTrial(link)
    return this.#trial === 'answered'
  }

  add(publication: Publication): void {
    publication.onWire = true
    this.#count++
    if (isExactlyOnce(publication)) this.#exactlyOnce++
    if (isSuspect(publication)) this.#suspect = true
  }

  /** One of them was acknowledged, or not sent after all. */
  remove(publication: Publication): void {
    publication.onWire = false
    this.#count--
    if (isExactlyOnce(publication)) this.#exactlyOnce--
    this.#suspect = false
  }

  #beginTrial(link: Link): void {
    this.#trial = 'asking'
    void link.ping().then(() => {
      if (this.#link !== link) return
      this.#trial = 'answered'
      this.#onAnswer()
    })
  }
}

function isExactlyOnce({ qos }: Publication): boolean {
  return qos === 2
}
