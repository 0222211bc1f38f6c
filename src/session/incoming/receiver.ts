import type { Subscription } from '../../api/message-options.ts'
import type { RetryPolicy } from '../../config/defaults.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import type { Subscriber } from '../subscriptions/subscribers.ts'

/**
 * Resolves when a message is processed, perhaps with the reason code of its PUBACK in place of 0. It rejects if processing
 * failed. `undefined`, if the message was processed at once.
 */
export type Processing = Promise<number | void> | undefined

/** Receives the messages of a topic filter. */
export interface Receiver extends Subscriber {
  /** When the message is acknowledged: at once, or when the promise of `deliver` has resolved. */
  readonly ack: 'on-receipt' | 'after-handler'
  /** How `deliver` is called again if it fails, with `after-handler`. */
  readonly retry: RetryPolicy
  /** The options and the result of the call of `subscribe`. */
  readonly options: object
  readonly subscription: Subscription
  /** Whether the broker has refused it for good. */
  readonly isRefused: boolean
  /**
   * Of the responses to requests: whether one is awaited. Such a receiver gets its messages on arrival, also while others
   * wait: the handlers that keep them waiting may wait for the response. `undefined` for others.
   */
  readonly isAwaiting?: (() => boolean) | undefined
  readonly pausable: Pausable
  /**
   * Never throws.
   *
   * @param session - identifies the broker's session that the message came from
   */
  deliver(packet: IncomingPublish, session: object): Processing
}

/** Hands the messages of a receiver to the application, and holds them while its subscription is paused. */
export interface Pausable {
  /** Whether it holds messages that arrive now, so that they count as unprocessed also with `ack: 'on-receipt'`. */
  readonly isHolding: boolean
  /** How many messages the application has yet to get. */
  readonly held: number
  pause(): void
  /** Hands over what it holds, and what comes from now on. */
  resume(): void
  /**
   * The broker has kept a session, and sends its unacked messages of QoS 1 again: those that are held are dropped. For
   * those of QoS 2 it sends only the PUBREL. Of those of an earlier session, ours is the only copy.
   */
  sentAgain(session: object): void
  /** The subscription has ended. */
  drop(): void
}
