import type { Clock } from '../../api/clock.ts'
import type { FailedMessage, SlowConsumer, Stall } from '../../api/events.ts'
import type { InboxOptions } from '../../api/options.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import type { Processing } from './receiver.ts'

export interface InboxConfig {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** The monotonic time of the clock, in milliseconds. */
  readonly time: () => number
  /** From 0 to 1. */
  readonly random: () => number
  readonly inbox: Required<InboxOptions>
  /**
   * Called with each message that no subscription matches, if the application wants them. Never throws. The message is
   * acknowledged at once, or when the promise has resolved. If it rejects, that is as with a handler that is not called again.
   */
  readonly deliverUnmatched: ((packet: IncomingPublish) => Processing) | undefined
  /** Whether the broker keeps our session between connections. Called only after the first connection. */
  readonly keepsSession: () => boolean
}

export interface InboxEvents {
  /** No subscription matches a message. @param isFirst - whether it is the first on this connection */
  unclaimed(packet: IncomingPublish, isFirst: boolean): void
  /** A handler could not process a message, in all of its calls. */
  messageFailed(failed: FailedMessage): void
  /** The acknowledgements that are held back have not moved for `stallAfter`. */
  acknowledgementsStalled(stall: Stall): void
  /** The broker waits for each acknowledgement before it sends the next message, and handlers are slow. */
  slowConsumer(slow: SlowConsumer): void
}
