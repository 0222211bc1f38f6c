import type { Publication } from './publication.ts'

interface Entry {
  readonly publication: Publication
  /** Keeps the order of publications that expire at the same time. */
  readonly order: number
}

/**
 * The waiting publications that can expire, in a binary heap: the first to expire is found without searching. A
 * publication that leaves the outbox stays here until its turn comes or `refill` is called.
 */
export class ExpiryQueue {
  #heap: Entry[] = []
  #last = 0

  get size(): number {
    return this.#heap.length
  }

  add(publication: Publication): void {
    if (publication.ttl === Number.POSITIVE_INFINITY) return
    const entry = { publication, order: ++this.#last }
    let at = this.#heap.length
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(entry, this.#heap[parent]); parent = (at - 1) >> 1) {
      this.#heap[at] = this.#heap[parent] as Entry
      at = parent
    }
    this.#heap[at] = entry
  }

  /** The waiting publication that expires first, if there is one. */
  first(): Publication | undefined {
    while (this.#heap[0] && this.#heap[0].publication.phase !== 'waiting') this.#removeFirst()
    return this.#heap[0]?.publication
  }

  /** Replaces the content of the queue. */
  refill(waiting: readonly Publication[]): void {
    this.#heap = []
    this.#last = 0
    for (const publication of waiting) this.add(publication)
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left
      if (!isBefore(heap[child], last)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = last
  }
}

function isBefore(one: Entry | undefined, other: Entry | undefined): boolean {
  if (!one || !other) return false
  const earlier = one.publication.deadline - other.publication.deadline
  return earlier < 0 || (earlier === 0 && one.order < other.order)
}
