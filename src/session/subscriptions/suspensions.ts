import type { Failure } from '../../../machines/failure.ts'
import type { Clock } from '../../api/clock.ts'
import type { QuarantineOptions } from '../../api/options.ts'
import { blameOf } from '../outgoing/blame.ts'
import { isAside, isSuspect, type Suspect, Suspects } from '../outgoing/suspects.ts'

export interface SuspensionsOptions {
  /** How many filters go into one SUBSCRIBE. */
  readonly batchSize: number
  readonly clock: Clock
  readonly quarantine: QuarantineOptions
  /** A suspended subscription may be tried again. */
  readonly onDue: () => void
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

/**
 * Suspends the subscriptions on which the broker closes the connection: they are left out, so that everything else
 * works, and tried again after growing pauses. None is ever given up.
 */
export class Suspensions<Subscription extends Suspendable> {
  readonly #options: SuspensionsOptions
  readonly #events: SuspensionEvents
  readonly #suspects: Suspects<Subscription>
  #batchSize: number

  constructor(options: SuspensionsOptions, events: SuspensionEvents) {
    this.#options = options
    this.#events = events
    this.#batchSize = options.batchSize
    const quarantine = { ...options.quarantine, after: Number.POSITIVE_INFINITY }
    this.#suspects = new Suspects(options.clock, quarantine, () => options.onDue())
  }

  /**
   * How many filters go into one SUBSCRIBE. Fewer than configured, if the broker closed the connection on larger
   * packets.
   */
  get batchSize(): number {
    return this.#batchSize
  }

  /** How many filters go into a SUBSCRIBE that is sent alone. */
  get window(): number {
    return Math.min(this.#batchSize, this.#suspects.window)
  }

  attached(server: string): void {
    this.#suspects.attached(server)
  }

  /** Whether the SUBSCRIBE has to be sent alone. */
  isCareful(subscription: Subscription): boolean {
    return this.#suspects.doubt || isSuspect(subscription)
  }

  answered(subscription: Subscription): void {
    this.#suspects.passed(subscription)
    if (subscription.toldSuspended) this.#events.subscriptionResumed(subscription.filter)
    subscription.toldSuspended = false
  }

  /**
   * The connection ended while these subscriptions were unanswered.
   *
   * @param alone - whether their SUBSCRIBE was the only unanswered packet, after a PINGRESP
   * @returns whether the broker objects to one of them
   */
  closed(unanswered: readonly Subscription[], failure: Failure | undefined, alone: boolean): boolean {
    const blame = blameOf(failure)
    const verdict = this.#suspects.closed(unanswered, blame, alone && unanswered.length === 1)
    const [subscription] = unanswered
    // Unless the broker objects to a single one, it may object to the number of filters in one packet.
    if (verdict) this.#batchSize = this.#options.batchSize
    else if (blame !== 'none' && unanswered.length > 1 && unanswered.every(isSuspect)) {
      this.#batchSize = Math.ceil(Math.min(this.#batchSize, unanswered.length) / 4)
    }
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
