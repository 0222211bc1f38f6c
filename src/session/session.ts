import type { Failure } from '../../machines/failure.ts'
import { PoisonPacketError } from '../errors.ts'
import { monotonicTime } from '../clock.ts'
import { isRefusal, outOfTurn, PROTOCOL_ERROR } from './ack.ts'
import { AckWatch } from './ack-watch.ts'
import { accuse, blameOf, isPoison } from './blame.ts'
import { DurableSends } from './durable-sends.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { InFlight } from './in-flight.ts'
import { beyondLimits } from './limits.ts'
import type { Ack, Link } from './link.ts'
import { OnWire } from './on-wire.ts'
import { Outbox } from './outbox.ts'
import type { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { Resend } from './resend.ts'
import { Settlement } from './settlement.ts'
import type { SessionOptions } from './session-options.ts'
import { Unwritten } from './unwritten.ts'
import { writePublish, writePubrel } from './write-publish.ts'

/**
 * The publishes that outlive a connection: the outbox, what is in flight, and the packet ids. Each new connection
 * attaches its link; what is un-acked is then resent, or sent anew if the broker lost the session.
 */
export class Session {
  readonly outbox: Outbox
  /** The time of its clock. */
  readonly now: () => number
  readonly #options: SessionOptions
  readonly #expiry: ExpiryTimer
  readonly #inFlight: InFlight
  readonly #resend: Resend
  readonly settlement: Settlement
  readonly #unwritten: Unwritten
  /** If there is a journal. */
  readonly #durableSends: DurableSends | undefined
  #link: Link | undefined
  /** Whether the outbox may flow: the connection is ready. */
  #gateOpen = false
  /** Whether a SUBSCRIBE that was called for before what waits has yet to be written. */
  #paused = false
  readonly #onWire = new OnWire(() => this.#pump())
  readonly acks: AckWatch
  #pumping = false
  /** Whether something was accepted that could not be done at once: `onDrained` tells of its end. */
  #busy = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.now = monotonicTime(options.clock, options.now)
    this.settlement = new Settlement({
      journal: options.journal,
      onOrphanFailed: options.onOrphanFailed,
      onSettled: () => this.#busy && this.#pumpSoon(),
    })
    this.#unwritten = new Unwritten(this.settlement)
    this.#inFlight = new InFlight(options.journal !== undefined, options.random)
    this.outbox = new Outbox(options.outbox, (publication, error) => {
      this.settlement.left(publication, error)
      this.#pumpSoon()
    })
    this.#resend = new Resend({
      inFlight: this.#inFlight,
      onWire: this.#onWire,
      refuse: (publication, link) => this.#cannotBeSent(publication, link),
      write: (publication, link) => this.#writeAgain(publication, link),
    })
    this.acks = new AckWatch({
      clock: options.clock,
      ...options.timeouts,
      oldest: () => this.#inFlight.oldestOnWire(),
      onAcknowledging: () => options.onAcknowledging?.(),
    })
    const { journal } = options
    const { outbox, now } = this
    const passed = { outbox, inFlight: this.#inFlight, onWire: this.#onWire, now }
    this.#durableSends = journal && new DurableSends({ journal, ...passed })
    this.#expiry = new ExpiryTimer(options.clock, this.now, () => {
      this.outbox.expire(this.now())
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
    return this.outbox.size === 0 && this.#inFlight.size === 0 && this.#unwritten.size === 0
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
    const wallClock = this.#options.now()
    for (const publication of [...waiting, ...inFlight]) {
      publication.startedAt = this.now() - Math.max(0, wallClock - publication.acceptedAt)
    }
    for (const publication of inFlight) this.#inFlight.resume(publication)
    this.outbox.addFirst(waiting)
    this.#expiry.atLatest(this.outbox.nextExpiry())
    this.#busy ||= !this.#isDrained
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#paused = false
    this.#onWire.reset(link)
    this.acks.reset(link)
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
    this.acks.reset(undefined)
    this.#durableSends?.reset(undefined)
    this.#resend.detached()
    this.#unwritten.lost()
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
    this.acks.drained()
    this.#pump()
  }

  acknowledged(ack: Ack): void {
    this.#onWire.answered()
    this.acks.answered()
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
    this.settlement.acknowledged(publication, ack)
    this.#pumpSoon()
  }

  /** Before PUBREL is sent: a durable publication has to be written down as released first. */
  releasing(packetId: number): Promise<void> | undefined {
    const publication = this.#inFlight.get(packetId)
    return publication?.durable ? this.#options.journal?.released(publication) : undefined
  }

  /** It could not be written down, so it is not accepted after all; or it can't be encoded. */
  withdraw(publication: Publication, error: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, error)
    // With its packet id it was to be written down after itself.
    if (publication.phase !== 'sent' || publication.onWire) return
    this.#inFlight.acknowledged(publication)
    this.settlement.fail(publication, error)
  }

  /** Rejects everything that waits or is in flight. Durable publications stay: the next connection delivers them. */
  reject(error: (publication: Publication) => unknown): void {
    this.outbox.clear(
      error,
      (publication) => publication.durable && this.settlement.orphan(publication, error(publication)),
    )
    for (const publication of [...this.#inFlight.values(), ...this.#unwritten.take()]) {
      if (publication.durable && this.settlement.orphan(publication, error(publication))) continue
      if (publication.qos > 0) this.#inFlight.giveUp(publication, 'finish')
      publication.phase = 'settled'
      publication.reject(error(publication))
    }
    this.#expiry.clear()
    this.#busy = !this.#isDrained
  }

  /** Nobody waits for it any more: it is removed, or, once it was sent, not sent anew if the broker loses the session. */
  abort(publication: Publication, reason: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, reason)
    publication.aborted = true
    publication.reject(reason)
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
      return this.settlement.fail(publication, error)
    }
    this.#expiry.atLatest(publication.deadline)
    if (publication.durable) this.#pumpSoon()
  }

  /** The broker does not know our session: what it has not acknowledged becomes new publishes, in front of all others. */
  #startAnew(): void {
    const { taken, unsent } = this.#inFlight.lost()
    for (const publication of taken) this.settlement.succeed(publication)
    for (const publication of unsent) if (publication.aborted) this.settlement.finish(publication)
    this.outbox.addFirst(unsent.filter(({ aborted }) => !aborted))
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
      const publication = this.outbox.peek(this.now())
      if (!publication || !this.#roomFor(publication)) return
      if (publication.durable && this.#durableSends) return this.#sendDurable(this.#durableSends, link)
      this.outbox.shift(publication)
      this.#send(publication)
    }
  }

  #writeAgain(publication: Publication, link: Link): void {
    if (publication.phase !== 'released') return this.#publishOn(link, publication)
    this.acks.sent()
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
    if (publication.qos === 0) return this.#publishOn(link, publication, this.#unwritten.add(publication))
    if (this.#inFlight.add(publication) === null) return this.outbox.addFirst([publication])
    this.#onWire.add(publication)
    this.#publishOn(link, publication)
  }

  #sendDurable(sends: DurableSends, link: Link): void {
    const batch = sends.take(link, (publication) => this.#cannotBeSent(publication, link))
    if (batch.length === 0) return this.#pumpSoon()
    void sends.write(batch).then(() => this.#pump())
  }

  #publishOn(link: Link, publication: Publication, written?: (error?: Error) => void): void {
    if (publication.qos > 0) this.acks.sent()
    const error = writePublish(link, publication, this.now, written)
    if (!error) return
    this.#unwritten.delete(publication)
    if (publication.onWire) this.#onWire.remove(publication)
    this.withdraw(publication, error)
    this.#pumpSoon()
  }

  #cannotBeSent(publication: Publication, link: Link): boolean {
    const unsupported = beyondLimits(publication, link)
    if (unsupported) this.settlement.fail(publication, unsupported)
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
      this.settlement.fail(publication, new PoisonPacketError('publish', publication.topic))
    }
  }
}
