import type { AnyEventObject, CallbackLogicFunction } from 'xstate'

import type { SyncInput, SubscriptionsEvent } from '../../machines/subscriptions.ts'
import type { Failure } from '../../machines/failure.ts'
import { PoisonPacketError, SubscriptionRefusedError, UnsubscribedError } from '../errors.ts'
import type { Qos } from '../types.ts'
import { accuse, blameOf, isPoison, isSuspect, type Suspect } from './blame.ts'
import { FilterGroups } from './filter-groups.ts'
import { filterPacketSize, inPackets, type FilterPackets } from './filter-packets.ts'
import type { Link, SubscriptionRequest } from './link.ts'
import { optionsKey, Subscribers, type Subscriber } from './subscribers.ts'

/** All that is wanted of one topic filter: one SUBSCRIBE, whatever the number of subscribers. */
interface Wanted extends Suspect {
  readonly filter: string
  readonly identifier: number
  readonly subscribers: Subscribers
  request: SubscriptionRequest
  /** `asked` until the SUBACK. */
  state: 'wanted' | 'asked' | 'held' | 'refused'
  granted: Qos
  /** How often in a row the broker refused it. */
  refusals: number
  reasonCode: number
  /** Whether the broker may hold it, whatever is asked for now. */
  known: boolean
}

export interface SubscriptionsOptions {
  /** How many filters go into one SUBSCRIBE. */
  readonly batchSize: number
  /** Whether a restore is skipped when the broker kept the session. */
  readonly onSessionPresent: 'skip' | 'always'
  /** How often a refused filter is tried again. */
  readonly maxAttempts: number
  /** Whether a publish is under way: then a SUBSCRIBE is not the only one that the broker may mind. */
  readonly othersOnWire: () => boolean
  /** A subscription is left to the user: refused for good, or poison. */
  readonly onFailed: (filter: string, error: Error) => void
}

/** Codes that will not change by asking again: filter invalid, packet too large, shared or wildcard subscriptions not supported. */
const PERMANENT = new Set([0x8f, 0x95, 0x9e, 0xa1, 0xa2])

/** The SUBSCRIBE for it would be larger than the broker takes. */
const PACKET_TOO_LARGE = 0x95

/** What is wanted of the broker, and what it holds. It outlives connections. */
export class Subscriptions<S extends Subscriber = Subscriber> {
  readonly #options: SubscriptionsOptions
  readonly #wanted = new Map<string, Wanted>()
  readonly #subscribers = new Set<Subscriber>()
  /** Held by the broker, and no longer wanted. */
  readonly #unwanted = new Set<string>()
  readonly #groups = new FilterGroups<Wanted>()
  #link: Link | undefined
  /** How many SUBSCRIBE and UNSUBSCRIBE packets are under way. */
  #onWire = 0

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  attached(link: Link): void {
    this.#link = link
    // Not before: `Session` asks for it after a connection ended.
    this.#onWire = 0
  }

