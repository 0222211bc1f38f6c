import type { BackoffPolicy } from '../../../machines/policy/backoff.ts'
import type { Subscriber } from '../subscriptions/subscribers.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
/** How a handler that failed is called again. */
export interface RetryPolicy extends BackoffPolicy {
  /** How often it is called again. */
  readonly maxAttempts: number
  /** What becomes of the message then; `undefined` if that depends on the session. */
  readonly whenExhausted: 'acknowledge' | 'reconnect' | undefined
}

/** Gets the messages of a filter. */
export interface Receiver extends Subscriber {
  /** When the broker gets its acknowledgement: at once, or when what `deliver` returned has resolved. */
  readonly ack: 'on-receipt' | 'after-handler'
  /** How `deliver` is called again with `after-handler`. */
  readonly retry: RetryPolicy
  /** Never throws. What it returns resolves when the message is processed, and rejects if it could not be. */
  deliver(packet: IncomingPublish): Promise<void> | undefined
}
