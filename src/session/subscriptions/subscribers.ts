import type { Qos } from '../../api/message.ts'
import type { SubscriptionRequest } from '../../wire/packets.ts'

/** What a subscriber asks the broker for (MQTT 5 §3.8.3.1). */
export interface SubscriberOptions {
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

/** What one `subscribe()` asks for. */
export interface Subscriber extends SubscriberOptions {
  readonly filter: string
  /** The broker holds it. */
  granted(qos: Qos): void
  /** The broker refused it for good, or it was given up. */
  rejected(error: unknown): void
  /** Nothing is tried for now. It stays wanted. */
  postponed(error: unknown): void
}

/** How many subscribers have the same options. */
interface Alike {
  readonly options: SubscriberOptions
  count: number
}

/**
 * The subscribers of one topic filter. Adding one and removing one cost the same however many there are: with 10,000
 * handlers on a filter anything else would be felt.
 */
export class Subscribers {
  readonly #all = new Set<Subscriber>()
  /** Those of them that the broker does not serve. */
  readonly #unserved = new Set<Subscriber>()
  /** By their options, of which there are 36 at most. */
  readonly #alike = new Map<string, Alike>()
  #list: readonly Subscriber[] | undefined

  get size(): number {
    return this.#all.size
  }

  /** Never changes once it was returned: a message goes to the subscribers that were there when it came. */
  get list(): readonly Subscriber[] {
    return (this.#list ??= [...this.#all])
  }

  /** Whether the broker serves any of them. */
  get anyServed(): boolean {
    return this.#unserved.size < this.#all.size
  }

  /** It is not served yet. */
  add(subscriber: Subscriber): void {
    this.#list = undefined
    this.#all.add(subscriber)
    this.#unserved.add(subscriber)
    const key = optionsKey(subscriber)
    const alike = this.#alike.get(key)
    if (alike) alike.count++
    else this.#alike.set(key, { options: optionsOf(subscriber), count: 1 })
  }

  delete(subscriber: Subscriber): void {
    if (!this.#all.delete(subscriber)) return
    this.#list = undefined
    this.#unserved.delete(subscriber)
    const key = optionsKey(subscriber)
    const alike = this.#alike.get(key)
    if (alike && --alike.count === 0) this.#alike.delete(key)
  }

  /** The broker serves all of them from now on. */
  serve(granted: Qos): void {
    for (const subscriber of this.#unserved) {
      this.#unserved.delete(subscriber)
      subscriber.granted(granted)
    }
  }

  /** The broker serves none of them any more: it lost the session. */
  lose(): void {
    for (const subscriber of this.#all) this.#unserved.add(subscriber)
  }

  /** Takes out those that the broker does not serve. */
  takeUnserved(): readonly Subscriber[] {
    const unserved = [...this.#unserved]
    for (const subscriber of unserved) this.delete(subscriber)
    return unserved
  }

  /** What satisfies all of them. */
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
}

/** Without the subscriber, which may leave before the others that are like it. */
function optionsOf({ qos, noLocal, retainAsPublished, retainHandling }: SubscriberOptions): SubscriberOptions {
  return { qos, noLocal, retainAsPublished, retainHandling }
}

/** The same for the same options. */
export function optionsKey({ qos, noLocal, retainAsPublished, retainHandling }: SubscriberOptions): string {
  return `${qos} ${noLocal} ${retainAsPublished} ${retainHandling}`
}