  detached(link: Link, failure: Failure | undefined): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#blame(failure)
  }

  get onWire(): number {
    return this.#onWire
  }

  /** @returns whether the broker has to be asked */
  add(subscriber: S): boolean {
    const { filter } = subscriber
    const wanted = this.#wanted.get(filter) ?? this.#want(subscriber)
    wanted.subscribers.add(subscriber)
    this.#subscribers.add(subscriber)
    const request = wanted.subscribers.request(wanted)
    const changed = optionsKey(request) !== optionsKey(wanted.request)
    if (changed) wanted.request = request
    if (changed || wanted.state === 'refused') {
      wanted.state = 'wanted'
      wanted.refusals = 0
    }
    if (wanted.state !== 'held') return true
    wanted.subscribers.serve(wanted.granted)
    return false
  }

  /** @returns whether the broker has to be asked */
  remove(subscriber: S): boolean {
    const wanted = this.#wanted.get(subscriber.filter)
    if (!wanted || !this.#subscribers.delete(subscriber)) return false
    wanted.subscribers.delete(subscriber)
    subscriber.rejected(new UnsubscribedError(subscriber.filter))
    if (wanted.subscribers.size > 0) return false
    this.#wanted.delete(wanted.filter)
    this.#groups.remove(wanted)
    if (!wanted.known) return false
    this.#unwanted.add(wanted.filter)
    return true
  }

  /** Rejects whatever waits for the broker's answer. */
  reject(error: unknown): void {
    for (const { subscribers } of this.#wanted.values()) {
      for (const subscriber of subscribers.list) subscriber.rejected(error)
    }
  }

  /**
   * Each subscriber whose filter matches, once.
   *
   * @param identifiers - the Subscription Identifiers that came with the message
   */
  match(topic: string, identifiers?: number | readonly number[]): readonly S[] {
    const matching = this.#groups.match(topic, identifiers)
    const [first] = matching
    const subscribers =
      matching.length === 1 && first ? first.subscribers.list : matching.flatMap((each) => each.subscribers.list)
    return subscribers as readonly S[]
  }

  /** Whether it has not ended. */
  has(subscriber: S): boolean {
    return this.#subscribers.has(subscriber)
  }

  counts() {
    let held = 0
    let refused = 0
    let retryable = 0
    for (const wanted of this.#wanted.values()) {
      if (wanted.state === 'held') held++
      if (wanted.state !== 'refused') continue
      refused++
      if (this.#retryable(wanted)) retryable++
    }
    return { wanted: this.#wanted.size, held, refused, retryable }
  }

  /** What a `sync` actor does: it brings what is wanted and what the broker holds together, and reports. */
  readonly sync: CallbackLogicFunction<AnyEventObject, AnyEventObject, SyncInput> = ({ input, sendBack }) => {
    let stopped = false
    const tell = (event: SubscriptionsEvent) => {
      if (!stopped) sendBack(event)
    }
    if (input.restoring) this.#forget(input.sessionPresent)
    for (const wanted of this.#wanted.values()) if (input.retrying && this.#retryable(wanted)) wanted.state = 'wanted'
    void this.#bringTogether(tell, () => stopped)
    return () => {
      stopped = true
    }
  }

  /** A new connection: what the broker held is gone, unless it kept the session. */
  #forget(sessionPresent: boolean): void {
    const kept = sessionPresent && this.#options.onSessionPresent === 'skip'
    for (const wanted of this.#wanted.values()) {
      if (!sessionPresent) {
        wanted.known = false
        wanted.subscribers.lose()
      }
      if (wanted.state === 'held' && kept) continue
      wanted.state = 'wanted'
      wanted.refusals = 0
    }
    if (!sessionPresent) this.#unwanted.clear()
  }

  async #bringTogether(tell: (event: SubscriptionsEvent) => void, stopped: () => boolean): Promise<void> {
    const link = this.#link
    if (!link) return
    while (!stopped()) {
      const missing = [...this.#wanted.values()].filter(({ state }) => state === 'wanted' || state === 'asked')
      const unwanted = [...this.#unwanted]
      if (missing.length === 0 && unwanted.length === 0) break
      let done = 0
      const subscribe = async (batch: readonly Wanted[]) => {
        await this.#subscribe(link, batch)
        done += batch.length
        tell({ type: 'sync.progress', done, total: missing.length })
      }
      try {
        await Promise.all([
          ...this.#batches(
            missing.filter((wanted) => !isSuspect(wanted)),
            link,
          ).map(subscribe),
          ...inPackets({ kind: 'unsubscribe', link }, unwanted, String, this.#options.batchSize).map((batch) =>
            this.#unsubscribe(link, batch),
          ),
        ])
        // Each alone, and after a sign of life: a connection that is closed then tells which of them it is.
        for (const suspect of missing.filter(isSuspect)) {
          await link.ping()
          await subscribe([suspect])
        }
      } catch {
        // The connection ended, or the broker does not answer: the machine knows, and a later round begins anew.
        return
      }
    }
    tell({ type: 'sync.settled', ...this.counts() })
  }

  async #subscribe(link: Link, batch: readonly Wanted[]): Promise<void> {
    const requests = batch.map(({ request }) => request)
    const [first] = batch
    // Only a single filter can be: then it is alone.
    if (first && batch.length === 1 && isTooLarge(first, link)) return this.#answered(first, PACKET_TOO_LARGE)
    for (const wanted of batch) {
      wanted.state = 'asked'
      wanted.known = true
    }
    this.#onWire++
    const codes = await link.subscribe(requests)
    this.#onWire--
    for (const [i, wanted] of batch.entries()) {
      accuse(wanted, 'none', false)
      // Meanwhile somebody may have asked for more, or for nothing.
      if (wanted.state === 'asked' && wanted.request === requests[i]) this.#answered(wanted, codes[i] ?? 0x80)
    }
  }

  async #unsubscribe(link: Link, filters: readonly string[]): Promise<void> {
    this.#onWire++
    await link.unsubscribe(filters)
    this.#onWire--
    for (const filter of filters) this.#unwanted.delete(filter)
  }

  /** Finds the filter that the broker closes on: see `Session`, which does the same for publishes. */
  #blame(failure: Failure | undefined): void {
    const blame = blameOf(failure)
    const asked = [...this.#wanted.values()].filter(({ state }) => state === 'asked')
    const alone = asked.length === 1 && this.#onWire === 1 && !this.#options.othersOnWire()
    for (const wanted of asked) {
      accuse(wanted, blame, alone)
      if (alone && isPoison(wanted, blame)) this.#quarantine(wanted)
    }
  }

  #quarantine(wanted: Wanted): void {
    this.#wanted.delete(wanted.filter)
    this.#groups.remove(wanted)
    this.#failed(wanted.filter, wanted.subscribers.list, new PoisonPacketError('subscribe', wanted.filter))
  }

  #failed(filter: string, subscribers: readonly Subscriber[], error: Error): void {
    for (const subscriber of subscribers) subscriber.rejected(error)
    this.#options.onFailed(filter, error)
  }

  #answered(wanted: Wanted, code: number): void {
    if (code < 0x80) {
      wanted.state = 'held'
      wanted.granted = code as Qos
      wanted.refusals = 0
      wanted.subscribers.serve(wanted.granted)
      return
    }
    wanted.state = 'refused'
    wanted.known = wanted.subscribers.anyServed
    wanted.reasonCode = code
    wanted.refusals++
    if (this.#retryable(wanted)) return
    const error = new SubscriptionRefusedError(wanted.filter, code)
    if (!this.#fallBack(wanted, error)) this.#failed(wanted.filter, wanted.subscribers.list, error)
  }

  /** Somebody asked for more than the broker grants: those whom it served before go on without them. */
  #fallBack(wanted: Wanted, error: Error): boolean {
    if (!wanted.subscribers.anyServed) return false
    const refused = wanted.subscribers.takeUnserved()
    for (const subscriber of refused) this.#subscribers.delete(subscriber)
    wanted.request = wanted.subscribers.request(wanted)
    wanted.state = 'held'
    wanted.refusals = 0
    this.#failed(wanted.filter, refused, error)
    return true
  }

  /** Filters of one batch share their options: MQTT.js takes either that, or options by filter but not every filter. */
  #batches(missing: readonly Wanted[], link: Link): Wanted[][] {
    const alike = new Map<string, Wanted[]>()
    for (const wanted of missing) {
      const options = `${optionsKey(wanted.request)} ${link.limits.subscriptionIdentifiers ? wanted.identifier : ''}`
      const group = alike.get(options)
      if (group) group.push(wanted)
      else alike.set(options, [wanted])
    }
    return [...alike.values()].flatMap((group) =>
      inPackets(subscribePackets(link, group[0]), group, filterOf, this.#options.batchSize),
    )
  }

  #retryable({ state, refusals, reasonCode }: Wanted): boolean {
    return state === 'refused' && refusals <= this.#options.maxAttempts && !PERMANENT.has(reasonCode)
  }

  #want({ filter, qos, noLocal, retainAsPublished, retainHandling }: Subscriber): Wanted {
    const identifier = this.#groups.identifierFor(filter)
    const subscribers = new Subscribers()
    const request = { filter, identifier, qos, noLocal, retainAsPublished, retainHandling }
    // It may have been wanted before, and the broker not been told that it no longer is.
    const known = this.#unwanted.delete(filter)
    const fresh = { granted: 0, refusals: 0, reasonCode: 0, known, suspicions: 0, accusations: 0 } as const
    const wanted: Wanted = { filter, identifier, subscribers, request, state: 'wanted', ...fresh }
    this.#wanted.set(filter, wanted)
    this.#groups.add(wanted)
    return wanted
  }
}

function filterOf({ filter }: { readonly filter: string }): string {
  return filter
}

function subscribePackets(link: Link, wanted: Wanted | undefined): FilterPackets {
  return { kind: 'subscribe', link, ...(wanted && { identifier: wanted.identifier }) }
}

function isTooLarge(wanted: Wanted, link: Link): boolean {
  return filterPacketSize(subscribePackets(link, wanted), [wanted.filter]) > link.limits.maximumPacketSize
}
