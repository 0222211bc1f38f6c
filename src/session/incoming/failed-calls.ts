import { MessageRefusedError } from '../../api/errors.ts'
import type { FailedMessage } from '../../api/events.ts'
import { soon } from '../../shared/soon.ts'
import { type Link, NORMAL_DISCONNECTION } from '../link.ts'
import type { HeldMessage } from './held-message.ts'
import type { InboxConfig, InboxEvents } from './inbox-config.ts'
import type { Receiver } from './receiver.ts'
import { type FailedCall, Retries } from './retries.ts'

export interface FailedCallsPort {
  readonly config: Pick<InboxConfig, 'clock' | 'random' | 'keepsSession'>
  readonly events: Pick<InboxEvents, 'messageFailed'>
  /** The open connection. */
  link(): Link | undefined
  /** Identifies the broker's session. */
  session(): object
  isSubscribed(receiver: Receiver): boolean
  /** A receiver is done with a message. @param reasonCode - of its refusal */
  done(message: HeldMessage, reasonCode?: number): void
  /** Calls the receiver again. @param delay - how long it waited for that, in milliseconds */
  callAgain(call: FailedCall, delay: number): void
}

/** Decides what happens to messages that receivers could not process. */
export class FailedCalls {
  readonly #port: FailedCallsPort
  readonly #retries: Retries
  /**
   * The calls that failed after the connection ended, or were ended by that. If the broker keeps the session, it sends
   * their messages again.
   */
  #parked: FailedCall[] = []

  constructor(port: FailedCallsPort) {
    this.#port = port
    this.#retries = new Retries(port.config.clock, port.config.random)
  }

  attached(sessionPresent: boolean): void {
    const parked = this.#parked
    this.#parked = []
    // Reported later, because a listener may end the connection.
    if (!sessionPresent) for (const call of parked) soon(() => this.#lost(call))
  }

  detached(): void {
    for (const call of this.#retries.end()) this.#park(call)
  }

  /** A subscription ended. */
  removed(receiver: Receiver): void {
    for (const { message } of this.#retries.end(receiver)) this.#port.done(message)
  }

  failed(call: FailedCall): void {
    const { message, receiver, calls, error } = call
    const port = this.#port
    const link = port.link()
    if (message.session !== port.session()) return this.#lost(call)
    const isOpen = message.link !== undefined && message.link === link
    const refusal = refusalOf(error)
    // Of QoS 2, the broker sends only the PUBREL again: the refusal holds, as a success would.
    if (refusal !== undefined && (isOpen || message.packet.qos === 2)) {
      this.#tell(call, 'refused')
      return port.done(message, refusal)
    }
    if (!isOpen) return this.#park(call)
    // After an unsubscribe, no receiver is left for the message.
    if (!port.isSubscribed(receiver)) return port.done(message)
    if (calls <= receiver.retry.maxAttempts) {
      return this.#retries.schedule(call, (delay) => port.callAgain(call, delay))
    }
    const outcome = receiver.retry.whenExhausted ?? (port.config.keepsSession() ? 'reconnect' : 'acknowledge')
    this.#tell(call, outcome)
    if (outcome === 'acknowledge') return port.done(message)
    this.#park(call)
    message.link?.fail({ kind: 'unprocessed' }, NORMAL_DISCONNECTION)
  }

  /** A message that no subscription matches could not be processed: no receiver could get it again on this connection. */
  unmatchedFailed(message: HeldMessage, error: unknown): void {
    const port = this.#port
    const refusal = refusalOf(error)
    if (refusal !== undefined || !port.config.keepsSession()) return port.done(message, refusal)
    message.pending--
    message.isUnmatched = true
    if (message.link === port.link()) message.link?.fail({ kind: 'unprocessed' }, NORMAL_DISCONNECTION)
  }

  /** The receiver gets the message again when the broker sends it again. */
  #park(call: FailedCall): void {
    const { message, receiver } = call
    message.pending--
    message.failed.push(receiver)
    // If a later connection is open, the broker has sent it again or is about to.
    if (!this.#port.link()) this.#parked.push(call)
  }

  /** The broker lost the session, and the message with it. */
  #lost(call: FailedCall): void {
    if (refusalOf(call.error) !== undefined) this.#tell(call, 'refused')
    else if (this.#port.isSubscribed(call.receiver)) this.#tell(call, 'lost')
  }

  #tell({ message, receiver, calls: attempts, error }: FailedCall, outcome: FailedMessage['outcome']): void {
    const { topic, qos } = message.packet
    const failed = { topic, qos: qos as 1 | 2, filter: receiver.filter, attempts, error, outcome }
    this.#port.events.messageFailed(failed)
  }
}

/** The reason code with which a handler refused the message. */
function refusalOf(error: unknown): number | undefined {
  return error instanceof MessageRefusedError ? error.reasonCode : undefined
}
