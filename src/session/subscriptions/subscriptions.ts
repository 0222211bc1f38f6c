import type { Failure } from '../../../machines/failure.ts'
import type { SyncInput, SubscriptionsEvent } from '../../../machines/subscriptions.ts'
import type { Clock } from '../../api/clock.ts'
import { SubscriptionRefusedError, UnsubscribedError } from '../../api/errors.ts'
import type { Qos, UserProperties } from '../../api/message.ts'
import type { QuarantineOptions } from '../../api/options.ts'
import type { SubscriptionsStatus } from '../../api/status.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import { blameOf } from '../outgoing/blame.ts'
import type { WireClaim } from '../wire-claim.ts'
import { FilterGroups } from './filter-groups.ts'
import { RetainedMessages } from './retained-messages.ts'
import { requestKey, Subscribers, type Subscriber } from './subscribers.ts'
import { SubscriptionWriter } from './subscription-writer.ts'
import { type SuspensionEvents, Suspensions } from './suspensions.ts'
import { type Answer, countWanted, isRetryable, type Unwanted, type Wanted, type WantedCounts } from './wanted.ts'

export interface SubscriptionsConfig {
  readonly clock: Clock
  /** The monotonic time of the clock, in milliseconds. */
  readonly time: () => number
  readonly quarantine: QuarantineOptions
  readonly subscriptions: {
    /** How many topic filters go into one packet. If it is `undefined`, that depends on the server. */
    readonly batchSize: number | undefined
    /** Whether a restore is skipped when the broker kept the session. */
    readonly onSessionPresent: 'skip' | 'always'
    /** How often a refused filter is tried again. */
    readonly maxAttempts: number
  }
}

export interface SubscriptionsEvents extends SuspensionEvents {
  /** The broker refused a subscription, and is asked again. */
  subscriptionRefused(filter: string, error: Error): void
  /** The broker granted a subscription that it had refused. */
  subscriptionGranted(filter: string, qos: Qos): void
  /** The broker refused a subscription for good. */
  subscriptionFailed(filter: string, error: Error): void
}

/** The parts of a `sync` actor that its logic needs. */
export interface SyncActor {
  readonly input: SyncInput
  readonly sendBack: (event: SubscriptionsEvent) => void
}

/** The parts of a message by which its subscribers are found. */
type Matchable = Pick<IncomingPublish, 'topic' | 'properties' | 'retain'>

/** What the subscriptions report to their session. */
export interface SubscriptionsPort<S> {
  /** A suspended subscription may be tried again. */
  due(): void
  /** Publications have to yield to this claim. */
  claimed(claim: WireClaim): void
  /** A subscriber was removed: it was unsubscribed, or the broker refused it. */
  removed(subscriber: S): void
}

/** The subscriptions that the application wants and those that the broker holds. They outlive connections. */
export class Subscriptions<S extends Subscriber = Subscriber> {
  readonly #config: SubscriptionsConfig['subscriptions']
  readonly #events: SubscriptionsEvents
  readonly #port: SubscriptionsPort<S>
  readonly #wanted = new Map<string, Wanted>()
  readonly #subscribers = new Set<Subscriber>()
  readonly #unwanted = new Map<string, Unwanted>()
  readonly #groups = new FilterGroups<Wanted>()
  readonly #suspensions: Suspensions<Wanted>
  readonly #retained: RetainedMessages
  readonly #writer: SubscriptionWriter

