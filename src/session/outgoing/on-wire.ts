import type { Link } from '../link.ts'
import type { Publication } from './publication.ts'
import { isSuspect, type Suspects } from './suspects.ts'

/**
 * How many publishes of QoS 2 a broker of MQTT 3.1.1 gets at a time, because it has no way to tell how many it takes:
 * mosquitto closes the connection at the next publish when it holds `max_inflight_messages` of them, 20 by default.
 */
const MAX_EXACTLY_ONCE = 16

/** The publishes of QoS 1 and 2 that the broker holds un-acked on the connection that is open. */
export class OnWire {
  readonly #suspects: Suspects<Publication>
  readonly #onAnswer: () => void
  #link: Link | undefined
  #count = 0
  #exactlyOnce = 0
  /** Whether they are suspects, or go alone in their place. Such go with none of the others. */
  #careful = false
  /** Whether the broker gave a sign of life after all else that was sent: if it then closes, it minds a suspect. */
  #signOfLife: 'none' | 'asked' | 'given' = 'none'

  /** @param onAnswer - the broker, which was asked for a sign of life, gave one */
  constructor(suspects: Suspects<Publication>, onAnswer: () => void) {
    this.#suspects = suspects
    this.#onAnswer = onAnswer
  }

  get size(): number {
    return this.#count
  }

  /** Whether nothing else may join what is there, or is about to be. */
  get closed(): boolean {
    return (this.#careful && this.#count > 0) || this.#signOfLife === 'asked'
  }

  /** Whether there is one, and it can be told that it is the one which the broker minds, if it closes. */
  get alone(): boolean {
    return this.#count === 1 && this.#careful && this.#signOfLife === 'given'
  }

  /** The connection is another one, or none. */
  reset(link: Link | undefined): void {
    this.#link = link
    this.#count = 0
    this.#exactlyOnce = 0
    this.#careful = false
    this.#signOfLife = 'none'
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

  /** Whether it has to go with suspects only. */
  isCareful(publication: Publication): boolean {
    return this.#suspects.doubt || isSuspect(publication)
  }

  /** @param ready - whether the restore is over */
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

  /** Something went, of which the broker says nothing, or time passed. */
  forgetSignOfLife(): void {
    this.#signOfLife = 'none'
  }

  /** One of them was acknowledged, or not sent after all. */
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
