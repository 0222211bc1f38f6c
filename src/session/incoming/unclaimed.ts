import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { HeldMessage } from './held-message.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import { TopicMatcher } from '../subscriptions/topic-matcher.ts'

/** A message that no subscription matches so far. */
export interface Unclaimed {
  readonly packet: IncomingPublish
  /** Its acknowledgement, which is held back; QoS 0 has none. */
  readonly message: HeldMessage | undefined
}

export interface UnclaimedMessagesOptions {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** How long they wait, in milliseconds. */
  readonly timeout: number
  /** How many wait; beyond it the oldest is given up. */
  readonly max: number
  /** It waits no longer, and no subscription took it. */
  readonly onGivenUp: (unclaimed: Unclaimed) => void
}

/**
 * Messages of a session that the broker kept, which come before the application has subscribed. They wait, in their
 * order, for a subscription that claims them.
 */
export class UnclaimedMessages {
  readonly #options: UnclaimedMessagesOptions
  readonly #endsAt: number
  /** Filters that were unsubscribed from since: what comes by them is not wanted. */
  readonly #unwanted = new TopicMatcher<string>()
  #messages: Unclaimed[] = []
  #timer: unknown
  #over = false

  constructor(options: UnclaimedMessagesOptions) {
    this.#options = options
    this.#endsAt = options.now() + options.timeout
    this.resume()
  }

  get size(): number {
    return this.#messages.length
  }

  /** Whether a message to that topic waits for a claim. */
  holds(topic: string): boolean {
    return !this.#over && this.#unwanted.match(topic).length === 0
  }

  add(unclaimed: Unclaimed): void {
    this.#messages.push(unclaimed)
    const { max, onGivenUp } = this.#options
    const oldest = this.#messages.length > max ? this.#messages.shift() : undefined
    if (oldest) onGivenUp(oldest)
  }

  /** Takes out those that a subscription matches now, in their order. */
  take(matches: (packet: IncomingPublish) => boolean): Unclaimed[] {
    const taken = this.#messages.filter(({ packet }) => matches(packet))
    if (taken.length > 0) this.#messages = this.#messages.filter((each) => !taken.includes(each))
    return taken
  }

  wanted(filter: string): void {
    this.#unwanted.remove(filter, filter)
  }

  unwanted(filter: string): void {
    if (this.#over) return
    this.#unwanted.add(filter, filter)
    this.#giveUp(this.take(({ topic }) => !this.holds(topic)))
  }

  /** The connection ended: no timer runs without one. */
  pause(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** There is a connection. @param sentAgain - whether the broker sends again what was not acknowledged */
  resume(sentAgain = false): void {
    if (this.#over) return
    // Those of QoS 2 come by a PUBREL, which is not a message: they stay.
    if (sentAgain) this.#messages = this.#messages.filter(({ packet }) => packet.qos !== 1)
    const { clock, now, timeout } = this.#options
    const delay = clampDelay(Math.min(this.#endsAt - now(), timeout))
    this.#timer = clock.setTimeout(() => this.#end(), delay)
  }

  #end(): void {
    this.#over = true
    this.#giveUp(this.take(() => true))
  }

  #giveUp(messages: readonly Unclaimed[]): void {
    for (const unclaimed of messages) this.#options.onGivenUp(unclaimed)
  }
}
