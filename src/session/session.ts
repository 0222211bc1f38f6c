import type { Failure } from '../../machines/failure.ts'
import { monotonicTime } from '../shared/clock.ts'
import { isRefusal, outOfTurn, PROTOCOL_ERROR } from './outgoing/acknowledgement.ts'
import { AckWatch } from './outgoing/ack-watch.ts'
import { blameOf } from './outgoing/blame.ts'
import { DurableSends } from './outgoing/durable-sends.ts'
import { ExpiryTimer } from './outgoing/expiry-timer.ts'
import { Hold } from './incoming/hold.ts'
import { InFlight } from './outgoing/in-flight.ts'
import type { Link } from './link.ts'
import type { Ack } from '../wire/packets.ts'
import { OnWire } from './outgoing/on-wire.ts'
import { Outbox } from './outgoing/outbox.ts'
import type { PacketIds } from './outgoing/packet-ids.ts'
import type { Publication } from './outgoing/publication.ts'
import { PublishWriter } from './outgoing/publish-writer.ts'
import { Quarantine } from './outgoing/quarantine.ts'
import type { QuarantinedPublish } from '../api/quarantine.ts'
import { Resend } from './outgoing/resend.ts'
import { Settlement } from './outgoing/settlement.ts'
import type { SessionOptions } from './session-options.ts'
import { Suspects } from './outgoing/suspects.ts'
import { Unwritten } from './outgoing/unwritten.ts'

type Publications = readonly Publication[]

/**
 * The publishes that outlive a connection: the outbox, what is in flight, and the packet ids. Each new connection
 * attaches its link; what is un-acked is then resent, or sent anew if the broker lost the session.
 */
