import type { Receiver } from './receiver.ts'
import type { FailedMessage, Stall } from '../../api/events.ts'
import type { InboxOptions } from '../../api/options.ts'
import type { InboxStatus } from '../../api/status.ts'
import { EndOfTurn } from '../../shared/end-of-turn.ts'
import type { Clock } from '../../api/clock.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { HeldMessage } from './held-message.ts'
import type { Link } from '../link.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import { type Call, type FailedCall, Retries } from './retries.ts'
import type { Subscriptions } from '../subscriptions/subscriptions.ts'
import { type Unclaimed, UnclaimedMessages } from './unclaimed.ts'

export interface InboxConfig {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random: () => number
  readonly inbox: Required<InboxOptions>
  /** Takes the messages that no subscription matches, if the application wants them. Never throws. */
  readonly deliverUnmatched: ((packet: IncomingPublish) => unknown) | undefined
  /** Whether the broker keeps our session over a reconnect; known from the first connection on. */
  readonly keepsSession: () => boolean
}

export interface InboxEvents {
  /** No subscription matches a message. @param isFirst - whether it is the first on this connection */
  unclaimed(packet: IncomingPublish, isFirst: boolean): void
  /** A handler could not process a message, however often it was called. */
  messageFailed(failed: FailedMessage): void
  /** The acknowledgements that are held back have not moved for `stallAfter`. */
  acknowledgementsStalled(stall: Stall): void
}

/** Brings messages to their receivers, and holds acknowledgements back until those are done. */
export class Inbox {
  readonly #config: InboxConfig
  readonly #events: InboxEvents
  readonly #subscriptions: Subscriptions<Receiver>
  readonly #acknowledgements: Acknowledgements
  readonly #retries: Retries
  /** QoS 2 messages whose PUBCOMP is held back, by packet id: after a reconnect the broker releases them once more. */
  readonly #unreleased = new Map<number, HeldMessage>()
  /** Failed since the connection ended, or then: the broker sends their messages again if it keeps the session. */
  #parked: FailedCall[] = []
  /** Is another object for each session at the broker. */
  #session: object = {}
  #link: Link | undefined
  #connections = 0
  /** Once the first connection found a session that the broker kept. */
  #unclaimed: UnclaimedMessages | undefined
  /** Subscriptions that are added in one turn share what they all match. */
  readonly #claims = new EndOfTurn(() => this.#claim())
  #anyUnclaimed = false

