import type { Publication } from './publication.ts'

/** Waiting publications in order. Those that leave from the middle keep their places until the head passes them. */
export class WaitingList {
  #queue: Publication[] = []
  /** All before this index have left. */
  #head = 0

  /** The number of places, also of those that have left. */
  get places(): number {
    return this.#queue.length
  }

  /** The number of places that are not passed. */
  get left(): number {
    return this.#queue.length - this.#head
  }

  first(): Publication | undefined {
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.phase !== 'waiting') this.#head++
    return this.#queue[this.#head]
  }

  /** Passes the first one. */
  shift(): void {
    this.#head++
  }

  push(publication: Publication): void {
    this.#queue.push(publication)
  }

  /** All of them, in order. */
  all(): Publication[] {
    return this.#queue.slice(this.#head).filter(({ phase }) => phase === 'waiting')
  }

  replace(publications: Publication[]): void {
    this.#queue = publications
    this.#head = 0
  }

  oldest(isWanted: (publication: Publication) => boolean): Publication | undefined {
    this.first()
    for (let at = this.#head; at < this.#queue.length; at++) {
      const publication = this.#queue[at]
      if (publication && isWanted(publication)) return publication
    }
    return undefined
  }

  newest(isWanted: (publication: Publication) => boolean): Publication | undefined {
    while (this.#queue.length > this.#head && this.#queue.at(-1)?.phase !== 'waiting') this.#queue.pop()
    for (let at = this.#queue.length - 1; at >= this.#head; at--) {
      const publication = this.#queue[at]
      if (publication && isWanted(publication)) return publication
    }
    return undefined
  }
}
