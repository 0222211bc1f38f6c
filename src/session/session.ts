import type { Failure } from '../../machines/failure.ts'
import { ConnectionLostError, PoisonPacketError, PublishRefusedError } from '../errors.ts'
import { isRefusal, outOfTurn, PROTOCOL_ERROR } from './ack.ts'
import { accuse, blameOf, isPoison } from './blame.ts'
import { DurableSends } from './durable-sends.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import { beyondLimits } from './limits.ts'
import type { Ack, Link } from './link.ts'
import { OnWire } from './on-wire.ts'
import { Outbox } from './outbox.ts'
import type { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { Resend } from './resend.ts'
import type { SessionOptions } from './session-options.ts'
import { writePublish, writePubrel } from './write-publish.ts'

/**
 * The publishes that outlive a connection: the outbox, what is in flight, and the packet ids. Each new connection
 * attaches its link; what is un-acked is then resent, or sent anew if the broker lost the session.
 */
export class Session {
  readonly outbox: Outbox
  readonly #options: SessionOptions
  readonly #expiry: ExpiryTimer
  readonly #inFlight: InFlight
  readonly #resend: Resend
  /** QoS 0 publishes that the socket has not taken yet. */
  readonly #writing = new Set<Publication>()
  readonly #journal: Journal | undefined
  /** If there is a journal. */
  readonly #durableSends: DurableSends | undefined
  #link: Link | undefined
  /** Whether the outbox may flow: the connection is ready. */
  #gateOpen = false
  /** Whether a SUBSCRIBE that was called for before what waits has yet to be written. */
  #paused = false
  readonly #onWire = new OnWire(() => this.#pump())
  #pumping = false
  /** Whether something was accepted that could not be done at once: `onDrained` tells of its end. */
  #busy = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#journal = options.journal
    this.#inFlight = new InFlight(options.journal !== undefined, options.random)
    this.outbox = new Outbox(options.outbox, (publication, error) => this.#left(publication, error))
    const { journal, now } = options
    const { outbox } = this
    this.#resend = new Resend({
      inFlight: this.#inFlight,
      onWire: this.#onWire,
      refuse: (publication, link) => this.#cannotBeSent(publication, link),
      write: (publication, link) => this.#writeAgain(publication, link),
    })
    const passed = { outbox, inFlight: this.#inFlight, onWire: this.#onWire, now }
    this.#durableSends = journal && new DurableSends({ journal, ...passed })
    this.#expiry = new ExpiryTimer(options.clock, options.now, () => {
      this.outbox.expire(options.now())
      this.#expiry.atLatest(this.outbox.nextExpiry())
    })
  }

  get packetIds(): PacketIds {
    return this.#inFlight.packetIds
  }

  /** How many QoS 1 and 2 publishes are sent and not acknowledged. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** How many of them the broker holds on this connection. */
  get onWire(): number {
    return this.#onWire.size
  }

  /** @returns whether nothing waits and nothing is in flight; if not, `onDrained` tells when it is so */
  awaitDrained(): boolean {
    this.#busy ||= !this.#isDrained
    return this.#isDrained
  }

  get #isDrained(): boolean {
    return this.outbox.size === 0 && this.#inFlight.size === 0 && this.#writing.size === 0
  }

  /** Accepts a publication: sends it at once if nothing stands before it, else puts it into the outbox, if it has room. */
  publish(publication: Publication): void {
    this.#options.onPublish?.()
    if (this.outbox.size > 0 || !this.#sendNow(publication)) this.#enqueue(publication)
    this.#busy ||= !this.#isDrained
  }

  /** Sends only what can go at once, past the outbox: for what must never wait, such as a periodic request. */
  publishNow(publication: Publication): boolean {
    this.#options.onPublish?.()
    return this.#sendNow(publication)
  }

  /** Takes up what an earlier process left behind, before the first connection. */
  resume(waiting: readonly Publication[], inFlight: readonly Publication[]): void {
    for (const publication of inFlight) this.#inFlight.resume(publication)
    this.outbox.addFirst(waiting)
    this.#expiry.atLatest(this.outbox.nextExpiry())
    this.#busy ||= !this.#isDrained
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#paused = false
    this.#onWire.reset(link)
    this.#durableSends?.reset(link)
    this.#resend.attached(sessionPresent)
    if (sessionPresent) this.#inFlight.kept(link)
    else this.#startAnew()
    this.#pump()
  }

  detached(link: Link, failure: Failure | undefined): void {
    if (this.#link !== link) return
    this.#blame(failure)
    this.#link = undefined
    this.#gateOpen = false
    this.#onWire.reset(undefined)
    this.#durableSends?.reset(undefined)
    this.#resend.detached()
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

  /** Publishes wait in the outbox, until `resumeSending` or the next connection. */
  pauseSending(): void {
    this.#paused = true
  }

  resumeSending(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#pump()
  }

  writable(): void {
    this.#pump()
  }

  acknowledged(ack: Ack): void {
    this.#onWire.answered()
    const publication = this.#inFlight.get(ack.packetId)
    if (!publication && ack.type === 'pubcomp') this.#inFlight.finished(ack.packetId)
    if (!publication?.onWire) return
    const message = outOfTurn(ack, publication)
    if (message !== undefined) return this.#link?.fail({ kind: 'protocol', message }, PROTOCOL_ERROR)
    if (ack.type === 'pubrec' && !isRefusal(ack)) {
      publication.phase = 'released'
      publication.reasonCode = ack.reasonCode
      return
    }
    // MQTT.js still has to handle this packet: the id may be used again only after that, so sending waits.
    this.#inFlight.acknowledged(publication)
    this.#onWire.remove(publication)
    this.#settle(publication, ack)
    this.#pumpSoon()
  }

  /** Before PUBREL is sent: a durable publication has to be written down as released first. */
  releasing(packetId: number): Promise<void> | undefined {
    const publication = this.#inFlight.get(packetId)
    return publication?.durable ? this.#journal?.released(publication) : undefined
  }

  /** It could not be written down, so it is not accepted after all; or it can't be encoded. */
  withdraw(publication: Publication, error: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, error)
    // With its packet id it was to be written down after itself.
    if (publication.phase !== 'sent' || publication.onWire) return
    this.#inFlight.acknowledged(publication)
    this.#fail(publication, error)
  }

  /** Rejects everything that waits or is in flight. Durable publications stay: the next connection delivers them. */
  reject(error: (publication: Publication) => unknown): void {
    this.outbox.clear(error, (publication) => this.#orphan(publication, error))
    for (const publication of [...this.#inFlight.values(), ...this.#writing]) {
      if (this.#orphan(publication, error)) continue
      if (publication.qos > 0) this.#inFlight.giveUp(publication, 'finish')
      publication.phase = 'settled'
      publication.reject(error(publication))
    }
    this.#writing.clear()
    this.#expiry.clear()
    this.#busy = !this.#isDrained
  }

  #sendNow(publication: Publication): boolean {
    if (publication.durable || !this.#mayFlow || !this.#roomFor(publication)) return false
    this.#send(publication)
    return true
  }

  get #mayFlow(): boolean {
    return this.#gateOpen && !this.#paused
  }

  #enqueue(publication: Publication): void {
    try {
      this.outbox.add(publication)
    } catch (error) {
      return this.#fail(publication, error)
    }
    this.#expiry.atLatest(publication.expiresAt)
    if (publication.durable) this.#pumpSoon()
  }

  /** @returns whether it stays, without anybody who waits for it */
  #orphan(publication: Publication, error: (publication: Publication) => unknown): boolean {
    if (!publication.durable || !this.#journal) return false
    if (publication.orphaned) return true
    publication.orphaned = true
    publication.reject(error(publication))
    return true
  }

  /** It was taken out of the outbox and rejected. */
  #left(publication: Publication, error: unknown): void {
    if (publication.durable) this.#journal?.settled(publication)
    if (publication.orphaned) this.#options.onOrphanFailed?.(publication, error)
    this.#pumpSoon()
  }

  /** The broker does not know our session: what it has not acknowledged becomes new publishes, in front of all others. */
  #startAnew(): void {
    const { taken, unsent } = this.#inFlight.lost()
    for (const publication of taken) this.#succeed(publication)
    this.outbox.addFirst(unsent)
    this.#expiry.atLatest(this.outbox.nextExpiry())
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.#pump()
      if (!this.#busy || !this.#isDrained) return
      this.#busy = false
      this.#options.onDrained()
    })
  }

  #pump(): void {
    const link = this.#link
    if (this.#durableSends?.journaling || !link) return
    this.#resend.proceed(link, this.#gateOpen)
    this.#durableSends?.send(
      () => this.#gateOpen && link.writable,
      (publication) => this.#publishOn(link, publication),
    )
    while (this.#mayFlow && !this.#resend.underWay && !this.#durableSends?.underWay) {
      const publication = this.outbox.peek(this.#options.now())
      if (!publication || !this.#roomFor(publication)) return
      if (publication.durable && this.#durableSends) return this.#sendDurable(this.#durableSends, link)
      this.outbox.shift(publication)
      this.#send(publication)
    }
  }

  #writeAgain(publication: Publication, link: Link): void {
    if (publication.phase !== 'released') return this.#publishOn(link, publication)
    writePubrel(link, publication.packetId, this.releasing(publication.packetId))
  }

  #roomFor(publication: Publication): boolean {
    const link = this.#link
    if (!link?.writable || this.#resend.underWay || this.#durableSends?.underWay || this.#onWire.closed) return false
    return (
      publication.qos === 0 ||
      (this.#onWire.mayAdd(publication, link, this.#gateOpen) && this.#inFlight.hasIdFor(publication))
    )
  }

  #send(publication: Publication): void {
    const link = this.#link
    if (!link || this.#cannotBeSent(publication, link)) return
    if (publication.qos === 0) return this.#sendAtMostOnce(publication, link)
    if (this.#inFlight.add(publication) === null) return this.outbox.addFirst([publication])
    this.#onWire.add(publication)
    this.#publishOn(link, publication)
  }

  #sendAtMostOnce(publication: Publication, link: Link): void {
    publication.phase = 'sent'
    this.#writing.add(publication)
    this.#publishOn(link, publication, (error) => {
      if (!error && this.#writing.delete(publication)) this.#succeed(publication)
    })
  }

  #sendDurable(sends: DurableSends, link: Link): void {
    const batch = sends.take(link, (publication) => this.#cannotBeSent(publication, link))
    if (batch.length === 0) return this.#pumpSoon()
    void sends.write(batch).then(() => this.#pump())
  }

  #publishOn(link: Link, publication: Publication, written?: (error?: Error) => void): void {
    const error = writePublish(link, publication, this.#options.now, written)
    if (!error) return
    this.#writing.delete(publication)
    if (publication.onWire) this.#onWire.remove(publication)
    this.withdraw(publication, error)
    this.#pumpSoon()
  }

  #cannotBeSent(publication: Publication, link: Link): boolean {
    const unsupported = beyondLimits(publication, link)
    if (unsupported) this.#fail(publication, unsupported)
    return unsupported !== undefined
  }

  /** Finds the packet that the broker closes on, by closes in a row: see `blame.ts`. */
  #blame(failure: Failure | undefined): void {
    const blame = blameOf(failure)
    const alone = this.#onWire.size === 1 && !this.#options.othersOnWire()
    for (const publication of this.#inFlight.values()) {
      accuse(publication, publication.onWire ? blame : 'none', alone)
      if (!publication.onWire || !alone || !isPoison(publication, blame)) continue
      this.#inFlight.giveUp(publication, 'hold')
      this.#fail(publication, new PoisonPacketError('publish', publication.topic))
    }
  }

  #settle(publication: Publication, ack: Ack): void {
    if (ack.type === 'puback') publication.reasonCode = ack.reasonCode
    if (!isRefusal(ack)) this.#succeed(publication)
    else this.#fail(publication, new PublishRefusedError(publication.topic, ack.reasonCode, ack.reasonString))
  }

  #succeed(publication: Publication): void {
    this.#finish(publication)
    publication.resolve({ reasonCode: publication.reasonCode })
  }

  #fail(publication: Publication, error: unknown): void {
    this.#finish(publication)
    publication.reject(error)
    if (publication.orphaned) this.#options.onOrphanFailed?.(publication, error)
  }

  #finish(publication: Publication): void {
    publication.phase = 'settled'
    if (publication.durable) this.#journal?.settled(publication)
    if (this.#busy) this.#pumpSoon()
  }
}
