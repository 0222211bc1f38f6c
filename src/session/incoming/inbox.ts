import type { InboxStatus } from '../../api/status.ts'
import { EndOfTurn } from '../../shared/end-of-turn.ts'
import { nothing } from '../../shared/nothing.ts'
import { soon } from '../../shared/soon.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { Subscriptions } from '../subscriptions/subscriptions.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { FailedCalls } from './failed-calls.ts'
import { HeldMessage } from './held-message.ts'
import type { InboxConfig, InboxEvents } from './inbox-config.ts'
import type { Pauses } from './pauses.ts'
import type { Processing, Receiver } from './receiver.ts'
import { Requesters } from './requesters.ts'
import type { Call, FailedCall } from './retries.ts'
import { type Unclaimed, UnclaimedMessages } from './unclaimed.ts'
import { Unprocessed } from './unprocessed.ts'
import { WaitingMessages } from './waiting.ts'

/** Delivers messages to their receivers, and holds acknowledgements back until the receivers are done. */
export class Inbox {
  readonly #config: InboxConfig
  readonly #events: InboxEvents
  readonly #subscriptions: Subscriptions<Receiver>
  readonly #acknowledgements: Acknowledgements
  readonly #failedCalls: FailedCalls
  readonly unprocessed: Unprocessed
  readonly #waiting: WaitingMessages
  readonly #requesters = new Requesters()
  /** Whether the link was asked to stop reading. */
  #isReadingPaused = false
  #isProceeding = false
  readonly #exactlyOnce = new ExactlyOnce()
  /** Identifies the broker's session: a new object for each. */
  #session: object = {}
  #link: Link | undefined
  #connections = 0
  /** Set if the first connection found a kept session. */
  #unclaimed: UnclaimedMessages | undefined
  /** Subscriptions that are added in one turn share the messages that several of them match. */
  readonly #claims = new EndOfTurn(() => this.#claim())
  #anyUnclaimed = false

