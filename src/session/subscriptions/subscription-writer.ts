import type { SubscriptionsEvent } from '../../../machines/subscriptions.ts'
import { deferred } from '../../shared/wait.ts'
import { inPackets } from '../../wire/filter-packets.ts'
import { filterPacketSize } from '../../wire/packet-size.ts'
import type { SubscriptionRequest } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { Blame } from '../outgoing/blame.ts'
import type { WireClaim } from '../wire-claim.ts'
import { Exchange } from './exchange.ts'
import { beyondLimits, subscribePackets, unavailable, unsubscribePackets } from './limits.ts'
import { requestKey, type Subscriber, userPropertiesKey } from './subscribers.ts'
import type { Suspensions } from './suspensions.ts'
import type { Answer, Unwanted, Wanted } from './wanted.ts'

/** An UNSUBSCRIBE on which the broker closes is left out on at most this many connections in a row. */
const LONGEST_PAUSE = 64

/** The wanted and unwanted subscriptions, by topic filter. */
export interface SubscriptionBook {
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly unwanted: Map<string, Unwanted>
}

export interface SubscriptionWriterOptions {
  readonly suspensions: Suspensions<Wanted>
  /** A SUBSCRIBE is about to be written. @returns for which of the subscribers it is */
  readonly onAsking: (wanted: Wanted) => readonly Subscriber[]
  /** The broker answered, or its limits forbid to ask. */
  readonly onAnswered: (wanted: Wanted, answer: Answer) => void
  /** The same, but more was asked for in the meantime. */
  readonly onOvertaken: (wanted: Wanted, answer: Answer, askedFor: readonly Subscriber[]) => void
  /** Publications have to yield. */
  readonly onClaim: (claim: WireClaim) => void
  /** The counts that `sync.settled` reports. */
  readonly counts: () => Omit<Extract<SubscriptionsEvent, { type: 'sync.settled' }>, 'type'>
}

/** A SUBSCRIBE that has to be the only unanswered packet, after a PINGRESP: see `Suspects`. */
interface Trial {
  /** `preparing` until no publication is unacked and a PINGRESP has arrived; `asked` once the SUBSCRIBE is written. */
  phase: 'preparing' | 'asked'
  /** Resolves when no publication is unacked. */
  readonly quiet: Promise<void>
  readonly onQuiet: () => void
}

/** Reports to the running `sync` actor. */
type Tell = (event: SubscriptionsEvent) => void

/** Writes SUBSCRIBE and UNSUBSCRIBE packets, until the broker holds exactly the wanted subscriptions. */
export class SubscriptionWriter {
  readonly #book: SubscriptionBook
  readonly #options: SubscriptionWriterOptions
  /** The changes since packets were last written. */
  readonly #changed: { wanted?: Set<Wanted>; unwanted?: Set<Unwanted> } = {}
  #link: Link | undefined
  /** Set from the beginning of the restore on this connection. */
  #exchange: Exchange | undefined
  #tell: Tell | undefined
  /** Whether a packet has to wait for the answer to another one with the same filter. */
  #blocked = false
  /** The unanswered packets. */
  #onWire: Set<readonly unknown[]> | undefined
  /** How many connections there have been. */
  #connections = 0
  #trial: Trial | undefined
  /** The claim that was announced last. */
  #claim: WireClaim = 'none'

  constructor(book: SubscriptionBook, options: SubscriptionWriterOptions) {
    this.#book = book
    this.#options = options
  }

  /** How many packets are unanswered. */
  get onWire(): number {
    return this.#onWire?.size ?? 0
  }

