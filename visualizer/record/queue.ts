/** A first-in, first-out queue. Taking the first item takes the same time however long the queue is. */
export class Queue<Item> {
  #items: Item[] = []
  /** How many items at the front have been taken. */
  #taken = 0

  get length(): number {
    return this.#items.length - this.#taken
  }

  get all(): readonly Item[] {
    return this.#items.slice(this.#taken)
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  shift(): Item | undefined {
    const item = this.#items[this.#taken]
    if (item === undefined) return undefined
    this.#items[this.#taken] = undefined as never
    this.#taken += 1
    if (this.#taken > this.#items.length / 2) this.keep(() => true)
    return item
  }

  /** Removes all other items. */
  keep(isKept: (item: Item) => boolean): void {
    this.#items = this.all.filter(isKept)
    this.#taken = 0
  }
}
