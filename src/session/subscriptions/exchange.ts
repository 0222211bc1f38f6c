/**
 * The SUBSCRIBE and UNSUBSCRIBE packets of a connection whose answers are awaited together. A filter is in only one of
 * them at a time: a broker that handles packets concurrently may reorder them, and end up without a wanted subscription
 * (seen with aedes).
 */
export class Exchange {
  #underWay: Set<string> | undefined
  #pending = 0
  #done = 0
  #total = 0

  /** Whether every packet is answered. */
  get isOver(): boolean {
    return this.#pending === 0
  }

  /** How many of the requested subscriptions are answered. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: this.#total }
  }

  /** Whether a packet with this filter is not answered yet. */
  isBusy({ filter }: { readonly filter: string }): boolean {
    return this.#underWay?.has(filter) === true
  }

  /** Adds to the number of requested subscriptions. */
  expect(count: number): void {
    this.#total += count
  }

  begin(batch: readonly { readonly filter: string }[]): void {
    this.#pending++
    const underWay = (this.#underWay ??= new Set())
    for (const { filter } of batch) underWay.add(filter)
  }

  /** @param subscriptions - how many subscriptions were answered */
  answered(batch: readonly { readonly filter: string }[], subscriptions: number): void {
    this.#pending--
    this.#done += subscriptions
    for (const { filter } of batch) this.#underWay?.delete(filter)
  }
}
