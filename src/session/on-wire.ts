import { isSuspect } from './blame.ts'
import type { Link } from './link.ts'
import type { Publication } from './publication.ts'

/** The publishes of QoS 1 and 2 that the broker holds un-acked on the connection that is open. */
export class OnWire {
  readonly #onAnswer: () => void
  #link: Link | undefined
  #count = 0
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
    this.#suspect = false
    this.#trial = 'none'
  }

  answered(): void {
    this.#trial = 'answered'
  }

  /** How many more the broker takes. */
  room({ limits }: Link): number {
    return limits.receiveMaximum - this.#count
  }

  /** @param ready - whether the restore is over */
  mayAdd(publication: Publication, link: Link, ready: boolean): boolean {
    if (this.#suspect || this.room(link) <= 0) return false
    if (!isSuspect(publication)) return true
    // It goes alone: after the restore, with nothing else under way, and only if the broker is alive.
    if (!ready || this.#count > 0) return false
    if (this.#trial === 'none') this.#beginTrial(link)
    return this.#trial === 'answered'
  }

  add(publication: Publication): void {
    publication.onWire = true
    this.#count++
    if (isSuspect(publication)) this.#suspect = true
  }

  /** One of them was acknowledged. */
  remove(): void {
    this.#count--
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
