import type { RetryPolicy } from '../../config/defaults.ts'
import type { Subscriber } from '../subscriptions/subscribers.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
/** Gets the messages of a filter. */
export interface Receiver extends Subscriber {
  /** When the broker gets its acknowledgement: at once, or when what `deliver` returned has resolved. */
  readonly ack: 'on-receipt' | 'after-handler'
  /** How `deliver` is called again with `after-handler`. */
  readonly retry: RetryPolicy
  /** Never throws. What it returns resolves when the message is processed, and rejects if it could not be. */
  deliver(packet: IncomingPublish): Promise<void> | undefined
}
