import { withDefaults } from '../../machines/config.ts'
import type { MessageHandler, SubscribeOptions, Subscription } from '../api/message-options.ts'
import type { Qos } from '../api/message.ts'
import { defaultRetry, defaultSubscribe, type RetryPolicy } from '../config/defaults.ts'
import type { Processing, Receiver } from '../session/incoming/receiver.ts'
import type { MessageTap, Tapped } from '../session/message-tap.ts'
import type { Session } from '../session/session.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { ClientSubscription, LoopSubscription } from './client-subscription.ts'
import { Deliverer } from './deliver.ts'
import { MessageQueue } from './message-queue.ts'
import { PausableHandler } from './pausable-handler.ts'
import { SubscriptionReadiness } from './subscription-readiness.ts'

/** One call of `subscribe`. */
export interface ReceiverCall<Value> {
  readonly session: Session
  readonly filter: string
  /** `undefined` for a loop. */
  readonly handler: MessageHandler<Value> | undefined
  readonly options: SubscribeOptions<Value>
  /** See `Receiver`. */
  readonly isAwaiting: (() => boolean) | undefined
  /** Called with what the handler throws, and with invalid messages if there is no `onInvalid`. */
  readonly report: (error: unknown) => void
}

/** Receives the messages of a topic filter for a handler or for loops. An application may have 100,000 of them. */
export class ClientReceiver<Value> implements Receiver, Tapped {
  readonly filter: string
  readonly handler: MessageHandler<Value> | undefined
  readonly options: SubscribeOptions<Value>
  readonly subscription: Subscription
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly userProperties: SubscribeOptions['userProperties']
  readonly ack: 'on-receipt' | 'after-handler'
  readonly retry: RetryPolicy
  readonly isAwaiting: (() => boolean) | undefined
  readonly pausable: PausableHandler<Value> | MessageQueue<Value>
  readonly #session: Session
  readonly #deliverer: Deliverer<Value>
  readonly #readiness = new SubscriptionReadiness()

  constructor({ session, filter, handler, options, isAwaiting, report }: ReceiverCall<Value>) {
    this.filter = filter
    this.handler = handler
    this.options = options
    this.qos = options.qos ?? defaultSubscribe.qos
    this.noLocal = options.noLocal ?? defaultSubscribe.noLocal
    this.retainAsPublished = options.retainAsPublished ?? defaultSubscribe.retainAsPublished
    this.retainHandling = options.retainHandling ?? defaultSubscribe.retainHandling
    this.userProperties = options.userProperties
    this.ack = options.ack ?? (handler ? 'on-receipt' : 'after-handler')
    this.retry = options.retry ? withDefaults<RetryPolicy>(defaultRetry, options.retry) : defaultRetry
    this.isAwaiting = isAwaiting
    this.#session = session
    if (handler) {
      this.pausable = new PausableHandler(handler, this)
      this.subscription = new ClientSubscription(this)
    } else {
      const queue = new MessageQueue<Value>(options.bufferSize, this.ack === 'after-handler', () => this.unsubscribe())
      this.pausable = queue
      this.subscription = new LoopSubscription(this, queue)
    }
    this.#deliverer = new Deliverer(options, this.pausable, report)
  }

  get tap(): MessageTap | undefined {
    return this.#session.tap
  }

  get ready(): Promise<Qos> {
    return this.#readiness.promise
  }

  get isRefused(): boolean {
    return this.#readiness.isRejected
  }

  get isPaused(): boolean {
    return this.#session.isPaused(this)
  }

  pause(): void {
    this.#session.pause(this)
  }

  resume(): void {
    this.#session.resume(this)
  }

  unsubscribe(): void {
    this.#session.unsubscribe(this)
    this.#closeQueue()
  }

  granted(qos: Qos): void {
    this.#readiness.resolve(qos)
  }

  postponed(error: unknown): void {
    this.#readiness.postpone(error)
  }

  rejected(error: unknown): void {
    this.#readiness.reject(error)
    if (this.handler) return
    // No loop is left to take what a later connection might bring.
    this.#session.forget(this)
    this.#closeQueue()
  }

  deliver(packet: IncomingPublish, session: object): Processing {
    return this.#deliverer.deliver(packet, session)
  }

  #closeQueue(): void {
    if (this.pausable instanceof MessageQueue) this.pausable.close()
  }
}
