import type { Recorded } from './recorded.ts'

/** What decides whether a message may be dropped. */
export interface Waiting extends Pick<Recorded, 'type' | 'kind' | 'main' | 'moves'> {
  /** The same for all messages of one actor. */
  readonly key: string
  readonly stopped?: boolean | undefined
}

/** So many times more messages that change a state may wait than other messages. */
const WORTH = 25

/**
 * Messages that wait for a receiver. If there are too many, it drops what an operator misses least: first events and new
 * contexts that change no state, except the last snapshot of each actor, and actors that began and ended meanwhile. Changes
 * of state are dropped only if there are many times more of them, and then first those of the kind of actor that has the most.
 */
export class Backlog<Item> {
  /** How many messages were dropped. */
  dropped = 0
  /** How many of them changed a state. */
  droppedTransitions = 0
  readonly #limit: number
  readonly #waiting: (item: Item) => Waiting
  #items: Item[] = []
  /** Cutting looks at all messages, so it is not done with each one. */
  #cutAt: number

  /** @param limit - how many messages that change no state may wait */
  constructor(limit: number, waiting: (item: Item) => Waiting) {
    this.#limit = limit
    this.#waiting = waiting
    this.#cutAt = limit * 2
  }

  get length(): number {
    return this.#items.length
  }

  push(item: Item): void {
    this.#items.push(item)
    if (this.#items.length >= this.#cutAt) this.#cut()
  }

  /** Takes the oldest messages, as long as `mayTake` allows it. */
  takeWhile(mayTake: (item: Item, taken: number) => boolean): Item[] {
    let count = 0
    for (const item of this.#items) {
      if (!mayTake(item, count)) break
      count += 1
    }
    return this.#items.splice(0, count)
  }

  /** Removes messages that are no longer needed. They do not count as dropped. */
  remove(isUnneeded: (item: Item) => boolean): void {
    this.#items = this.#items.filter((item) => !isUnneeded(item))
  }

  clear(): void {
    this.#items = []
  }

  #cut(): void {
    const facts = this.#items.map((item) => this.#waiting(item))
    const { isMinor, isBrief } = judge(facts)
    let minor = facts.filter(isMinor).length - this.#limit
    /** Brief actors go as a whole: the end of an actor says nothing to those who do not know that it began. */
    const gone = new Set<string>()
    this.#items = this.#items.filter((_, index) => {
      const fact = facts[index]
      if (!fact || !isMinor(fact, index)) return true
      const isGone = gone.has(fact.key)
      if (!isGone && (minor <= 0 || (isBrief(fact.key) && fact.type !== '@xstate.actor'))) return true
      if (isBrief(fact.key)) gone.add(fact.key)
      minor -= 1
      this.dropped += 1
      return false
    })
    this.#cutMoves(isBrief)
    this.#cutAt = this.#items.length + Math.max(this.#limit, this.#items.length / 2)
  }

  #cutMoves(isBrief: (key: string) => boolean): void {
    const counts = new Map<string, number>()
    for (const item of this.#items) {
      const { kind } = this.#waiting(item)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    const share = Math.min(fairShare([...counts.values()], this.#limit * WORTH), this.#limit)
    this.#items = this.#items.filter((item) => {
      const fact = this.#waiting(item)
      const left = counts.get(fact.kind) ?? 0
      if (left <= share) return true
      counts.set(fact.kind, left - 1)
      this.dropped += 1
      if (fact.moves && !isBrief(fact.key)) this.droppedTransitions += 1
      return false
    })
  }
}

/** Tells which of the messages say least, and which actors began and ended among them. */
function judge(facts: readonly Waiting[]) {
  const lastSnapshots = new Map<string, number>()
  const born = new Set<string>()
  const brief = new Set<string>()
  for (const [index, { type, key, main, stopped }] of facts.entries()) {
    if (type === '@xstate.snapshot') lastSnapshots.set(key, index)
    if (type === '@xstate.actor' && stopped !== true) born.add(key)
    if (stopped === true && !main && born.has(key)) brief.add(key)
  }
  return {
    isMinor: ({ key, moves }: Waiting, index: number) => brief.has(key) || (!moves && lastSnapshots.get(key) !== index),
    isBrief: (key: string) => brief.has(key),
  }
}

/** The largest share of each that keeps all together below a limit. */
function fairShare(counts: readonly number[], limit: number): number {
  let share = Number.POSITIVE_INFINITY
  let left = limit
  const ascending = counts.toSorted((a, b) => a - b)
  for (const [index, count] of ascending.entries()) {
    share = Math.floor(left / (ascending.length - index))
    if (count > share) return share
    left -= count
  }
  return Number.POSITIVE_INFINITY
}
