import type { Qos, UserProperties } from '../../api/message.ts'
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
  /** Of the SUBSCRIBE. */
  readonly userProperties?: UserProperties | undefined
  /** The broker granted the subscription. */
  granted(qos: Qos): void
  /** The broker refused the subscription for good, or it was ended. */
  rejected(error: unknown): void
  /** The client gave up for now. The subscription stays wanted. */
  postponed(error: unknown): void
  /** The broker refused the subscription, and will be asked again. May unsubscribe. */
  refused?(reasonCode: number): void
}

/**
 * The subscribers of one topic filter. The cost of adding or removing one does not depend on their number, which can be
 * 10,000 handlers.
 */
export class Subscribers {
  /** By their handlers. A further subscriber with the same handler, or without one, stands under itself. */
  readonly #all = new Map<object, Subscriber>()
  /** The subscribers that the broker does not serve, if there are any. */
  #unserved: Set<Subscriber> | undefined
  /** The options that all of them have, unless they differ. */
  #common: SubscriberOptions | undefined
  /** How many of them have these options, once they differ. */
  #alike: Map<SubscriberOptions, number> | undefined
  #list: readonly Subscriber[] | undefined
  /** Those that have user properties, if there are any. */
  #withProperties: Set<Subscriber> | undefined
  /** The newest of these, unless it has to be looked for. */
  #newest: Subscriber | undefined

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
    return this.#unserved ? [...this.#unserved] : []
  }

  /** Whether the broker serves any of them. */
  get anyServed(): boolean {
    return (this.#unserved?.size ?? 0) < this.#all.size
  }

  /** The user properties of the newest subscriber that has some. */
  get userProperties(): UserProperties | undefined {
    if (!this.#withProperties) return undefined
    return (this.#newest ??= [...this.#withProperties].at(-1))?.userProperties
  }

  /** Adds a subscriber, which is not served yet. */
  add(subscriber: Subscriber): void {
    this.#list = undefined
    const { handler } = subscriber
    if (subscriber.userProperties) {
      ;(this.#withProperties ??= new Set()).add(subscriber)
      this.#newest = subscriber
    }
    this.#all.set(handler && !this.#all.has(handler) ? handler : subscriber, subscriber)
    this.#leaveUnserved(subscriber)
    this.#count(optionsOf(subscriber))
  }

  delete(subscriber: Subscriber): void {
    if (!this.has(subscriber)) return
    this.#all.delete(this.#keyOf(subscriber))
    this.#list = undefined
    this.#withProperties?.delete(subscriber)
    if (this.#newest === subscriber) this.#newest = undefined
    this.#serves(subscriber)
    const alike = this.#alike
    if (!alike) return
    const options = optionsOf(subscriber)
    const count = (alike.get(options) ?? 0) - 1
    if (count > 0) alike.set(options, count)
    else alike.delete(options)
  }

  /** The broker serves these from now on. */
  serve(granted: Qos, these: readonly Subscriber[] = this.unserved): void {
    for (const subscriber of these) if (this.#serves(subscriber)) subscriber.granted(granted)
  }

  /** The broker serves none of them any more: it lost the session. */
  lose(): void {
    for (const subscriber of this.#all.values()) this.#leaveUnserved(subscriber)
  }

  /** Removes and returns the subscribers that the broker does not serve. */
  takeUnserved(): readonly Subscriber[] {
    const { unserved } = this
    for (const subscriber of unserved) this.delete(subscriber)
    return unserved
  }

  /** The request that satisfies all of them. */
  request({ filter, identifier }: Pick<SubscriptionRequest, 'filter' | 'identifier'>): SubscriptionRequest {
    const { userProperties } = this
    if (!this.#alike && this.#common) return { filter, identifier, ...this.#common, userProperties }
    const all = [...(this.#alike?.keys() ?? [])]
    return {
      filter,
      identifier,
      userProperties,
      qos: Math.max(...all.map(({ qos }) => qos)) as Qos,
      noLocal: all.every(({ noLocal }) => noLocal),
      retainAsPublished: all.some(({ retainAsPublished }) => retainAsPublished),
      retainHandling: Math.min(...all.map(({ retainHandling }) => retainHandling)) as 0 | 1 | 2,
    }
  }

  #leaveUnserved(subscriber: Subscriber): void {
    this.#unserved ??= new Set()
    this.#unserved.add(subscriber)
  }

  /** @returns whether it was not served before */
  #serves(subscriber: Subscriber): boolean {
    const wasUnserved = this.#unserved?.delete(subscriber) ?? false
    if (this.#unserved?.size === 0) this.#unserved = undefined
    return wasUnserved
  }

  #count(options: SubscriberOptions): void {
    if (this.#all.size === 1) {
      this.#common = options
      this.#alike = undefined
    } else if (this.#alike) this.#alike.set(options, (this.#alike.get(options) ?? 0) + 1)
    else if (this.#common && this.#common !== options) {
      this.#alike = new Map([
        [this.#common, this.#all.size - 1],
        [options, 1],
      ])
    }
  }

  #keyOf(subscriber: Subscriber): object {
    const { handler } = subscriber
    return handler && this.#all.get(handler) === subscriber ? handler : subscriber
  }
}

/** One object for each combination, of which there are at most 36. */
const combinations = new Map<string, SubscriberOptions>()

/** Returns the same object for equal options. */
function optionsOf(subscriber: SubscriberOptions): SubscriberOptions {
  const key = optionsKey(subscriber)
  const known = combinations.get(key)
  if (known) return known
  const { qos, noLocal, retainAsPublished, retainHandling } = subscriber
  const options = { qos, noLocal, retainAsPublished, retainHandling }
  combinations.set(key, options)
  return options
}

/** Two requests have the same key if they are equal, but for their filters and identifiers. */
export function requestKey(request: Omit<SubscriptionRequest, 'filter' | 'identifier'>): string {
  return optionsKey(request) + userPropertiesKey(request.userProperties)
}

/** Two sets of user properties have the same key if they are equal, and stand in the same order. */
export function userPropertiesKey(userProperties: UserProperties | undefined): string {
  return userProperties ? JSON.stringify(userProperties) : ''
}

/** Two sets of options have the same key if they are equal. */
function optionsKey({ qos, noLocal, retainAsPublished, retainHandling }: SubscriberOptions): string {
  return `${qos} ${noLocal} ${retainAsPublished} ${retainHandling}`
}
