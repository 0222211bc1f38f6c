import type { MessageHandler } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import type { Pausable, Receiver } from '../session/incoming/receiver.ts'
import type { Tapped } from '../session/message-tap.ts'
import { soon } from '../shared/soon.ts'
import { handOver } from './tapped.ts'

/** A message that waits for the handler. */
interface Held {
  readonly isQos1: boolean
  /** Identifies the broker's session that it came from. */
  readonly session: object
  /** Calls the handler. */
  readonly handOver: () => void
  readonly drop: () => void
}

/** The subscription that a handler belongs to. */
type HandlerOwner = Pick<Receiver, 'ack'> & Tapped

/** Calls the handler of a subscription. While the subscription is paused, it holds the messages. */
export class PausableHandler<Value> implements Pausable {
  readonly #handler: MessageHandler<Value>
  readonly #receiver: HandlerOwner
  #isPaused = false
  #isDropped = false
  #held: Held[] = []

  constructor(handler: MessageHandler<Value>, receiver: HandlerOwner) {
    this.#handler = handler
    this.#receiver = receiver
  }

  get isHolding(): boolean {
    return this.#isPaused || this.#held.length > 0
  }

  get held(): number {
    return this.#held.length
  }

  /** @returns what the handler returns. For a message that is held, a promise of that */
  handle(message: Message<Value>, session: object): unknown {
    if (this.#isDropped) return undefined
    return this.isHolding ? this.#hold(message, session) : this.#call(message)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    // Later, because a handler must not be called from within `resume()`, which may be a call of its own.
    if (this.#held.length > 0) soon(() => this.#handOver())
  }

  sentAgain(session: object): void {
    if (this.#receiver.ack === 'on-receipt') return
    const isSentAgain = (held: Held) => held.isQos1 && held.session === session
    for (const { drop } of this.#held.filter(isSentAgain)) drop()
    this.#held = this.#held.filter((held) => !isSentAgain(held))
  }

  drop(): void {
    this.#isDropped = true
    for (const { drop } of this.#held.splice(0)) drop()
  }

  #call(message: Message<Value>): unknown {
    return handOver(message, this.#handler, this.#receiver)
  }

  #hold(message: Message<Value>, session: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#held.push({
        isQos1: message.qos === 1,
        session,
        handOver: () => {
          try {
            resolve(this.#call(message))
          } catch (error) {
            reject(error)
          }
        },
        drop: () => resolve(undefined),
      })
    })
  }

  /** The handler may pause the subscription again. */
  #handOver(): void {
    while (!this.#isPaused) {
      const next = this.#held.shift()
      if (!next) return
      next.handOver()
    }
  }
}