  constructor(
    { clock, time, quarantine, subscriptions }: SubscriptionsConfig,
    events: SubscriptionsEvents,
    port: SubscriptionsPort<S>,
  ) {
    this.#config = subscriptions
    this.#events = events
    this.#port = port
    const { batchSize } = subscriptions
    this.#suspensions = new Suspensions({ clock, time, quarantine, batchSize, port }, events)
    this.#retained = new RetainedMessages(clock, time)
    this.#writer = new SubscriptionWriter(
      { wanted: this.#wanted, unwanted: this.#unwanted },
      {
        suspensions: this.#suspensions,
        onAsking: (wanted) => this.#asking(wanted),
        onAnswered: (wanted, answer) => this.#answered(wanted, answer),
        onOvertaken: (wanted, { code }, askedFor) => {
          this.#retained.answered(wanted)
          if (code <= 2) wanted.subscribers.serve(code as Qos, askedFor)
        },
        onClaim: (claim) => port.claimed(claim),
        counts: () => this.#counts(),
      },
    )
  }

  attached(link: Link): void {
    this.#suspensions.attached(link.server)
    this.#writer.attached(link)
  }

  /**
   * The connection ended.
   *
   * @param publishesOnWire - whether a publication was unacked
   * @returns whether it ended because of a single subscription, which is now suspended
   */
  detached(failure: Failure | undefined, publishesOnWire: boolean): boolean {
    const { largest } = this.#writer
    const isAlone = this.#writer.isAlone && !publishesOnWire
    this.#writer.detached(blameOf(failure))
    this.#retained.reset(this.#wanted.values())
    const asked = [...this.#wanted.values()].filter(({ state }) => state === 'asked')
    for (const wanted of asked) wanted.state = 'wanted'
    return this.#suspensions.closed({ subscriptions: asked, largest, isAlone }, failure)
  }

  /** How many SUBSCRIBE and UNSUBSCRIBE packets are unanswered on this connection. */
  get onWire(): number {
    return this.#writer.onWire
  }

  /** Called while the claim is `alone`, when no publication is unacked. */
  wireIsQuiet(): void {
    this.#writer.wireIsQuiet()
  }

  /** @returns whether the broker has to be asked */
  add(subscriber: S): boolean {
    const { filter } = subscriber
    const wanted = this.#wanted.get(filter) ?? this.#want(subscriber)
    wanted.subscribers.add(subscriber)
    this.#subscribers.add(subscriber)
    const request = wanted.subscribers.request(wanted)
    const changed = requestKey(request) !== requestKey(wanted.request)
    if (changed) wanted.request = request
    if (wanted.state === 'suspended') return false
    if (changed || wanted.state === 'refused' || this.#bringsRetained(subscriber)) {
      wanted.state = 'wanted'
      wanted.refusals = 0
    }
    if (wanted.state === 'wanted') this.#writer.wants(wanted)
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
    const mustAsk = wanted.subscribers.size === 0 && this.#leave(wanted)
    this.#port.removed(subscriber)
    return mustAsk
  }

  /**
   * Sends an UNSUBSCRIBE for a filter that no subscriber wants, such as one of an earlier process.
   *
   * @param gone - called once when the broker has answered, has lost the session, or a subscriber wants the filter
   * @param userProperties - of the UNSUBSCRIBE, if it is not written yet
   * @returns whether the broker has to be asked
   */
  leave(filter: string, gone: () => void, userProperties?: UserProperties): boolean {
    const known = this.#unwanted.get(filter)
    if (this.#wanted.has(filter)) gone()
    else if (known) {
      const before = known.gone
      known.userProperties = userProperties
      known.gone = () => {
        before?.()
        gone()
      }
    } else this.#unwant(filter, gone, userProperties)
    return this.#unwanted.has(filter)
  }

  /** Writes the changes since the last time: see `SubscriptionWriter.flush`. */
  flush(): void {
    this.#writer.flush()
  }

  /** Tells all subscribers that the client gave up for now. The subscriptions stay wanted. */
  postpone(error: unknown): void {
    for (const { subscribers } of this.#wanted.values()) {
      for (const subscriber of subscribers.list) subscriber.postponed(error)
    }
  }

  /** Rejects all subscribers for good. */
  reject(error: unknown): void {
    this.#suspensions.stop()
    this.#retained.stop()
    for (const { subscribers } of this.#wanted.values()) {
      for (const subscriber of subscribers.list) subscriber.rejected(error)
    }
  }

  /** The subscribers whose filters match a message, each once. */
  match({ topic, properties }: Matchable): readonly S[] {
    const matching = this.#groups.match(topic, properties?.subscriptionIdentifier)
    const [first] = matching
    const subscribers =
      matching.length === 1 && first ? first.subscribers.list : matching.flatMap((each) => each.subscribers.list)
    return subscribers as readonly S[]
  }

  /**
   * The subscribers that have to get a message; `undefined` if no filter matches. Of those that match, some may have got
   * a retained message before. To be called once for each message.
   */
  receivers(message: Matchable): readonly S[] | undefined {
    const { topic, properties, retain } = message
    if (retain) {
      const matching = this.#groups.match(topic, properties?.subscriptionIdentifier)
      return matching.length > 0 ? (this.#retained.receivers(topic, matching) as readonly S[]) : undefined
    }
    const subscribers = this.match(message)
    return subscribers.length > 0 ? subscribers : undefined
  }

  /** The first subscriber to a filter with a handler. */
  withHandler(filter: string, handler: object): S | undefined {
    return this.#wanted.get(filter)?.subscribers.withHandler(handler) as S | undefined
  }

  /** Whether a subscriber is still subscribed. */
  has(subscriber: S): boolean {
    return this.#subscribers.has(subscriber)
  }

  /** Whether there is a subscription with this filter. */
  wants(filter: string): boolean {
    return this.#wanted.has(filter)
  }

  get status(): Omit<SubscriptionsStatus, 'paused'> {
    const { wanted, held, refused, suspended } = this.#counts()
    return { wanted, held, refused, suspended }
  }

  /** The filters of the suspended subscriptions. */
  suspended(): string[] {
    return [...this.#wanted.values()].filter(({ state }) => state === 'suspended').map(({ filter }) => filter)
  }

  /**
   * Runs a `sync` actor: brings the subscriptions of the broker in line with the wanted ones, and reports.
   *
   * @returns stops it
   */
  sync({ input, sendBack }: SyncActor): () => void {
    if (input.restoring) this.#forget(input.sessionPresent)
    if (input.restoring || input.repeating) this.#writer.askAnew()
    for (const wanted of this.#wanted.values()) if (input.retrying && this.#retryable(wanted)) wanted.state = 'wanted'
    return this.#writer.begin(sendBack)
  }

  /** Begins a new connection: the broker's subscriptions are gone, unless it kept the session. */
  #forget(sessionPresent: boolean): void {
    const kept = sessionPresent && this.#config.onSessionPresent === 'skip'
    for (const wanted of this.#wanted.values()) {
      if (!sessionPresent) {
        wanted.known = false
        wanted.subscribers.lose()
      }
      if ((wanted.state === 'held' && kept) || wanted.state === 'suspended') continue
      wanted.repeats = wanted.state === 'held'
      wanted.state = 'wanted'
      wanted.refusals = 0
    }
    if (!sessionPresent) this.#gone()
  }

  /** The broker holds none of the filters that are not wanted. */
  #gone(): void {
    const all = [...this.#unwanted.values()]
    this.#unwanted.clear()
    for (const { gone } of all) gone?.()
  }

  #counts(): WantedCounts {
    return countWanted(this.#wanted, this.#config.maxAttempts)
  }

  #failed(filter: string, subscribers: readonly Subscriber[], error: Error): void {
    for (const subscriber of subscribers) subscriber.rejected(error)
    this.#events.subscriptionFailed(filter, error)
  }

  /** Whether the broker has to send its retained messages again for a subscriber that joins others. */
  #bringsRetained({ filter, retainHandling }: Subscriber): boolean {
    // A shared subscription brings none (MQTT 5 §4.8.2).
    return retainHandling === 0 && !filter.startsWith('$share/')
  }

  #asking(wanted: Wanted): readonly Subscriber[] {
    const { subscribers, repeats } = wanted
    const isForAll = repeats || !subscribers.anyServed
    const askedFor = isForAll ? subscribers.list : subscribers.unserved
    this.#retained.begin(wanted, askedFor, isForAll)
    return askedFor
  }

  #answered(wanted: Wanted, { code, reasonString, limit }: Answer): void {
    this.#retained.answered(wanted)
    // Other codes below 0x80 mean nothing in a SUBACK (MQTT 5 §3.9.3).
    if (code <= 2) {
      wanted.state = 'held'
      wanted.granted = code as Qos
      wanted.refusals = 0
      wanted.subscribers.serve(wanted.granted)
      if (!wanted.wasRefused) return
      wanted.wasRefused = false
      this.#events.subscriptionGranted(wanted.filter, wanted.granted)
      return
    }
    wanted.state = 'refused'
    wanted.wasRefused = true
    wanted.known = wanted.subscribers.anyServed
    wanted.reasonCode = code
    wanted.refusals++
    const error = new SubscriptionRefusedError(wanted.filter, code, { reasonString, limit })
    if (this.#retryable(wanted)) {
      for (const subscriber of wanted.subscribers.list) subscriber.refused?.(code)
      // Unless they have unsubscribed.
      if (wanted.subscribers.size > 0) this.#events.subscriptionRefused(wanted.filter, error)
      return
    }
    if (!this.#fallBack(wanted, error)) this.#failed(wanted.filter, wanted.subscribers.list, error)
  }

  /** New subscribers asked for more than the broker grants. They are rejected, and the earlier ones continue. */
  #fallBack(wanted: Wanted, error: Error): boolean {
    if (!wanted.subscribers.anyServed) return false
    const refused = wanted.subscribers.takeUnserved()
    for (const subscriber of refused) {
      this.#subscribers.delete(subscriber)
      this.#port.removed(subscriber as S)
    }
    wanted.request = wanted.subscribers.request(wanted)
    wanted.state = 'held'
    wanted.refusals = 0
    wanted.wasRefused = false
    this.#failed(wanted.filter, refused, error)
    return true
  }

