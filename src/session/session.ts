import type { Failure } from '../../machines/failure.ts'
import type { UserProperties } from '../api/message.ts'
import type { BrokerStatus } from '../api/status.ts'
import { EndOfTurn } from '../shared/end-of-turn.ts'
import type { Ack, IncomingPublish } from '../wire/packets.ts'
import { type Announce, Announcement } from './announcement.ts'
import { Inbox } from './incoming/inbox.ts'
import { Pauses } from './incoming/pauses.ts'
import type { Receiver } from './incoming/receiver.ts'
import { TrafficWatch } from './incoming/traffic-watch.ts'
import { LinkTraffic } from './link-traffic.ts'
import type { Link, LinkEvents, PacketIdSource } from './link.ts'
import type { MessageTap, TapSlot } from './message-tap.ts'
import type { Publication } from './outgoing/publication.ts'
import type { Quarantine } from './outgoing/quarantine.ts'
import { Sender } from './outgoing/sender.ts'
import { PeriodicRequests } from './periodic-requests.ts'
import type { SessionConfig, SessionEvents } from './session-config.ts'
import { type SessionFigures, SessionStatus } from './session-status.ts'
import { SessionWatch } from './session-watch.ts'
import { Subscriptions, type SyncActor } from './subscriptions/subscriptions.ts'

/** The two ends of a connection, as far as others have to know them. */
export interface Peer extends Pick<Link, 'server' | 'clientId'> {
  /** What CONNECT asked for, in milliseconds (MQTT 5). */
  readonly sessionExpiry: number
}

/**
 * Owns what outlives a connection: the publications that are not acknowledged, the messages that are not processed, the
 * wanted subscriptions, and the periodic requests. Each new connection attaches its link.
 *
 * The parts do not know each other. The session passes on what one has to know of another: publications yield to what
 * the subscriptions claim, and a closed connection is blamed on one packet only if that packet was alone.
 */