  constructor(config: InboxConfig, events: InboxEvents, subscriptions: Subscriptions<Receiver>) {
    this.#config = config
    this.#events = events
    this.#subscriptions = subscriptions
    const { clock, now, random } = config
    this.#retries = new Retries(clock, random)
    this.#acknowledgements = new Acknowledgements({
      clock,
      now,
      stallAfter: config.inbox.stallAfter,
      onStalled: (stall) => events.acknowledgementsStalled(stall),
      onDue: ({ packet }) => {
        if (packet.qos === 2) this.#unreleased.delete(packet.packetId)
        this.#link?.acknowledge(packet)
      },
    })
  }

  get status(): InboxStatus {
    const { size: heldBack, since: heldBackSince } = this.#acknowledgements
    return { heldBack, heldBackSince, unclaimed: this.#unclaimed?.size ?? 0 }
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#anyUnclaimed = false
    // Those of the connection before are lost with it: the broker sends their messages again.
    this.#acknowledgements.clear()
    const parked = this.#parked
    this.#parked = []
    if (!sessionPresent) {
      this.#unreleased.clear()
      this.#session = {}
      // Not from within: a listener may end the connection.
      for (const call of parked) queueMicrotask(() => this.#lost(call))
    }
    // Only at first: later on the application has subscribed to what it wants.
    if (++this.#connections > 1) this.#unclaimed?.resume(sessionPresent)
    else if (sessionPresent) this.#unclaimed = this.#waitForClaims()
  }

  detached(): void {
    this.#link = undefined
    for (const call of this.#retries.end()) this.#park(call)
    this.#acknowledgements.clear()
    this.#unclaimed?.pause()
  }

  /** A subscription was added: it gets what waited for one. */
  added({ filter }: Receiver): void {
    this.#unclaimed?.wanted(filter)
    if (this.#unclaimed?.size) this.#claims.schedule()
  }

  /** A subscription ended. */
  removed(receiver: Receiver): void {
    for (const { message } of this.#retries.end(receiver)) this.#done(message)
    if (!this.#subscriptions.wants(receiver.filter)) this.#unclaimed?.unwanted(receiver.filter)
  }

  /** @returns whether its acknowledgement is held back */
  received(packet: IncomingPublish): boolean {
    this.#claims.flush()
    const earlier = packet.qos === 2 ? this.#unreleased.get(packet.packetId) : undefined
    if (earlier) return this.#receivedAgain(earlier, packet)
    const receivers = this.#match(packet)
    const held = receivers.length === 0 ? this.#unmatched(packet) : this.#deliver(packet, receivers)
    if (packet.qos === 0 || (!held?.pending && this.#acknowledgements.size === 0)) return false
    const message = held ?? this.#createHeld(packet, this.#link)
    if (packet.qos === 2) this.#unreleased.set(packet.packetId, message)
    return this.#hold(message)
  }

  /** It came on an earlier connection: exactly once means not again to those who have processed it (MQTT 5 §4.3.3). */
  #receivedAgain(earlier: HeldMessage, packet: IncomingPublish): boolean {
    // A second PUBREL on one connection is answered with the first.
    if (earlier.link === this.#link) return true
    const receivers = earlier.failed.filter((receiver) => this.#subscriptions.has(receiver))
    earlier.packet = packet
    earlier.link = this.#link
    earlier.failed = []
    this.#deliver(packet, receivers, earlier)
    if (earlier.pending === 0 && this.#acknowledgements.size === 0) return !this.#unreleased.delete(packet.packetId)
    return this.#hold(earlier)
  }

  /** @returns that its acknowledgement is held back */
  #hold(message: HeldMessage): true {
    // A handler may have ended the connection, and its acknowledgements with it.
    if (message.link === this.#link) this.#acknowledgements.add(message)
    return true
  }

  #createHeld(packet: IncomingPublish, link: Link | undefined): HeldMessage {
    return new HeldMessage(packet, link, this.#session)
  }

  #match({ topic, properties }: IncomingPublish): readonly Receiver[] {
    return this.#subscriptions.match(topic, properties?.subscriptionIdentifier)
  }

  /** @returns what has to be processed before it is acknowledged, if anything */
  #deliver(packet: IncomingPublish, receivers: readonly Receiver[], held?: HeldMessage): HeldMessage | undefined {
    const link = this.#link
    let message = held
    for (const receiver of receivers) {
      // A handler may end the subscription of another.
      if (receivers.length > 1 && !this.#subscriptions.has(receiver)) continue
      const processed = receiver.deliver(packet)
      if (!processed || receiver.ack === 'on-receipt' || packet.qos === 0) continue
      message ??= this.#createHeld(packet, link)
      message.pending++
      this.#await(processed, { message, receiver, calls: 1, delay: undefined })
    }
    return message
  }

  #await(processed: Promise<void>, call: Call): void {
    processed.then(
      () => this.#done(call.message),
      (error: unknown) => this.#failed({ ...call, error }),
    )
  }

  #done(message: HeldMessage): void {
    message.pending--
    this.#acknowledgements.flush()
  }

  #failed(call: FailedCall): void {
    const { message, receiver, calls } = call
    const link = this.#link
    if (message.session !== this.#session) return this.#lost(call)
    if (!link || message.link !== link) return this.#park(call)
    // After an unsubscribe there is no one left to process it.
    if (!this.#subscriptions.has(receiver)) return this.#done(message)
    if (calls <= receiver.retry.maxAttempts) return this.#retries.schedule(call, (delay) => this.#retry(call, delay))
    const outcome = receiver.retry.whenExhausted ?? (this.#config.keepsSession() ? 'reconnect' : 'acknowledge')
    this.#tellFailed(call, outcome)
    if (outcome === 'acknowledge') return this.#done(message)
    this.#park(call)
    link.fail({ kind: 'unprocessed' }, NORMAL_DISCONNECTION)
  }

  /** It gets the message again when the broker sends it again. */
  #park(call: FailedCall): void {
    const { message, receiver } = call
    message.pending--
    message.failed.push(receiver)
    // On a later connection the broker has sent it again, or is about to.
    if (!this.#link) this.#parked.push(call)
  }

  /** The broker lost the session, and the message with it. */
  #lost(call: FailedCall): void {
    if (this.#subscriptions.has(call.receiver)) this.#tellFailed(call, 'lost')
  }

  #tellFailed({ message, receiver, calls: attempts, error }: FailedCall, outcome: FailedMessage['outcome']): void {
    const { topic, qos } = message.packet
    this.#events.messageFailed({ topic, qos: qos as 1 | 2, filter: receiver.filter, attempts, error, outcome })
  }

  #retry({ message, receiver, calls }: FailedCall, delay: number): void {
    const processed = receiver.deliver(message.packet)
    if (processed) this.#await(processed, { message, receiver, calls: calls + 1, delay })
    else this.#done(message)
  }

  #unmatched(packet: IncomingPublish): HeldMessage | undefined {
    const { deliverUnmatched } = this.#config
    if (deliverUnmatched) deliverUnmatched(packet)
    else if (!this.#unclaimed?.holds(packet.topic)) this.#tellUnclaimed(packet)
    else {
      const message = packet.qos > 0 ? this.#createHeld(packet, this.#link) : undefined
      if (message) message.pending++
      this.#unclaimed.add({ packet, message })
      return message
    }
    return undefined
  }

  #waitForClaims(): UnclaimedMessages | undefined {
    const { clock, now, inbox, deliverUnmatched } = this.#config
    const { claimTimeout: timeout, maxUnclaimed: max } = inbox
    if (deliverUnmatched || timeout === 0 || max === 0) return undefined
    return new UnclaimedMessages({ clock, now, timeout, max, onGivenUp: (unclaimed) => this.#giveUp(unclaimed) })
  }

  #claim(): void {
    const claimed = this.#unclaimed?.take((packet) => this.#match(packet).length > 0) ?? []
    for (const { packet, message } of claimed) {
      this.#deliver(packet, this.#match(packet), message)
      if (message) this.#done(message)
    }
  }

  #giveUp({ packet, message }: Unclaimed): void {
    this.#tellUnclaimed(packet)
    if (message) this.#done(message)
  }

  #tellUnclaimed(packet: IncomingPublish): void {
    const isFirst = !this.#anyUnclaimed
    this.#anyUnclaimed = true
    this.#events.unclaimed(packet, isFirst)
  }
}

/** Of our DISCONNECT: the broker discards our will, and keeps the session. */
const NORMAL_DISCONNECTION = 0