  /** How many filters the largest unanswered packet has. */
  get largest(): number {
    return Math.max(0, ...Array.from(this.#onWire ?? [], ({ length }) => length))
  }

  /** Whether a SUBSCRIBE is being tried alone, and no other packet of this writer is unanswered. */
  get isAlone(): boolean {
    return this.#trial?.phase === 'asked' && this.onWire === 1
  }

  attached(link: Link): void {
    this.#link = link
    this.#connections++
  }

  /**
   * The connection ended. An UNSUBSCRIBE that may have caused this can wait: no handler gets the messages of its
   * filter.
   */
  detached(blame: Blame): void {
    this.#link = undefined
    this.#exchange = undefined
    this.#trial = undefined
    this.#blocked = false
    this.#onWire = undefined
    this.#updateClaim()
    if (blame === 'none') return
    for (const unwanted of this.#book.unwanted.values()) {
      if (!unwanted.asked) continue
      unwanted.pause = Math.min(Math.max(1, 2 * unwanted.pause), LONGEST_PAUSE)
      unwanted.askFrom = this.#connections + 1 + unwanted.pause
    }
  }

  /** Notes a subscription to ask for. */
  wants(wanted: Wanted): void {
    ;(this.#changed.wanted ??= new Set()).add(wanted)
  }

  /** Notes a filter to unsubscribe from. */
  leaves(unwanted: Unwanted): void {
    ;(this.#changed.unwanted ??= new Set()).add(unwanted)
  }

  /**
   * Writes the changes since the last time, before the next publication. Nothing is written before the restore has
   * begun. If a packet can't be written yet, the claim is `first`.
   */
  flush(): void {
    const { wanted, unwanted } = this.#changed
    this.#write(wanted ?? [], unwanted ?? [])
    wanted?.clear()
    unwanted?.clear()
    this.#updateClaim()
  }

  /** No publication is unacked. */
  wireIsQuiet(): void {
    this.#trial?.onQuiet()
  }

  /** Begins a round, which writes everything that is missing. @returns ends the round */
  begin(tell: Tell): () => void {
    this.#tell = tell
    this.#blocked = false
    this.#writeAll()
    this.#settle()
    this.#updateClaim()
    return () => {
      if (this.#tell === tell) this.#tell = undefined
      // A SUBSCRIBE that is written stays on trial: if the connection ends now, the broker objects to it.
      if (this.#trial?.phase === 'preparing') this.#endTrial(this.#trial)
    }
  }

  /** The answers to earlier packets are no longer awaited: the next round asks again. */
  askAnew(): void {
    this.#exchange = new Exchange()
    this.#trial = undefined
    for (const wanted of this.#book.wanted.values()) if (wanted.state === 'asked') wanted.state = 'wanted'
    for (const unwanted of this.#book.unwanted.values()) unwanted.asked = false
  }

  #writeAll(): void {
    this.#write(this.#book.wanted.values(), this.#book.unwanted.values())
  }

  /** Writes those that are not asked for yet, except those that have to be sent alone. */
  #write(wanted: Iterable<Wanted>, unwanted: Iterable<Unwanted>): void {
    const link = this.#link
    const exchange = this.#exchange
    if (!link || !exchange) return
    const missing = this.#free(exchange, wanted, (each) => this.#isMissing(each) && !this.#isCareful(each))
    const leaving = this.#free(exchange, unwanted, (each) => this.#isLeaving(each))
    exchange.expect(missing.length)
    for (const batch of this.#batches(missing, link)) this.#await(batch, this.#subscribe(link, batch), batch.length)
    for (const batch of this.#unsubscribeBatches(leaving, link)) this.#await(batch, this.#unsubscribe(link, batch), 0)
  }

  /** Selects those that are due and whose filter is in no unanswered packet. */
  #free<Each extends Wanted | Unwanted>(
    exchange: Exchange,
    all: Iterable<Each>,
    isDue: (each: Each) => boolean,
  ): Each[] {
    return [...all].filter((each) => {
      if (!isDue(each)) return false
      const busy = exchange.isBusy(each)
      this.#blocked ||= busy
      return !busy
    })
  }

  #isLeaving(unwanted: Unwanted): boolean {
    const due = !unwanted.asked && unwanted.askFrom <= this.#connections
    return due && this.#book.unwanted.get(unwanted.filter) === unwanted
  }

  #isMissing(wanted: Wanted): boolean {
    return wanted.state === 'wanted' && this.#book.wanted.get(wanted.filter) === wanted
  }

  /** @param subscriptions - how many of the filters are subscribed to */
  #await(batch: readonly (Wanted | Unwanted)[], answered: Promise<void>, subscriptions: number): void {
    const exchange = this.#exchange
    if (!exchange) return
    exchange.begin(batch)
    answered.then(
      () => {
        exchange.answered(batch, subscriptions)
        if (this.#exchange !== exchange) return
        if (subscriptions > 0) this.#tell?.({ type: 'sync.progress', ...exchange.progress })
        if (this.#blocked) this.#unblock()
        this.#settle()
      },
      // The connection ended, or the broker does not answer. The machine handles both with another round.
      () => {},
    )
  }

  #unblock(): void {
    this.#blocked = false
    this.#writeAll()
    this.#updateClaim()
  }

  /** When all packets are answered: continues with what is left, or reports that nothing is. */
  #settle(): void {
    const exchange = this.#exchange
    const link = this.#link
    if (!link || !exchange?.isOver) return
    const { wanted } = this.#book
    this.#options.suspensions.update(wanted.values())
    this.#writeAll()
    if (!exchange.isOver) return
    const careful = [...wanted.values()].filter((each) => this.#isMissing(each))
    const [batch] = this.#batches(careful, link, this.#options.suspensions.window)
    if (!batch) return this.#tell?.({ type: 'sync.settled', ...this.#options.counts() })
    exchange.expect(batch.length)
    this.#await(batch, this.#try(link, batch), batch.length)
  }

  /**
   * Sends a SUBSCRIBE alone, after a PINGRESP. If the connection is closed now, the broker objects to this SUBSCRIBE.
   */
  async #try(link: Link, batch: readonly Wanted[]): Promise<void> {
    const { promise: quiet, resolve: onQuiet } = deferred<void>()
    const trial: Trial = { phase: 'preparing', quiet, onQuiet }
    this.#trial = trial
    // Announced even if the previous trial had the same claim, so that `wireIsQuiet` is called for this one.
    this.#announce('alone')
    await trial.quiet
    await link.ping()
    const missing = batch.filter((each) => this.#isMissing(each))
    if (this.#trial === trial && missing.length > 0) {
      trial.phase = 'asked'
      await this.#subscribe(link, missing)
    }
    this.#endTrial(trial)
  }

  #endTrial(trial: Trial): void {
    if (this.#trial !== trial) return
    this.#trial = undefined
    this.#updateClaim()
  }

  #updateClaim(): void {
    const unclaimed = this.#blocked ? 'first' : 'none'
    const claim = this.#trial ? 'alone' : unclaimed
    if (claim !== this.#claim) this.#announce(claim)
  }

  #announce(claim: WireClaim): void {
    this.#claim = claim
    this.#options.onClaim(claim)
  }

  #isCareful(wanted: Wanted): boolean {
    return this.#options.suspensions.isCareful(wanted)
  }

  async #subscribe(link: Link, batch: readonly Wanted[]): Promise<void> {
    const [first] = batch
    // A filter beyond the limits is in a batch of its own.
    const refusal = first && batch.length === 1 ? beyondLimits(first, link) : undefined
    if (first && refusal) return this.#options.onAnswered(first, refusal)
    const asked = batch.map((wanted) => {
      const request = nextRequest(wanted)
      const subscribers = this.#options.onAsking(wanted)
      wanted.state = 'asked'
      wanted.known = true
      wanted.repeats = false
      return { wanted, was: wanted.request, request, subscribers }
    })
    const requests = asked.map(({ request }) => request)
    const { granted, reasonString } = await this.#exchanged(batch, link.subscribe(requests))
    for (const [i, { wanted, was, subscribers }] of asked.entries()) {
      this.#options.suspensions.answered(wanted)
      // The application may have changed the request, or unsubscribed, in the meantime.
      const answer = { code: granted[i] ?? 0x80, reasonString }
      if (wanted.state === 'asked' && wanted.request === was) this.#options.onAnswered(wanted, answer)
      else if (this.#isMissing(wanted)) this.#options.onOvertaken(wanted, answer, subscribers)
    }
  }

  async #unsubscribe(link: Link, batch: readonly Unwanted[]): Promise<void> {
    for (const unwanted of batch) unwanted.asked = true
    await this.#exchanged(batch, link.unsubscribe(batch.map(filterOf), batch[0]?.userProperties))
    // In the meantime the application may have subscribed and unsubscribed again.
    for (const unwanted of batch) {
      if (this.#book.unwanted.get(unwanted.filter) !== unwanted) continue
      this.#book.unwanted.delete(unwanted.filter)
      unwanted.gone?.()
    }
  }

  /** A packet is written. @returns the answer */
  async #exchanged<Ack>(batch: readonly unknown[], answer: Promise<Ack>): Promise<Ack> {
    const onWire = (this.#onWire ??= new Set())
    onWire.add(batch)
    const answered = await answer
    onWire.delete(batch)
    this.#options.suspensions.answeredPacket(batch.length)
    return answered
  }

  /**
   * All filters of one batch have the same options. MQTT.js can set options for each filter, but does not allow every
   * filter then. A filter beyond the limits of the broker has a batch of its own.
   */
  #batches(missing: readonly Wanted[], link: Link, most = this.#options.suspensions.batchSize): Wanted[][] {
    const { subscriptionIdentifiersAvailable } = link.limits
    const groups = grouped(missing, (wanted) =>
      unavailable(wanted.filter, link)
        ? wanted.filter
        : `${requestKey(nextRequest(wanted))} ${subscriptionIdentifiersAvailable ? wanted.identifier : ''}`,
    )
    return groups.flatMap((group) => inPackets(subscribePackets(link, group[0]), group, filterOf, most))
  }

  /** User properties with which the packet would be too large are left out: the subscription ends without them as well. */
  #unsubscribeBatches(leaving: readonly Unwanted[], link: Link): Unwanted[][] {
    for (const unwanted of leaving) {
      if (!unwanted.userProperties) continue
      const packets = unsubscribePackets(link, unwanted)
      const size = filterPacketSize(packets, [unwanted.filter])
      if (size > link.limits.maximumPacketSize) unwanted.userProperties = undefined
    }
    const { batchSize } = this.#options.suspensions
    const groups = grouped(leaving, ({ userProperties }) => userPropertiesKey(userProperties))
    return groups.flatMap((group) => inPackets(unsubscribePackets(link, group[0]), group, filterOf, batchSize))
  }
}

/** Puts those together that have the same key. */
function grouped<Each>(all: readonly Each[], keyOf: (each: Each) => string): Each[][] {
  const groups = new Map<string, Each[]>()
  for (const each of all) {
    const key = keyOf(each)
    const group = groups.get(key)
    if (group) group.push(each)
    else groups.set(key, [each])
  }
  return [...groups.values()]
}

/** The request for a filter that the broker holds brings retained messages only if a new subscriber wants them. */
function nextRequest({ request, repeats, subscribers }: Wanted): SubscriptionRequest {
  // A subscriber may have left since the request was made, and its user properties with it.
  const { userProperties } = subscribers
  const current = request.userProperties === userProperties ? request : { ...request, userProperties }
  if (repeats || !subscribers.anyServed) return current
  const joining = subscribers.unserved.map(({ retainHandling }) => retainHandling)
  return { ...current, retainHandling: Math.min(2, ...joining) as 0 | 1 | 2 }
}

function filterOf({ filter }: { readonly filter: string }): string {
  return filter
}
