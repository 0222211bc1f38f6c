import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import { TopicMatcher } from '../subscriptions/topic-matcher.ts'
import type { HeldMessage } from './held-message.ts'

/** A message that no subscription has matched yet. */
export interface Unclaimed {
  readonly packet: IncomingPublish
  /** Holds the acknowledgement back; `undefined` for QoS 0. */
  readonly message: HeldMessage | undefined
}

export interface UnclaimedMessagesOptions {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** How long they wait, in milliseconds. */
  readonly timeout: number
  /** How many messages may wait. If there are more, the oldest is given up. */
  readonly max: number
  /** A message is given up: no subscription claimed it. */
  readonly onGivenUp: (unclaimed: Unclaimed) => void
}

/**
 * The messages of a kept session that arrive before the application has subscribed. They wait, in order, for a
 * subscription that claims them.
 */
export class UnclaimedMessages {
  readonly #options: UnclaimedMessagesOptions
  readonly #endsAt: number
  /** Filters from which the application unsubscribed since then. Their messages do not wait. */
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

  /** Removes and returns the messages that a subscription matches now, in order. */
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

  /** The connection ended. The timer stops. */
  pause(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** The broker kept the session, and sends its messages of QoS 1 again. For those of QoS 2 it sends only the PUBREL. */
  sentAgain(session: object): void {
    const isSentAgain = ({ packet, message }: Unclaimed) => packet.qos === 1 && message?.session === session
    this.#messages = this.#messages.filter((unclaimed) => !isSentAgain(unclaimed))
  }

  /** A connection is open. */
  resume(): void {
    if (this.#over) return
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
