import type { Failure } from '../../../machines/failure.ts'
import type { Clock } from '../../api/clock.ts'
import { blameOf } from '../outgoing/blame.ts'
import { isAside, isSuspect, type Suspect, Suspects } from '../outgoing/suspects.ts'
import type { QuarantineOptions } from '../../api/options.ts'

export interface SuspensionsOptions {
  /** How many filters go into one SUBSCRIBE. */
  readonly batchSize: number
  readonly clock: Clock
  readonly quarantine: QuarantineOptions
  /** A suspended subscription may be tried again. */
  readonly onDue: () => void
}

export interface SuspensionEvents {
  /** The broker closes the connection on a subscription, so it is left out for so many milliseconds. */
  subscriptionSuspended(filter: string, delay: number): void
  /** The broker answered to one that was suspended. */
  subscriptionResumed(filter: string): void
}

/** What it knows of a subscription. */
export interface Suspendable extends Suspect {
  readonly filter: string
  /** `asked` until the SUBACK; `suspended` while it is left out, because the broker closes the connection on it. */
  state: 'wanted' | 'asked' | 'held' | 'refused' | 'suspended'
  /** Whether the application was told that it is suspended. */
  toldSuspended: boolean
}

/**
 * The subscriptions on which the broker closes the connection. They are left out, so that all else goes on, and asked for
 * again after growing pauses. None is ever given up.
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

  /** How many filters go into one SUBSCRIBE: fewer than was asked for, if the broker closed on so many. */
  get batchSize(): number {
    return this.#batchSize
  }

  /** How many go into one if it is to be alone on the wire. */
  get window(): number {
    return Math.min(this.#batchSize, this.#suspects.window)
  }

  attached(server: string): void {
    this.#suspects.attached(server)
  }

  /** Whether its SUBSCRIBE has to be alone on the wire. */
  isCareful(subscription: Subscription): boolean {
    return this.#suspects.doubt || isSuspect(subscription)
  }

  answered(subscription: Subscription): void {
    this.#suspects.passed(subscription)
    if (subscription.toldSuspended) this.#events.subscriptionResumed(subscription.filter)
    subscription.toldSuspended = false
  }

  /**
   * The connection ended while these were not answered.
   *
   * @param alone - whether their SUBSCRIBE had the wire to itself, after a sign of life
   * @returns whether it is one of them that the broker minds
   */
  closed(unanswered: readonly Subscription[], failure: Failure | undefined, alone: boolean): boolean {
    const blame = blameOf(failure)
    const verdict = this.#suspects.closed(unanswered, blame, alone && unanswered.length === 1)
    const [subscription] = unanswered
    // The broker may mind how many are in one packet, unless it minds a single one.
    if (verdict) this.#batchSize = this.#options.batchSize
    else if (blame !== 'none' && unanswered.length > 1 && unanswered.every(isSuspect)) {
      this.#batchSize = Math.ceil(Math.min(this.#batchSize, unanswered.length) / 4)
    }
    if (subscription && verdict?.kind === 'aside') this.#suspend(subscription, verdict.delay)
    return verdict !== undefined
  }

  /** Suspends what nothing goes through for at all, and makes `wanted` what is due. */
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

  /** It is no longer wanted. */
  forget(subscription: Subscription): void {
    this.#suspects.forget(subscription)
  }

  /** No timer is left. */
  stop(): void {
    this.#suspects.stop()
  }

  #suspend(subscription: Subscription, delay: number): void {
    subscription.state = 'suspended'
    subscription.toldSuspended = true
    this.#events.subscriptionSuspended(subscription.filter, delay)
  }
}
