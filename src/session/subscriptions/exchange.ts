/**
 * The SUBSCRIBE and UNSUBSCRIBE packets of a connection whose answers are awaited together. Of one filter there is only
 * one at a time: a broker that handles packets concurrently may handle them in another order, and end up without a
 * subscription that is wanted (seen with aedes).
 */
export class Exchange {
  readonly #underWay = new Set<string>()
  #pending = 0
  #done = 0
  #total = 0

  /** Whether every packet is answered. */
  get isOver(): boolean {
    return this.#pending === 0
  }

  /** Subscriptions that are answered, of those that were asked for. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: this.#total }
  }

  /** Whether a packet with this filter is not answered yet. */
  isBusy({ filter }: { readonly filter: string }): boolean {
    return this.#underWay.has(filter)
  }

  /** There are so many subscriptions to ask for. */
  expect(count: number): void {
    this.#total += count
  }

  begin(batch: readonly { readonly filter: string }[]): void {
    this.#pending++
    for (const { filter } of batch) this.#underWay.add(filter)
  }

  /** @param subscriptions - how many of them it answered */
  answered(batch: readonly { readonly filter: string }[], subscriptions: number): void {
    this.#pending--
    this.#done += subscriptions
    for (const { filter } of batch) this.#underWay.delete(filter)
  }
}
