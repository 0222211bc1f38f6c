/** An item that knows its place. */
export interface Sequenced {
  /** Its number among all that were ever added. */
  sequence: number
}

/** After so many gaps at the front the items move up. */
const MAX_GAPS = 64

/**
 * Keeps items in the order in which they were added, from wherever they leave. It can change while it is iterated over:
 * the iteration skips what leaves, and reaches what comes. See `PacketIdMap` in `outgoing` for why it is not a `Set`.
 */
export class Sequence<Item extends Sequenced> {
  readonly #items: (Item | undefined)[] = []
  /** How many places at the front are empty. */
  #gaps = 0
  /** The number of the first place. */
  #first = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    return this.#items[this.#gaps]
  }

  add(item: Item): void {
    item.sequence = this.#first + this.#items.length
    this.#items.push(item)
    this.#size++
  }

  delete(item: Item): void {
    const items = this.#items
    const index = item.sequence - this.#first
    if (items[index] !== item) return
    items[index] = undefined
    this.#size--
    while (this.#gaps < items.length && items[this.#gaps] === undefined) this.#gaps++
    if (this.#gaps > MAX_GAPS && this.#gaps * 2 > items.length) this.#moveUp()
  }

  *values(): IterableIterator<Item> {
    for (let number = this.#first + this.#gaps; number < this.#first + this.#items.length; number++) {
      const item = this.#items[number - this.#first]
      if (item) yield item
    }
  }

  #moveUp(): void {
    this.#items.copyWithin(0, this.#gaps)
    this.#items.length -= this.#gaps
    this.#first += this.#gaps
    this.#gaps = 0
  }
}
