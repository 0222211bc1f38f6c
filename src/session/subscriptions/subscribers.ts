import type { Qos } from '../../api/message.ts'
import type { SubscriptionRequest } from '../../wire/packets.ts'

/** What a subscriber asks the broker for (MQTT 5 §3.8.3.1). */
export interface SubscriberOptions {
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

/** One `subscribe()` call. */
export interface Subscriber extends SubscriberOptions {
  readonly filter: string
  /** The function that gets the messages, by which the subscriber can be found; `undefined` for a loop. */
  readonly handler?: object | undefined
  /** The broker granted the subscription. */
  granted(qos: Qos): void
  /** The broker refused the subscription for good, or it was ended. */
  rejected(error: unknown): void
  /** The client gave up for now. The subscription stays wanted. */
  postponed(error: unknown): void
}

/** How many subscribers have the same options. */
interface Alike {
  readonly options: SubscriberOptions
  count: number
}

/**
 * The subscribers of one topic filter. The cost of adding or removing one does not depend on their number, which can be
 * 10,000 handlers.
 */
export class Subscribers {
  /** By their handlers. A further subscriber with the same handler, or without one, stands under itself. */
  readonly #all = new Map<object, Subscriber>()
  /** The subscribers that the broker does not serve. */
  readonly #unserved = new Set<Subscriber>()
  /** By options, of which there are at most 36 combinations. */
  readonly #alike = new Map<string, Alike>()
  #list: readonly Subscriber[] | undefined

  get size(): number {
    return this.#all.size
  }

  /** A returned list never changes: a message goes to the subscribers that existed when it arrived. */
  get list(): readonly Subscriber[] {
    return (this.#list ??= [...this.#all.values()])
  }

  has(subscriber: Subscriber): boolean {
    return this.#all.get(this.#keyOf(subscriber)) === subscriber
  }

  /** The first subscriber with a handler. */
  withHandler(handler: object): Subscriber | undefined {
    return this.#all.get(handler)
  }

  /** The subscribers that the broker does not serve. */
  get unserved(): readonly Subscriber[] {
    return [...this.#unserved]
  }

  /** Whether the broker serves any of them. */
  get anyServed(): boolean {
    return this.#unserved.size < this.#all.size
  }

  /** Adds a subscriber, which is not served yet. */
  add(subscriber: Subscriber): void {
    this.#list = undefined
    const { handler } = subscriber
    this.#all.set(handler && !this.#all.has(handler) ? handler : subscriber, subscriber)
    this.#unserved.add(subscriber)
    const key = optionsKey(subscriber)
    const alike = this.#alike.get(key)
    if (alike) alike.count++
    else this.#alike.set(key, { options: optionsOf(subscriber), count: 1 })
  }

  delete(subscriber: Subscriber): void {
    if (!this.has(subscriber)) return
    this.#all.delete(this.#keyOf(subscriber))
    this.#list = undefined
    this.#unserved.delete(subscriber)
    const key = optionsKey(subscriber)
    const alike = this.#alike.get(key)
    if (alike && --alike.count === 0) this.#alike.delete(key)
  }

  /** The broker serves these from now on. */
  serve(granted: Qos, these: Iterable<Subscriber> = this.#unserved): void {
    for (const subscriber of these) if (this.#unserved.delete(subscriber)) subscriber.granted(granted)
  }

  /** The broker serves none of them any more: it lost the session. */
  lose(): void {
    for (const subscriber of this.#all.values()) this.#unserved.add(subscriber)
  }

  /** Removes and returns the subscribers that the broker does not serve. */
  takeUnserved(): readonly Subscriber[] {
    const unserved = [...this.#unserved]
    for (const subscriber of unserved) this.delete(subscriber)
    return unserved
  }

  /** The request that satisfies all of them. */
  request({ filter, identifier }: Pick<SubscriptionRequest, 'filter' | 'identifier'>): SubscriptionRequest {
    const all = Array.from(this.#alike.values(), ({ options }) => options)
    return {
      filter,
      identifier,
      qos: Math.max(...all.map(({ qos }) => qos)) as Qos,
      noLocal: all.every(({ noLocal }) => noLocal),
      retainAsPublished: all.some(({ retainAsPublished }) => retainAsPublished),
      retainHandling: Math.min(...all.map(({ retainHandling }) => retainHandling)) as 0 | 1 | 2,
    }
  }

  #keyOf(subscriber: Subscriber): object {
    const { handler } = subscriber
    return handler && this.#all.get(handler) === subscriber ? handler : subscriber
  }
}

/** A copy, so that it does not keep the subscriber in memory after it has left. */
function optionsOf({ qos, noLocal, retainAsPublished, retainHandling }: SubscriberOptions): SubscriberOptions {
  return { qos, noLocal, retainAsPublished, retainHandling }
}

/** Two sets of options have the same key if they are equal. */
export function optionsKey({ qos, noLocal, retainAsPublished, retainHandling }: SubscriberOptions): string {
  return `${qos} ${noLocal} ${retainAsPublished} ${retainHandling}`
}