  #retryable(wanted: Wanted): boolean {
    return isRetryable(wanted, this.#config.maxAttempts)
  }

  /** No subscriber is left. @returns whether the broker has to be asked */
  #leave(wanted: Wanted): boolean {
    this.#suspensions.forget(wanted)
    this.#retained.forget(wanted)
    this.#wanted.delete(wanted.filter)
    this.#groups.remove(wanted)
    if (!wanted.known) return false
    this.#unwant(wanted.filter)
    return true
  }

  #unwant(filter: string, gone?: () => void, userProperties?: UserProperties): void {
    const unwanted = { filter, asked: false, askFrom: 0, pause: 0, gone, userProperties }
    this.#unwanted.set(filter, unwanted)
    this.#writer.leaves(unwanted)
  }

  #want({ filter, qos, noLocal, retainAsPublished, retainHandling, userProperties }: Subscriber): Wanted {
    const identifier = this.#groups.identifierFor(filter)
    const subscribers = new Subscribers()
    const request = { filter, identifier, qos, noLocal, retainAsPublished, retainHandling, userProperties }
    // The filter may have been wanted before, with an UNSUBSCRIBE that is not sent yet.
    this.#unwanted.get(filter)?.gone?.()
    const known = this.#unwanted.delete(filter)
    const answers = { granted: 0, refusals: 0, wasRefused: false, reasonCode: 0, known } as const
    const rest = { toldSuspended: false, suspicion: undefined, repeats: false, retainedUntil: 0 }
    const wanted: Wanted = { filter, identifier, subscribers, request, state: 'wanted', ...answers, ...rest }
    this.#wanted.set(filter, wanted)
    this.#groups.add(wanted)
    return wanted
  }
}
