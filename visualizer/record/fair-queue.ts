import { Queue } from './queue.ts'

/**
 * A queue that several kinds of items share fairly. When an item has to go, the kind that has the most loses its oldest
 * item, so no kind can push out the items of the others.
 */
export class FairQueue<Item> {
  /** Oldest first, by kind. */
  readonly #shares = new Map<string, Queue<Item>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get all(): readonly Item[] {
    return [...this.#shares.values()].flatMap((share) => share.all)
  }

  push(kind: string, item: Item): void {
    const share = this.#shares.get(kind) ?? new Queue<Item>()
    if (share.length === 0) this.#shares.set(kind, share)
    share.push(item)
    this.#size += 1
  }

  /**
   * Removes the oldest item of the kind that has the most.
   *
   * @param latest - the kind of the last item: it usually has more than its share, and then no search is needed
   */
  shift(latest: string): Item | undefined {
    const share = this.#shares.get(latest)
    const chosen = share && share.length > this.#size / this.#shares.size ? share : this.#largest()
    const item = chosen?.shift()
    if (item !== undefined) this.#size -= 1
    return item
  }

  /** Removes the items of a kind that are no longer needed. */
  remove(kind: string, isUnwanted: (item: Item) => boolean): void {
    const share = this.#shares.get(kind)
    if (!share) return
    const before = share.length
    share.keep((item) => !isUnwanted(item))
    this.#size -= before - share.length
    if (share.length === 0) this.#shares.delete(kind)
  }

  #largest(): Queue<Item> | undefined {
    let largest: Queue<Item> | undefined
    for (const share of this.#shares.values()) if (!largest || share.length > largest.length) largest = share
    return largest
  }
}
