import { Queue } from './queue.ts'

/** Room that is shared by kind: the one that has taken most of it forgets its own past first, not that of the others. */
export class Room<Item> {
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
   * Takes the oldest of who has most.
   *
   * @param latest - the kind that came last: mostly it has more than its part, and nobody has to look for another
   */
  shift(latest: string): Item | undefined {
    const share = this.#shares.get(latest)
    const chosen = share && share.length > this.#size / this.#shares.size ? share : this.#largest()
    const item = chosen?.shift()
    if (item !== undefined) this.#size -= 1
    return item
  }

  /** Takes all of a kind that is wanted no more. */
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
