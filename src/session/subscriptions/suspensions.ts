import type { Failure } from '../../../machines/failure.ts'
import type { Clock } from '../../api/clock.ts'
import type { QuarantineOptions } from '../../api/options.ts'
import { blameOf } from '../outgoing/blame.ts'
import { isAside, isSuspect, type Suspect, Suspects } from '../outgoing/suspects.ts'
import { BatchSizes, type BatchSizesOptions } from './batch-sizes.ts'

export interface SuspensionsOptions extends BatchSizesOptions {
  readonly clock: Clock
  readonly quarantine: QuarantineOptions
  readonly port: {
    /** A suspended subscription may be tried again. */
    due(): void
  }
}

export interface SuspensionEvents {
  /** A subscription is left out for `delay` milliseconds, because the broker closes the connection on it. */
  subscriptionSuspended(filter: string, delay: number): void
  /** The broker answered a subscription that was suspended. */
  subscriptionResumed(filter: string): void
}

/** A subscription, as far as suspensions are concerned. */
export interface Suspendable extends Suspect {
  readonly filter: string
  /** `asked` until the SUBACK; `suspended` while it is left out, because the broker closes the connection on it. */
  state: 'wanted' | 'asked' | 'held' | 'refused' | 'suspended'
  /** Whether the suspension was reported to the application. */
  toldSuspended: boolean
}

/** What was unanswered when a connection ended. */
export interface Unanswered<Subscription> {
  readonly subscriptions: readonly Subscription[]
  /** How many filters the largest packet has. */
  readonly largest: number
  /** Whether the SUBSCRIBE was the only unanswered packet, after a PINGRESP. */
  readonly isAlone: boolean
}

/**
 * Suspends the subscriptions on which the broker closes the connection: they are left out, so that everything else
 * works, and tried again after growing pauses. None is ever given up.
 */
export class Suspensions<Subscription extends Suspendable> {
  readonly #sizes: BatchSizes
  readonly #events: SuspensionEvents
  readonly #suspects: Suspects<Subscription>

  constructor(options: SuspensionsOptions, events: SuspensionEvents) {
    this.#events = events
    this.#sizes = new BatchSizes(options)
    const quarantine = { ...options.quarantine, after: Number.POSITIVE_INFINITY }
    this.#suspects = new Suspects(options.clock, quarantine, () => options.port.due())
  }

  /** How many filters go into one SUBSCRIBE or UNSUBSCRIBE. */
  get batchSize(): number {
    return this.#sizes.size
  }

  /**
   * How many filters go into a SUBSCRIBE that is sent alone. As long as the number of filters may be the cause of the
   * last close, no single filter is looked for.
   */
  get window(): number {
    const { size, isBlamed } = this.#sizes
    return isBlamed ? size : Math.min(size, this.#suspects.window)
  }

  attached(server: string): void {
    this.#sizes.attached(server)
    this.#suspects.attached(server)
  }

  /** Whether the SUBSCRIBE has to be sent alone. */
  isCareful(subscription: Subscription): boolean {
    return this.#suspects.doubt || isSuspect(subscription)
  }

  /** The broker answered a packet with that many filters. */
  answeredPacket(filters: number): void {
    this.#sizes.answered(filters)
  }

  answered(subscription: Subscription): void {
    this.#suspects.passed(subscription)
    if (subscription.toldSuspended) this.#events.subscriptionResumed(subscription.filter)
    subscription.toldSuspended = false
  }

  /** The connection ended. @returns whether the broker objects to one of the unanswered subscriptions */
  closed({ subscriptions, largest, isAlone }: Unanswered<Subscription>, failure: Failure | undefined): boolean {
    const blame = blameOf(failure)
    const verdict = this.#suspects.closed(subscriptions, blame, isAlone && subscriptions.length === 1)
    const [subscription] = subscriptions
    // Unless the broker objects to a single one, it may object to the number of filters in one packet.
    if (verdict) this.#sizes.exonerate()
    else if (blame !== 'none') this.#sizes.closed(largest)
    if (subscription && verdict?.kind === 'aside') this.#suspend(subscription, verdict.delay)
    return verdict !== undefined
  }

  /** Suspends all of them while none succeeds, and sets those that are due to `wanted`. */
  update(subscriptions: Iterable<Subscription>): void {
    const { resting, rest } = this.#suspects
    const missing = [...subscriptions].filter(({ state }) => state !== 'held' && state !== 'refused')
    const due = this.#suspects.takeDue(missing.some((subscription) => !isAside(subscription)))
    for (const subscription of missing) {
      if (subscription.state === 'suspended') {
        if (subscription === due || (!resting && !isAside(subscription))) subscription.state = 'wanted'
      } else if (resting) this.#suspend(subscription, rest)
    }
  }

  /** A subscription is no longer wanted. */
  forget(subscription: Subscription): void {
    this.#suspects.forget(subscription)
  }

  /** Clears all timers. */
  stop(): void {
    this.#suspects.stop()
  }

  #suspend(subscription: Subscription, delay: number): void {
    subscription.state = 'suspended'
    subscription.toldSuspended = true
    this.#events.subscriptionSuspended(subscription.filter, delay)
  }
}