export class Session {
  readonly outbox: Outbox
  /** The time of its clock. */
  readonly now: () => number
  /** The durable publishes that were taken out, if there is a journal. */
  readonly quarantine: Quarantine | undefined
  /** Those on which the connection was closed. */
  readonly suspects: Suspects<Publication>
  /** Makes room for something that has to be alone on the wire. */
  readonly hold: Hold
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
  readonly #onWire: OnWire
  readonly #writer: PublishWriter
  readonly acks: AckWatch
  #pumping = false
  /** Whether something was accepted that could not be done at once: `onDrained` tells of its end. */
  #busy = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.now = monotonicTime(options.clock, options.now)
    const { clock, journal, onOrphanFailed } = options
    this.suspects = new Suspects(clock, options.quarantine, () => this.#pump())
    this.#onWire = new OnWire(this.suspects, () => this.#pump())
    this.hold = new Hold(this.#onWire, () => this.#pump())
    const onQuarantined = (publish: QuarantinedPublish) => options.onQuarantined?.(publish)
    this.quarantine = journal && new Quarantine(journal, onQuarantined, (publication) => this.resume([publication], []))
    const onSettled = () => this.#busy && this.#pumpSoon()
    this.settlement = new Settlement({ journal, suspects: this.suspects, onOrphanFailed, onSettled })
    this.#unwritten = new Unwritten(this.settlement)
    this.#inFlight = new InFlight(journal !== undefined, options.random)
    this.outbox = new Outbox(options.outbox, (publication, error) => {
      this.settlement.left(publication, error)
      this.#pumpSoon()
    })
    const oldest = () => this.#inFlight.oldestOnWire()
    const onAcknowledging = () => options.onAcknowledging?.()
    this.acks = new AckWatch({ clock, ...options.timeouts, oldest, onAcknowledging })
    const { outbox, now, settlement, acks } = this
    const onNotWritten = (publication: Publication, error: unknown) => this.#notWritten(publication, error)
    const releasing = (packetId: number) => this.releasing(packetId)
    this.#writer = new PublishWriter({ now, settlement, acks, onWire: this.#onWire, onNotWritten, releasing })
    this.#resend = new Resend(this.#inFlight, this.#onWire, this.#writer)
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
  resume(waiting: Publications, inFlight: Publications, quarantined: Publications = []): void {
    const wallClock = this.#options.now()
    for (const publication of [...waiting, ...inFlight, ...quarantined]) {
      publication.startedAt = this.now() - Math.max(0, wallClock - publication.acceptedAt)
    }
    for (const publication of inFlight) this.#inFlight.resume(publication)
    for (const publication of quarantined) this.#inFlight.hold(publication)
    this.quarantine?.restore(quarantined)
    this.#addFirst(waiting)
    this.#pumpSoon()
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#paused = false
    this.#onWire.reset(link)
    this.acks.reset(link)
    this.suspects.attached(link.server)
    this.#durableSends?.reset(link)
    this.#resend.attached(sessionPresent)
    if (sessionPresent) this.#inFlight.kept(link)
    else this.#startAnew()
    this.#pump()
  }

  /** @returns see `LinkEvents.detached` */
  detached(link: Link, failure: Failure | undefined): boolean {
    if (this.#link !== link) return false
    const blamed = this.#blame(failure)
    this.#link = undefined
    this.#gateOpen = false
    this.hold.cancel()
    this.#onWire.reset(undefined)
    this.acks.reset(undefined)
    this.#durableSends?.reset(undefined)
    this.#resend.detached()
    this.#unwritten.lost()
    return blamed
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
    this.suspects.passed(publication)
    this.settlement.acknowledged(publication, ack)
    this.hold.acknowledged()
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
    const stays = (each: Publication) => each.durable && this.settlement.orphan(each, error(each))
    this.outbox.clear(error, stays)
    for (const publication of [...this.#inFlight.values(), ...this.#unwritten.take()]) {
      if (stays(publication)) continue
      if (publication.qos > 0) this.#inFlight.giveUp(publication, 'finish')
      this.suspects.forget(publication)
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
    this.#addFirst(unsent.filter(({ aborted }) => !aborted))
  }

  #addFirst(publications: Publications): void {
    this.outbox.addFirst(publications)
    this.#expiry.atLatest(this.outbox.nextExpiry())
    this.#busy ||= !this.#isDrained
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
    if (this.#durableSends?.journaling || !link || this.hold.active) return
    const others = this.outbox.size > 0 || this.#inFlight.size > this.suspects.size
    if (this.#gateOpen && this.suspects.takeDue(others)) {
      // It goes in its place among those in flight, or at the head of the outbox.
      this.#onWire.forgetSignOfLife()
      this.#resend.begin()
    }
    this.#resend.proceed(link, this.#gateOpen)
    this.#durableSends?.send(
      () => this.#gateOpen && link.writable,
      (publication) => this.#writer.write(publication, link),
    )
    while (this.#mayFlow && !this.#resend.underWay && !this.#durableSends?.underWay) {
      const publication = this.outbox.peek(this.now())
      if (!publication || !this.#roomFor(publication)) return
      if (publication.durable && this.#durableSends) return this.#sendDurable(this.#durableSends, link)
      this.outbox.shift(publication)
      this.#send(publication)
    }
  }

  #roomFor(publication: Publication): boolean {
    const link = this.#link
    if (!link?.writable || this.hold.active || this.#resend.underWay) return false
    if (this.#durableSends?.underWay || this.#onWire.closed) return false
    if (publication.qos === 0) return true
    return this.#onWire.mayAdd(publication, link, this.#gateOpen) && this.#inFlight.hasIdFor(publication)
  }

  #send(publication: Publication): void {
    const link = this.#link
    if (!link || this.#writer.refuse(publication, link)) return
    if (publication.qos === 0) return this.#writer.write(publication, link, this.#unwritten.add(publication))
    if (this.#inFlight.add(publication) === null) return this.outbox.addFirst([publication])
    this.#onWire.add(publication)
    this.#writer.write(publication, link)
  }

  #sendDurable(sends: DurableSends, link: Link): void {
    const batch = sends.take(link, (publication) => this.#writer.refuse(publication, link))
    if (batch.length === 0) return this.#pumpSoon()
    void sends.write(batch).then(() => this.#pump())
  }

  /** It can't be encoded, so nothing was sent. */
  #notWritten(publication: Publication, error: unknown): void {
    this.#unwritten.delete(publication)
    if (publication.onWire) this.#onWire.remove(publication)
    this.withdraw(publication, error)
    this.#pumpSoon()
  }

  /** Finds the packet that the broker closes on: see `Suspects`. @returns whether it did */
  #blame(failure: Failure | undefined): boolean {
    const unacked = [...this.#inFlight.values()].filter(({ onWire }) => onWire)
    const alone = this.#onWire.alone && !this.#options.othersOnWire()
    const verdict = this.suspects.closed(unacked, blameOf(failure), alone)
    if (verdict?.kind !== 'poison') return verdict !== undefined
    this.#inFlight.giveUp(verdict.packet, 'hold')
    this.settlement.poison(verdict.packet, this.quarantine)
    return true
  }
}
