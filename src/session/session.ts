import type { Failure } from '../../machines/failure.ts'
import { ConnectionLostError, PoisonPacketError, PublishRefusedError } from '../errors.ts'
import type { Clock } from '../options.ts'
import { blameOf, POISON_FROM, SUSPECT_FROM } from './blame.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import type { Journal } from './journal.ts'
import { beyondLimits } from './limits.ts'
import type { Ack, Link, OutgoingPublish } from './link.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'
import { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'

/** Reason codes from here on are errors (MQTT 5 §2.4). */
const FIRST_ERROR = 0x80

/** How many durable publications are written to the journal together before they are sent. */
const JOURNAL_BATCH = 1_000

export interface SessionOptions {
  readonly outbox: OutboxOptions
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** Everything accepted is delivered. */
  readonly onDrained: () => void
  /** Whether a SUBSCRIBE or UNSUBSCRIBE is under way: then a publish is not the only one that the broker may mind. */
  readonly othersOnWire: () => boolean
}

/**
 * The publishes that outlive a connection: the outbox, what is in flight, and the packet ids. Each new connection
 * attaches its link; what is un-acked is then resent, or sent anew if the broker lost the session.
 */
export class Session {
  readonly packetIds = new PacketIds()
  readonly outbox: Outbox
  readonly #options: SessionOptions
  readonly #expiry: ExpiryTimer
  /** Un-acked QoS 1 and 2 publishes by packet id, in the order in which they were sent. */
  readonly #inFlight = new Map<number, Publication>()
  /** QoS 0 publishes that the socket has not taken yet. */
  readonly #writing = new Set<Publication>()
  /** Ids of publishes that were given up un-acked: the broker may know them as long as it keeps the session. */
  readonly #abandoned: number[] = []
  #journal: Journal | undefined
  /** Whether packet ids are being written to the journal: nothing may overtake them. */
  #journaling = false
  #link: Link | undefined
  /** Whether the outbox may flow: the connection is ready. */
  #gateOpen = false
  /** How many publishes of QoS 1 and 2 the broker holds un-acked on this connection. */
  #onWire = 0
  /** Whether one of them is a suspect: then it is alone. */
  #suspectOnWire = false
  /** Whether there may be in-flight publishes that have yet to be resent on this connection. */
  #resending = false
  #pumping = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.outbox = new Outbox(options.outbox)
    this.#expiry = new ExpiryTimer(options.clock, options.now, () => {
      this.outbox.expire(options.now())
      this.#expiry.atLatest(this.outbox.nextExpiry())
    })
  }

  /** How many QoS 1 and 2 publishes are sent and not acknowledged. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** How many of them the broker holds on this connection. */
  get onWire(): number {
    return this.#onWire
  }

  /** Nothing waits, and nothing is in flight. */
  get drained(): boolean {
    return this.outbox.size === 0 && this.#inFlight.size === 0 && this.#writing.size === 0
  }

  /**
   * Accepts a publication: sends it at once if nothing stands before it, else puts it into the outbox.
   *
   * @throws {OutboxOverflowError} if there is no room
   */
  publish(publication: Publication): void {
    if (this.publishNow(publication)) return
    this.outbox.add(publication)
    this.#expiry.atLatest(publication.expiresAt)
    if (publication.durable) this.#pumpSoon()
  }

  /** Sends only what can go at once: for what must never wait, such as a periodic request. */
  publishNow(publication: Publication): boolean {
    if (publication.durable || !this.#gateOpen || this.outbox.size > 0 || !this.#roomFor(publication)) return false
    this.#send(publication)
    return true
  }

  /** Takes up what an earlier process left behind, before the first connection. */
  resume(journal: Journal, waiting: readonly Publication[], inFlight: readonly Publication[]): void {
    this.#journal = journal
    for (const publication of inFlight) {
      this.packetIds.claim(publication.packetId)
      this.#inFlight.set(publication.packetId, publication)
    }
    this.outbox.addFirst(waiting)
    this.#expiry.atLatest(this.outbox.nextExpiry())
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#onWire = 0
    this.#suspectOnWire = false
    this.#resending = sessionPresent && this.#inFlight.size > 0
    if (!sessionPresent) this.#startAnew()
    this.#pump()
  }

  detached(link: Link, failure: Failure | undefined): void {
    if (this.#link !== link) return
    this.#blame(failure)
    this.#link = undefined
    this.#gateOpen = false
    this.#onWire = 0
    this.#suspectOnWire = false
    this.#resending = false
    for (const publication of this.#inFlight.values()) publication.onWire = false
    for (const publication of this.#writing) this.#fail(publication, new ConnectionLostError('the publish was written'))
    this.#writing.clear()
  }

  openGate(): void {
    if (!this.#link) return
    this.#gateOpen = true
    this.#pump()
  }

  closeGate(): void {
    this.#gateOpen = false
  }

  writable(): void {
    this.#pump()
  }

  acknowledged(ack: Ack): void {
    const publication = this.#inFlight.get(ack.packetId)
    if (!publication?.onWire) return
    if (ack.type === 'pubrec' && ack.reasonCode < FIRST_ERROR) {
      publication.phase = 'released'
      return
    }
    // MQTT.js still has to handle this packet: the id may be used again only after that, so sending waits.
    this.#inFlight.delete(ack.packetId)
    this.#onWire--
    this.#suspectOnWire = false
    this.packetIds.release(ack.packetId)
    this.#settle(publication, ack)
    this.#pumpSoon()
  }

  /** Before PUBREL is sent: a durable publication has to be written down as released first. */
  releasing(packetId: number): Promise<void> | undefined {
    const publication = this.#inFlight.get(packetId)
    return publication?.durable ? this.#journal?.released(publication) : undefined
  }

  /** Rejects everything that waits or is in flight; durable publications stay in the journal. */
  reject(error: (publication: Publication) => unknown): void {
    this.outbox.clear(error)
    for (const publication of [...this.#inFlight.values(), ...this.#writing]) {
      publication.phase = 'settled'
      publication.reject(error(publication))
    }
    this.#abandoned.push(...this.#inFlight.keys())
    this.#inFlight.clear()
    this.#writing.clear()
    this.#expiry.clear()
  }

  /** The broker does not know our session: what it has not acknowledged becomes new publishes, in front of all others. */
  #startAnew(): void {
    for (const packetId of this.#abandoned.splice(0)) this.packetIds.release(packetId)
    const unsent: Publication[] = []
    for (const publication of this.#inFlight.values()) {
      this.packetIds.release(publication.packetId)
      if (publication.phase === 'released') {
        // It took the message with its PUBREC; only the end of the handshake is missing (MQTT 5 §4.3.3).
        this.#settle(publication, {
          type: 'pubcomp',
          packetId: publication.packetId,
          reasonCode: 0,
          reasonString: undefined,
        })
        continue
      }
      publication.phase = 'waiting'
      publication.packetId = 0
      unsent.push(publication)
    }
    this.#inFlight.clear()
    if (unsent.length > 0) this.outbox.addFirst(unsent)
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.#pump()
      if (this.drained) this.#options.onDrained()
    })
  }

  #pump(): void {
    if (this.#journaling) return
    if (this.#resending) this.#resend()
    while (this.#gateOpen && !this.#resending) {
      const publication = this.outbox.peek(this.#options.now())
      if (!publication || !this.#roomFor(publication)) return
      if (publication.durable && this.#journal) return this.#sendDurable(this.#journal)
      this.outbox.shift(publication)
      this.#send(publication)
    }
  }

  /** Resends in a pipeline what was in flight, in its order (MQTT-4.4.0-1, MQTT-4.6.0-1). */
  #resend(): void {
    for (const publication of this.#inFlight.values()) {
      if (publication.onWire) continue
      const link = this.#link
      // A suspect waits until the restore is over, so that it is alone.
      if (!link?.writable || !this.#mayGo(publication, link)) return
      if (publication.suspicions >= SUSPECT_FROM && !this.#gateOpen) return
      this.#putOnWire(publication)
      if (publication.phase === 'released') link.pubrel(publication.packetId)
      else link.publish(publication, publication.packetId, true)
    }
    this.#resending = false
  }

  #roomFor(publication: Publication): boolean {
    const link = this.#link
    if (!link?.writable || this.#resending || this.#journaling || this.#suspectOnWire) return false
    return publication.qos === 0 || (this.#mayGo(publication, link) && this.packetIds.available)
  }

  #mayGo({ suspicions }: Publication, { limits }: Link): boolean {
    if (this.#suspectOnWire || (suspicions >= SUSPECT_FROM && this.#onWire > 0)) return false
    return this.#onWire < limits.receiveMaximum
  }

  #putOnWire(publication: Publication): void {
    publication.onWire = true
    this.#onWire++
    if (publication.suspicions >= SUSPECT_FROM) this.#suspectOnWire = true
  }

  #send(publication: Publication): void {
    const link = this.#link
    if (!link || this.#cannotBeSent(publication, link)) return
    if (publication.qos === 0) return this.#sendAtMostOnce(publication, link)
    const packetId = this.packetIds.allocate()
    if (packetId === null) return this.outbox.addFirst([publication])
    publication.phase = 'sent'
    publication.packetId = packetId
    this.#inFlight.set(packetId, publication)
    this.#putOnWire(publication)
    link.publish(this.#aged(publication, link), packetId, false)
  }

  #sendAtMostOnce(publication: Publication, link: Link): void {
    publication.phase = 'sent'
    this.#writing.add(publication)
    let atOnce = true
    link.publish(this.#aged(publication, link), 0, false, () => {
      if (!this.#writing.delete(publication)) return
      publication.phase = 'settled'
      publication.resolve({ reasonCode: 0 })
      if (!atOnce) this.#pumpSoon()
    })
    atOnce = false
  }
  /** Their packet ids go to disk before they go to the broker, so that the next process resends them under the same. */
  #sendDurable(journal: Journal): void {
    const link = this.#link
    if (!link) return
    const batch: Publication[] = []
    const room = Math.min(JOURNAL_BATCH, link.limits.receiveMaximum - this.#onWire)
    while (batch.length < room && this.packetIds.available) {
      const publication = this.outbox.peek(this.#options.now())
      const suspect = (publication?.suspicions ?? 0) >= SUSPECT_FROM
      if (!publication?.durable || (suspect && batch.length > 0)) break
      this.outbox.shift(publication)
      if (this.#cannotBeSent(publication, link)) continue
      publication.phase = 'sent'
      publication.packetId = this.packetIds.allocate() ?? 0
      this.#inFlight.set(publication.packetId, publication)
      batch.push(publication)
      if (suspect) break
    }
    if (batch.length === 0) return this.#pumpSoon()
    this.#journaling = true
    void journal.sent(batch).then(() => {
      this.#journaling = false
      if (this.#link === link) this.#sendFirst(batch, link)
      this.#pump()
    })
  }

  #sendFirst(batch: readonly Publication[], link: Link): void {
    for (const publication of batch) {
      if (publication.phase !== 'sent' || publication.onWire) continue
      this.#putOnWire(publication)
      link.publish(this.#aged(publication, link), publication.packetId, false)
    }
  }

  /** The broker is told what is left of the Message Expiry Interval (MQTT 5 §3.3.2.3.3). */
  #aged(publication: Publication, link: Link): OutgoingPublish {
    const interval = publication.properties?.messageExpiryInterval
    if (interval === undefined || link.protocolVersion !== 5) return publication
    const waited = Math.floor((this.#options.now() - publication.acceptedAt) / 1_000)
    if (waited <= 0) return publication
    const messageExpiryInterval = Math.max(1, interval - waited)
    const { topic, payload, qos, retain, properties } = publication
    return { topic, payload, qos, retain, properties: { ...properties, messageExpiryInterval } }
  }

  #cannotBeSent(publication: Publication, link: Link): boolean {
    const unsupported = beyondLimits(publication, link)
    if (unsupported) this.#fail(publication, unsupported)
    return unsupported !== undefined
  }

  /** Finds the packet that the broker closes on: twice in a row un-acked makes a suspect, once more alone is proof. */
  #blame(failure: Failure | undefined): void {
    const blame = blameOf(failure)
    const alone = this.#onWire === 1 && !this.#options.othersOnWire()
    for (const publication of this.#inFlight.values()) {
      if (!publication.onWire || blame === 'none') publication.suspicions = 0
      else publication.suspicions++
      if (blame === 'none' || !alone || publication.suspicions < POISON_FROM[blame]) continue
      this.#inFlight.delete(publication.packetId)
      this.#abandoned.push(publication.packetId)
      this.#fail(publication, new PoisonPacketError('publish', publication.topic))
    }
  }

  #settle(publication: Publication, ack: Ack): void {
    if (ack.reasonCode >= FIRST_ERROR) {
      return this.#fail(publication, new PublishRefusedError(publication.topic, ack.reasonCode, ack.reasonString))
    }
    publication.phase = 'settled'
    if (publication.durable) this.#journal?.settled(publication)
    publication.resolve({ reasonCode: ack.reasonCode })
  }

  #fail(publication: Publication, error: unknown): void {
    publication.phase = 'settled'
    if (publication.durable) this.#journal?.settled(publication)
    publication.reject(error)
  }
}
