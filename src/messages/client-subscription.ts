import type { IterableSubscription, Subscription } from '../api/message-options.ts'
import type { Message, Qos } from '../api/message.ts'
import type { Tapped } from '../session/message-tap.ts'
import type { MessageQueue } from './message-queue.ts'
import { tappedLoop } from './tapped.ts'

/** What a subscription controls. */
interface Subscribed extends Pick<Subscription, 'filter' | 'ready' | 'isPaused'>, Pick<Tapped, 'tap'> {
  pause(): void
  resume(): void
  unsubscribe(): void
}

/** The result of `subscribe` with a handler. */
export class ClientSubscription implements Subscription {
  readonly filter: string
  // Functions of the object, not methods: applications hand them on, such as `onCleanup(subscription.unsubscribe)`.
  readonly unsubscribe: () => void
  readonly pause: () => void
  readonly resume: () => void
  readonly #subscribed: Subscribed

  constructor(subscribed: Subscribed) {
    this.filter = subscribed.filter
    this.unsubscribe = () => subscribed.unsubscribe()
    this.pause = () => subscribed.pause()
    this.resume = () => subscribed.resume()
    this.#subscribed = subscribed
  }

  get ready(): Promise<Qos> {
    return this.#subscribed.ready
  }

  get isPaused(): boolean {
    return this.#subscribed.isPaused
  }
}

/** The result of `subscribe` without a handler. */
export class LoopSubscription<Value> extends ClientSubscription implements IterableSubscription<Value> {
  readonly #receiver: Subscribed
  readonly #queue: MessageQueue<Value>

  constructor(subscribed: Subscribed, queue: MessageQueue<Value>) {
    super(subscribed)
    this.#receiver = subscribed
    this.#queue = queue
  }

  get dropped(): number {
    return this.#queue.dropped
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<Value>, undefined> {
    return tappedLoop(this.#queue.iterate(), this.#receiver)
  }
}