export class Session implements LinkEvents, TapSlot {
  readonly periodic = new PeriodicRequests()
  readonly now: () => number
  tap: MessageTap | undefined = undefined
  /** Whether durable publications can be accepted: there is a journal. */
  readonly acceptsDurable: boolean
  /** Each property is computed when it is read. */
  readonly status: SessionFigures
  readonly #events: SessionEvents
  readonly #sender: Sender
  readonly #pauses = new Pauses()
  readonly #bytes = new LinkTraffic()
  readonly #inbox: Inbox
  readonly #watch: SessionWatch
  /** Only if the application expects messages all the time. */
  readonly #traffic: TrafficWatch | undefined
  readonly #subscriptions: Subscriptions<Receiver>
  #link: Link | undefined
  #sessionPresent = false
  #announcement: Announcement | undefined
  #protocolVersion: Link['protocolVersion'] | undefined
  #broker: BrokerStatus | undefined
  #peer: Peer | undefined
  /** Writes the changes of the subscriptions at the end of the turn, so that many calls share few packets. */
  readonly #changes = new EndOfTurn(() => {
    this.#subscriptions.flush()
    this.#events.wantedChanged()
  })

  constructor(config: SessionConfig, events: SessionEvents) {
    this.now = config.now
    this.#events = events
    this.acceptsDurable = config.journal !== undefined
    this.#subscriptions = new Subscriptions(config, events, {
      due: () => this.#changes.schedule(),
      claimed: (claim) => this.#sender.yieldTo(claim),
      removed: (receiver) => {
        this.#pauses.drop(receiver)
        this.#inbox.removed(receiver)
      },
    })
    this.#sender = new Sender(config, events, () => this.#subscriptions.wireIsQuiet())
    this.#inbox = new Inbox(config, events, this.#subscriptions, this.#pauses)
    this.#watch = new SessionWatch(events, config.now)
    const { clock, expectTrafficWithin, timeouts } = config
    if (expectTrafficWithin > 0) {
      const isExpecting = () => this.#isExpecting
      const { probeTimeout } = timeouts
      this.#traffic = new TrafficWatch({ clock, expectTrafficWithin, probeTimeout, isExpecting })
    }
    this.status = new SessionStatus(this.#sender, this.#inbox, this.#subscriptions, this.#pauses, this.#bytes)
  }

  /** The source of packet ids for SUBSCRIBE and UNSUBSCRIBE. */
  get packetIds(): PacketIdSource {
    return this.#sender.packetIds
  }

  /** The protocol version of the last connection; `undefined` before the first. */
  get protocolVersion(): Link['protocolVersion'] | undefined {
    return this.#protocolVersion
  }

  /** The last connection; `undefined` before the first. */
  get peer(): Peer | undefined {
    return this.#peer
  }

  /** What the broker announced in its last CONNACK; `undefined` before the first. */
  get broker(): BrokerStatus | undefined {
    return this.#broker
  }

  /** The durable publications in quarantine, if there is a journal. */
  get quarantine(): Quarantine | undefined {
    return this.#sender.backlog.quarantine
  }

  /** Runs a `sync` actor: see `Subscriptions.sync`. */
  sync(actor: SyncActor): () => void {
    return this.#subscriptions.sync(actor)
  }

  /** The topic filters of the suspended subscriptions. */
  suspendedFilters(): string[] {
    return this.#subscriptions.suspended()
  }

  /**
   * Accepts a publication: see `Sender.publish`. Subscriptions that the application made earlier are written first.
   *
   * @param orphanedBy - rejects the promise of a durable publication, which waits in the store for a later connection
   * @returns of a durable one: resolves when it is on disk, and rejects if the journal can't accept it
   */
  publish(publication: Publication, orphanedBy?: Error): Promise<void> | undefined {
    this.#changes.flush()
    this.#inbox.published()
    return this.#sender.publish(publication, orphanedBy)
  }

  /** Sends a publication that must never wait, such as a periodic request. @returns whether it could go at once */
  publishNow(publication: Publication): boolean {
    this.#changes.flush()
    this.#inbox.published()
    return this.#sender.publishNow(publication)
  }

  /** Aborts a publication on behalf of the application. */
  abort(publication: Publication, reason: unknown): void {
    this.#sender.abort(publication, reason)
  }

  /** Sends a publication of the birth before those that wait. Only while `announce` of `resumePublishing` runs. */
  publishFirst(publication: Publication): void {
    this.#changes.flush()
    this.#sender.publishFirst(publication)
  }

  /** The connection is ready: the outbox drains. @param announce - called before that, once for each connection */
  resumePublishing(announce?: Announce): void {
    const link = this.#link
    const resume = () => this.#sender.resumePublishing()
    if (!link || !announce) return resume()
    const isNew = !this.#announcement?.isFor(link)
    const announcement = (this.#announcement ??= new Announcement())
    if (isNew) this.#sender.resumePublishing(true)
    if (!announcement.begin(link, this.#sessionPresent, announce, resume)) resume()
  }

  /** The connection is about to end: publications wait for the next one. */
  pausePublishing(): void {
    this.#announcement?.end()
    this.#sender.pausePublishing()
  }

  /** Hands over no more messages on this connection. @returns resolves when handlers have processed those that they have */
  finishHandlers(): Promise<void> {
    this.#link?.pauseReading()
    this.#pauses.freeze()
    return this.#inbox.unprocessed.close()
  }

  /** @returns whether nothing waits and nothing is in flight; if not, `drained` tells when that is so */
  awaitDrained(): boolean {
    return this.#sender.backlog.awaitDrained()
  }

  /**
   * Whether the connection can be replaced without disturbing a message: nothing waits or is in flight, no answer is awaited,
   * and no handler is at work.
   */
  isQuiet(): boolean {
    const { heldBack, unprocessed, waiting } = this.status.inbox
    const isReceiving = heldBack + unprocessed + waiting > 0
    return (
      this.#sender.backlog.isDrained && !isReceiving && !this.isAwaitingAnswer() && this.#announcement?.isOver !== false
    )
  }

  /** Whether the broker acknowledges on this connection, or has nothing to acknowledge. */
  isAcknowledging(): boolean {
    return this.#sender.isAcknowledging()
  }

  /** Takes over what an earlier process left in the journal. Called before the first connection. */
  restore(...publications: Parameters<Sender['restore']>): void {
    this.#sender.restore(...publications)
  }

  /** The journal has written a publication. */
  stored(publication: Publication): void {
    this.#sender.stored(publication)
  }

  /** Rejects a publication that the journal could not write. */
  withdraw(publication: Publication, error: unknown): void {
    this.#sender.withdraw(publication, error)
  }

  /** Adds a subscription. */
  subscribe(receiver: Receiver): void {
    if (this.#subscriptions.add(receiver)) this.#changes.schedule()
    this.#inbox.added(receiver)
  }

  /** The receiver of an earlier subscription to a filter with the same handler. */
  receiverOf(filter: string, handler: object): Receiver | undefined {
    return this.#subscriptions.withHandler(filter, handler)
  }

  /** The receivers of a message. */
  matching(packet: IncomingPublish): readonly Receiver[] {
    return this.#subscriptions.match(packet)
  }

  /** Ends a subscription. */
  unsubscribe(receiver: Receiver): void {
    if (this.#subscriptions.remove(receiver)) this.#changes.schedule()
  }

  /** Unsubscribes from a filter that no subscription has: see `Subscriptions.leave`. */
  leave(filter: string, gone: () => void, userProperties?: UserProperties): void {
    if (this.#subscriptions.leave(filter, gone, userProperties)) this.#changes.schedule()
  }

  /** Removes a subscription that was rejected and whose loop has ended. No packet is sent for it now. */
  forget(receiver: Receiver): void {
    this.#subscriptions.remove(receiver)
  }

  /** Hands the messages of a subscription over no more, until `resume`. They count as unprocessed. */
  pause(receiver: Receiver): void {
    if (!this.#subscriptions.has(receiver)) return
    this.#pauses.add(receiver)
    this.#inbox.unprocessed.changed()
  }

  resume(receiver: Receiver): void {
    this.#pauses.delete(receiver)
  }

  isPaused(receiver: Receiver): boolean {
    return this.#pauses.has(receiver)
  }

  /** Rejects the undelivered publications. Durable ones stay for a later connection or process. */
  reject(error: Error): void {
    this.#sender.reject(error)
  }

  /** The client gave up: rejects the publications, and tells the subscribers that they have to wait. */
  giveUp(error: Error): void {
    this.#sender.reject(error)
    this.#subscriptions.postpone(error)
  }

  /** Ends the session for good, and rejects everything that is pending. */
  end(error: Error): void {
    this.#sender.reject(error)
    this.#sender.stop()
    this.#pauses.stop()
    this.#inbox.stop()
    this.#subscriptions.reject(error)
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#sessionPresent = sessionPresent
    this.#protocolVersion = link.protocolVersion
    this.#broker = link.limits
    this.#peer = { server: link.server, clientId: link.clientId, sessionExpiry: link.connect.sessionExpiry }
    this.#inbox.unprocessed.reopen()
    this.#inbox.attached(link, sessionPresent)
    this.#pauses.thaw()
    this.#subscriptions.attached(link)
    this.#sender.attached(link, sessionPresent)
    this.#watch.attached(link, sessionPresent)
    this.#traffic?.attached(link)
    this.#bytes.attached(link)
  }

  detached(link: Link, failure: Failure | undefined): boolean {
    if (this.#link !== link) return false
    this.#link = undefined
    this.#announcement?.end()
    this.#watch.detached(link, failure)
    this.#traffic?.detached()
    this.#bytes.detached()
    const publishesOnWire = this.#sender.onWire > 0
    const subscriptionsOnWire = this.#subscriptions.onWire > 0
    this.#inbox.detached()
    // The sender goes first. It must not write to this link when the subscriptions give up their claim.
    const isPublicationBlamed = this.#sender.detached(failure, subscriptionsOnWire)
    return this.#subscriptions.detached(failure, publishesOnWire) || isPublicationBlamed
  }

  attemptFailed(): void {
    this.#sender.attemptFailed()
  }

  acknowledged(ack: Ack): void {
    this.#sender.acknowledged(ack)
  }

  received(packet: IncomingPublish): boolean {
    this.#traffic?.heard()
    return this.#inbox.received(packet)
  }

  released(packetId: number): boolean {
    return this.#inbox.released(packetId)
  }

  written(count: number): void {
    this.#sender.written(count)
  }

  isAwaitingAnswer(): boolean {
    return this.#sender.onWire > 0 || this.#subscriptions.onWire > 0 || this.#inbox.isAwaitingResponse
  }

  writable(): void {
    this.#sender.writable()
  }
  /** Whether messages can come: the broker has subscriptions of ours, and nothing of ours keeps it from sending. */
  get #isExpecting(): boolean {
    const { inbox, subscriptions } = this.status
    const isBlocked = inbox.paused || inbox.waiting > 0 || inbox.heldBack > 0 || subscriptions.paused > 0
    return subscriptions.held > 0 && !isBlocked
  }
}
