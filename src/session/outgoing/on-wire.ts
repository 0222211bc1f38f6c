import type { Link } from '../link.ts'
import type { Publication } from './publication.ts'
import { isSuspect, type Suspects } from './suspects.ts'

/**
 * How many QoS 2 publishes a broker gets at a time on MQTT 3.1.1, where it can't announce a Receive Maximum. mosquitto
 * closes the connection on the next publish when `max_inflight_messages` of them are unacked, 20 by default.
 */
const MAX_EXACTLY_ONCE = 16

/**
 * Counts the QoS 1 and 2 publications that are unacked on the open connection, and decides whether another may join
 * them.
 */
export class OnWire {
  readonly #suspects: Suspects<Publication>
  readonly #onAnswer: () => void
  #link: Link | undefined
  #count = 0
  #exactlyOnce = 0
  /**
   * Whether they are suspects, or have to be sent alone. Suspects and other publications are never unacked together.
   */
  #careful = false
  /**
   * Whether a PINGRESP showed that the broker has handled everything before: if it then closes, it objects to a
   * suspect.
   */
  #signOfLife: 'none' | 'asked' | 'given' = 'none'

  /** @param onAnswer - called when the PINGRESP has arrived */
  constructor(suspects: Suspects<Publication>, onAnswer: () => void) {
    this.#suspects = suspects
    this.#onAnswer = onAnswer
  }

  get size(): number {
    return this.#count
  }

  /** Whether no other publication may be sent now. */
  get closed(): boolean {
    return (this.#careful && this.#count > 0) || this.#signOfLife === 'asked'
  }

  /** Whether exactly one is unacked, and a close now can be blamed on it. */
  get alone(): boolean {
    return this.#count === 1 && this.#careful && this.#signOfLife === 'given'
  }

  /** The connection changed, or ended. */
  reset(link: Link | undefined): void {
    this.#link = link
    this.#count = 0
    this.#exactlyOnce = 0
    this.#careful = false
    this.#signOfLife = 'none'
  }

  /**
   * Whether the broker accepts one more.
   *
   * @param before - publications that are about to be added before it
   */
  hasRoomFor({ qos }: Publication, { limits, protocolVersion }: Link, before: readonly Publication[] = []): boolean {
    if (this.#count + before.length >= limits.receiveMaximum) return false
    if (qos !== 2 || protocolVersion === 5) return true
    return this.#exactlyOnce + before.filter(isExactlyOnce).length < MAX_EXACTLY_ONCE
  }

  /** Whether a publication may be sent with suspects only. */
  isCareful(publication: Publication): boolean {
    return this.#suspects.doubt || isSuspect(publication)
  }

  /** @param ready - whether the subscriptions are restored */
  mayAdd(publication: Publication, link: Link, ready: boolean): boolean {
    if (!this.hasRoomFor(publication, link)) return false
    const careful = this.isCareful(publication)
    if (this.#count > 0 && careful !== this.#careful) return false
    if (!careful) return true
    if (!ready || this.#suspects.resting) return false
    if (this.#count > 0) return this.#count < this.#suspects.window
    if (this.#signOfLife === 'none') this.#askForLife(link)
    return this.#signOfLife === 'given'
  }

  add(publication: Publication): void {
    publication.onWire = true
    this.#careful = this.isCareful(publication)
    if (!this.#careful) this.#signOfLife = 'none'
    this.#count++
    if (isExactlyOnce(publication)) this.#exactlyOnce++
  }

  /** The last PINGRESP proves nothing any longer: a QoS 0 publish was sent, or time has passed. */
  forgetSignOfLife(): void {
    this.#signOfLife = 'none'
  }

  /** A publication was acknowledged, or could not be sent. */
  remove(publication: Publication): void {
    publication.onWire = false
    this.#count--
    if (isExactlyOnce(publication)) this.#exactlyOnce--
    if (this.#careful) this.#signOfLife = 'given'
  }

  #askForLife(link: Link): void {
    this.#signOfLife = 'asked'
    void link.ping().then(() => {
      if (this.#link !== link || this.#signOfLife !== 'asked') return
      this.#signOfLife = 'given'
      this.#onAnswer()
    })
  }
}

function isExactlyOnce({ qos }: Publication): boolean {
  return qos === 2
}