  constructor(config: InboxConfig, events: InboxEvents, subscriptions: Subscriptions<Receiver>, pauses: Pauses) {
    this.#config = config
    this.#events = events
    this.#subscriptions = subscriptions
    this.#failedCalls = new FailedCalls({
      config,
      events,
      link: () => this.#link,
      session: () => this.#session,
      isSubscribed: (receiver) => subscriptions.has(receiver),
      done: (message, reasonCode) => this.#done(message, reasonCode),
      callAgain: (call, delay) => this.#retry(call, delay),
    })
    this.#waiting = new WaitingMessages(config.inbox)
    this.unprocessed = new Unprocessed(config.inbox, pauses, () => this.#proceed())
    this.#acknowledgements = new Acknowledgements({
      config,
      events,
      onDue: ({ packet, reasonCode }) => {
        if (packet.qos === 2) this.#exactlyOnce.completed(packet.packetId)
        this.#link?.acknowledge(packet, reasonCode)
        this.#proceed()
      },
    })
  }

  get status(): InboxStatus {
    const { size: heldBack, since: heldBackSince } = this.#acknowledgements
    const { count: unprocessed, bytes: unprocessedBytes, isPaused: paused } = this.unprocessed
    const { size: waiting, dropped } = this.#waiting
    const unclaimed = this.#unclaimed?.size ?? 0
    return { heldBack, heldBackSince, unclaimed, unprocessed, unprocessedBytes, waiting, dropped, paused }
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#isReadingPaused = false
    this.#anyUnclaimed = false
    // The acknowledgements of the last connection are lost: the broker sends their messages again.
    this.#acknowledgements.clear()
    if (sessionPresent) {
      this.#waiting.sentAgain(this.#session)
      this.unprocessed.sentAgain(this.#session)
      this.#unclaimed?.sentAgain(this.#session)
    } else {
      this.#exactlyOnce.clear()
      this.#session = {}
    }
    this.#failedCalls.attached(sessionPresent)
    // Messages wait only after the first connection. By the next ones the application has subscribed to what it wants.
    if (++this.#connections > 1) this.#unclaimed?.resume()
    else if (sessionPresent) this.#unclaimed = this.#waitForClaims()
    this.#proceed()
  }

  detached(): void {
    this.#link = undefined
    this.#failedCalls.detached()
    this.#acknowledgements.clear()
    this.#unclaimed?.pause()
    // Later, because handlers may use the connection, which has not ended for all parts of the session.
    if (this.#waiting.size > 0) soon(() => this.#proceed())
  }

  /** The client is disposed of. The messages that wait are not handed over any more. */
  stop(): void {
    this.#waiting.clear()
  }

  /** The client has published something. */
  published(): void {
    this.#acknowledgements.published()
  }

  /** A subscription was added. It claims the messages that it matches. */
  added(receiver: Receiver): void {
    this.#requesters.add(receiver)
    this.#unclaimed?.wanted(receiver.filter)
    if (this.#unclaimed?.size) this.#claims.schedule()
  }

  /** A subscription ended. */
  removed(receiver: Receiver): void {
    this.#requesters.delete(receiver)
    this.unprocessed.release(receiver)
    this.#failedCalls.removed(receiver)
    // Later, because other handlers must not be called from within an `unsubscribe()`.
    if (this.#waiting.size > 0) soon(() => this.#proceed())
    if (!this.#subscriptions.wants(receiver.filter)) this.#unclaimed?.unwanted(receiver.filter)
  }

  /** Whether the response to a request is awaited. */
  get isAwaitingResponse(): boolean {
    return this.#requesters.areAwaiting
  }

  /** PUBLISH arrived. @returns whether its PUBACK is held back */
  received(packet: IncomingPublish): boolean {
    if (packet.qos < 2) return this.#accept(packet)
    this.#exactlyOnce.received(packet)
    return false
  }

  /** PUBREL arrived. @returns whether the PUBCOMP is held back */
  released(packetId: number): boolean {
    const packet = this.#exactlyOnce.packet(packetId)
    if (!packet) return false
    const earlier = this.#exactlyOnce.earlier(packetId)
    const isHeldBack = earlier ? this.#processAgain(earlier, packet) : this.#accept(packet)
    if (!isHeldBack) this.#exactlyOnce.completed(packetId)
    return isHeldBack
  }

  /** @returns whether the acknowledgement is held back */
  #accept(packet: IncomingPublish): boolean {
    const isLate = this.#waiting.size > 0 || this.#isFull
    if (isLate && !this.#isResponse(packet)) return this.#wait(packet)
    const held = isLate ? undefined : this.#process(packet)
    if (packet.qos === 0 || (!held?.pending && this.#acknowledgements.size === 0)) return false
    const message = held ?? new HeldMessage(packet, this.#link, this.#session)
    this.#exactlyOnce.released(message)
    return this.#hold(message)
  }

  /** Hands a message to the requests that wait for it. @returns whether it is for no other receivers */
  #isResponse(packet: IncomingPublish): boolean {
    const receivers = this.#subscriptions.match(packet)
    const requesters = this.#requesters.among(receivers)
    this.#deliver(packet, requesters)
    return requesters.length > 0 && requesters.length === receivers.length
  }

  /** @param waited - whether the message waited: requests had it on arrival then */
  #process(packet: IncomingPublish, held?: HeldMessage, waited = false): HeldMessage | undefined {
    this.#claims.flush()
    const receivers = this.#subscriptions.receivers(packet)
    if (!receivers) return this.#unmatched(packet, held)
    return this.#deliver(packet, waited ? this.#requesters.leaveOut(receivers) : receivers, held)
  }

  /**
   * Whether handlers have as much as they may have. MQTT 3.1.1 has no Receive Maximum that would limit the unacked
   * messages, and mosquitto 2.0.11 exceeds that of MQTT 5. Without a connection, none can be acknowledged, and most of them
   * will be sent again.
   */
  get #isFull(): boolean {
    if (this.unprocessed.isPaused) return true
    const link = this.#link
    if (!link) return this.#waiting.first?.message !== undefined
    // Handlers may also have messages of an earlier connection, which are not acknowledged on this one.
    const unacked = this.#acknowledgements.size - this.#waiting.acknowledged
    return Math.max(unacked, this.unprocessed.unacked) >= link.receiveMaximum
  }

  /** @returns whether the acknowledgement is held back */
  #wait(packet: IncomingPublish): boolean {
    const message = packet.qos > 0 ? new HeldMessage(packet, this.#link, this.#session) : undefined
    if (message) {
      message.pending++
      this.#exactlyOnce.released(message)
    }
    this.#waiting.add(packet, message)
    this.#updateReading()
    return message ? this.#hold(message) : false
  }

  /** Processes the messages that wait, as far as possible. A nested call leaves that to the outer one. */
  #proceed(): void {
    if (this.#isProceeding || this.#waiting.size === 0) return
    this.#isProceeding = true
    while (!this.#isFull) {
      const next = this.#waiting.shift()
      if (!next) break
      this.#process(next.packet, next.message, true)
      if (next.message) this.#done(next.message)
    }
    this.#isProceeding = false
    this.#updateReading()
  }

  #updateReading(): void {
    const { isTooMuch } = this.#waiting
    if (isTooMuch === this.#isReadingPaused) return
    this.#isReadingPaused = isTooMuch
    if (isTooMuch) this.#link?.pauseReading()
    else this.#link?.resumeReading()
  }

  /**
   * The message came on an earlier connection. Receivers that have processed it must not get it again (MQTT 5 §4.3.3).
   */
  #processAgain(earlier: HeldMessage, packet: IncomingPublish): boolean {
    this.#claims.flush()
    const { isUnmatched } = earlier
    const receivers = earlier.failed.filter((receiver) => this.#subscriptions.has(receiver))
    earlier.packet = packet
    earlier.link = this.#link
    earlier.failed = []
    earlier.isUnmatched = false
    if (isUnmatched) this.#process(packet, earlier)
    else this.#deliver(packet, receivers, earlier)
    return earlier.pending > 0 || this.#acknowledgements.size > 0 ? this.#hold(earlier) : false
  }

  /** @returns true: the acknowledgement is held back */
  #hold(message: HeldMessage): true {
    // A handler may have ended the connection, and the acknowledgements with it.
    if (message.link === this.#link) this.#acknowledgements.add(message)
    return true
  }

  /** @returns the held message, if a receiver has yet to process it */
  #deliver(packet: IncomingPublish, receivers: readonly Receiver[], held?: HeldMessage): HeldMessage | undefined {
    const link = this.#link
    let message = held
    let isProcessed = false
    for (const receiver of receivers) {
      // A handler may have ended another subscription.
      if (receivers.length > 1 && !this.#subscriptions.has(receiver)) continue
      const processed = receiver.deliver(packet, held?.session ?? this.#session)
      isProcessed ||= !processed || receiver.ack === 'on-receipt'
      if (!processed || (receiver.ack === 'on-receipt' && !receiver.pausable.isHolding)) continue
      if (packet.qos > 0 && receiver.ack === 'after-handler') {
        message ??= new HeldMessage(packet, link, this.#session)
        message.pending++
        this.#await(processed, { message, receiver, calls: 1, delay: undefined })
      } else {
        const settled = this.#count(receiver, packet)
        processed.then(settled, settled)
      }
    }
    if (message && isProcessed) message.reasonCode = 0
    return message
  }

  #await(processed: NonNullable<Processing>, call: Call): void {
    const settled = this.#count(call.receiver, call.message.packet)
    processed.then(
      (reasonCode) => {
        settled()
        this.#done(call.message, reasonCode ?? 0)
      },
      (error: unknown) => {
        settled()
        this.#failedCalls.failed({ ...call, error })
      },
    )
  }

  /** Counts a message as not processed. @returns to be called when it is, or when that has failed */
  #count(receiver: Receiver, packet: IncomingPublish): () => void {
    // A handler may have ended its own subscription.
    return this.#subscriptions.has(receiver) ? this.unprocessed.add(receiver, packet) : nothing
  }

  /** @param reasonCode - 0 if a receiver has processed it, or the one that it answers with, such as that of its refusal */
  #done(message: HeldMessage, reasonCode?: number): void {
    if (reasonCode === 0) message.reasonCode = 0
    else message.reasonCode ??= reasonCode
    message.pending--
    this.#acknowledgements.flush()
  }

  #retry({ message, receiver, calls }: FailedCall, delay: number): void {
    const processed = receiver.deliver(message.packet, message.session)
    if (processed) this.#await(processed, { message, receiver, calls: calls + 1, delay })
    else this.#done(message, 0)
  }

  #unmatched(packet: IncomingPublish, held?: HeldMessage): HeldMessage | undefined {
    const processed = this.#config.deliverUnmatched?.(packet)
    if (this.#config.deliverUnmatched && !processed) return held
    const unclaimed = this.#unclaimed?.holds(packet.topic) ? this.#unclaimed : undefined
    if (!processed && !unclaimed) {
      this.#tellUnclaimed(packet)
      return held
    }
    const message = held ?? (packet.qos > 0 ? new HeldMessage(packet, this.#link, this.#session) : undefined)
    if (message) message.pending++
    if (!processed) unclaimed?.add({ packet, message })
    else if (message) {
      void processed.then(
        (reasonCode) => this.#done(message, reasonCode ?? 0),
        (error: unknown) => this.#failedCalls.unmatchedFailed(message, error),
      )
    }
    return message
  }

  #waitForClaims(): UnclaimedMessages | undefined {
    const { clock, now, inbox, deliverUnmatched } = this.#config
    const { claimTimeout: timeout, maxUnclaimed: max } = inbox
    if (deliverUnmatched || timeout === 0 || max === 0) return undefined
    return new UnclaimedMessages({ clock, now, timeout, max, onGivenUp: (unclaimed) => this.#giveUp(unclaimed) })
  }

  #claim(): void {
    const claimed = this.#unclaimed?.take((packet) => this.#subscriptions.match(packet).length > 0) ?? []
    for (const { packet, message } of claimed) {
      this.#deliver(packet, this.#subscriptions.receivers(packet) ?? [], message)
      if (message) this.#done(message)
    }
  }

  #giveUp({ packet, message }: Unclaimed): void {
    this.#tellUnclaimed(packet)
    if (message) this.#done(message)
  }

  #tellUnclaimed(packet: IncomingPublish): void {
    this.#events.unclaimed(packet, !this.#anyUnclaimed)
    this.#anyUnclaimed = true
  }
}
