import type { Timeouts } from '../../../machines/config.ts'
import type { Failure } from '../../../machines/failure.ts'
import type { Clock } from '../../api/clock.ts'
import type { OutboxOptions, QuarantineOptions } from '../../api/options.ts'
import type { QuarantinedPublish } from '../../api/quarantine.ts'
import type { OutboxStatus } from '../../api/status.ts'
import { EndOfTurn } from '../../shared/end-of-turn.ts'
import type { Ack } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { WireClaim } from '../wire-claim.ts'
import { isRefusal, outOfTurn, PROTOCOL_ERROR } from './acknowledgement.ts'
import { AckWatch } from './ack-watch.ts'
import { blameOf } from './blame.ts'
import { takeDurableBatch } from './durable-batch.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import { OnWire } from './on-wire.ts'
import { Outbox } from './outbox.ts'
import type { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { PublishWriter } from './publish-writer.ts'
import { Quarantine } from './quarantine.ts'
import { Resend } from './resend.ts'
import {
  type ConnectionPhase,
  type InFlightWork,
  type SenderState,
  senderState,
  writesInFlight,
} from './sender-state.ts'
import { Settlement } from './settlement.ts'
import { Suspects } from './suspects.ts'
import { Unwritten } from './unwritten.ts'

export interface SenderConfig {
  readonly clock: Clock
  /** In milliseconds since 1970: how long a message of an earlier process has waited is measured with it. */
  readonly now: () => number
  /** The time of the clock, in milliseconds, which no change of the wall clock moves. */
  readonly time: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Where durable publications are written down, if the client has a store. */
  readonly journal: Journal | undefined
  readonly outbox: OutboxOptions
  readonly quarantine: QuarantineOptions
  readonly timeouts: Pick<Timeouts, 'ackTimeout' | 'probeTimeout'>
}

export interface SenderEvents {
  /** Nothing waits any more, and nothing is in flight. */
  drained(): void
  /** The broker acknowledges, after `isAcknowledging` was false. */
  acknowledging(): void
  /** A durable publication was taken out, because the broker closes the connection on it. */
  publishQuarantined(publish: QuarantinedPublish): void
  /** A durable publication failed whose promise had been rejected before. */
  orphanFailed(error: unknown): void
}

/**
 * Sends the publications of a session. It outlives connections: what is un-acked when one ends is resent on the next one,
 * or sent anew if the broker lost the session. When it writes what is told by `senderState`.
 */
export class Sender {
  /** The durable publications that were taken out, if there is a journal. */
  readonly quarantine: Quarantine | undefined
  readonly #config: SenderConfig
  readonly #onQuiet: () => void
  readonly #outbox: Outbox
  readonly #inFlight: InFlight
  readonly #onWire: OnWire
  /** The publications on which the broker may close the connection. */
  readonly #suspects: Suspects<Publication>
  readonly #unwritten: Unwritten
  readonly #resend: Resend
  readonly #writer: PublishWriter
  readonly #settlement: Settlement
  readonly #acks: AckWatch
  readonly #expiry: ExpiryTimer
  #link: Link | undefined
  #phase: ConnectionPhase = 'detached'
  #work: InFlightWork = 'nothing'
  #claim: WireClaim = 'none'
  /** Whether `drained` is to be told once everything is settled. */
  #tellsDrained = false
  readonly #soon: EndOfTurn

  /** @param onQuiet - called when the subscriptions claim to be alone, and no publication is un-acked */
  constructor(config: SenderConfig, events: SenderEvents, onQuiet: () => void) {
    this.#config = config
    this.#onQuiet = onQuiet
    const { clock, time, journal, random, timeouts } = config
    const proceed = () => this.#proceed()
    this.#suspects = new Suspects(clock, config.quarantine, proceed)
    this.#onWire = new OnWire(this.#suspects, proceed)
    this.quarantine = journal && new Quarantine(journal, events, (publication) => this.restore([publication], []))
    this.#soon = new EndOfTurn(() => {
      this.#proceed()
      if (!this.#tellsDrained || !this.#isDrained) return
      this.#tellsDrained = false
      events.drained()
    })
    const onSettled = () => this.#tellsDrained && this.#soon.schedule()
    this.#settlement = new Settlement({ journal, suspects: this.#suspects, events, onSettled })
    this.#unwritten = new Unwritten(this.#settlement)
    this.#inFlight = new InFlight(journal !== undefined, random)
    this.#outbox = new Outbox(config.outbox, (publication, error) => {
      this.#settlement.left(publication, error)
      this.#soon.schedule()
    })
    this.#acks = new AckWatch({
      clock,
      ...timeouts,
      oldest: () => this.#inFlight.oldestOnWire(),
      onAcknowledging: () => events.acknowledging(),
    })
    this.#writer = new PublishWriter({
      time,
      settlement: this.#settlement,
      acks: this.#acks,
      onWire: this.#onWire,
      onNotWritten: (publication, error) => this.#notWritten(publication, error),
      releasing: (packetId) => this.releasing(packetId),
    })
    this.#resend = new Resend(this.#inFlight, this.#onWire, this.#writer)
    this.#expiry = new ExpiryTimer(clock, time, () => {
      this.#outbox.expire(time())
      this.#expiry.atLatest(this.#outbox.nextExpiry())
    })
  }

  get packetIds(): PacketIds {
    return this.#inFlight.packetIds
  }

  /** How many QoS 1 and 2 publications the broker holds un-acked on this connection. */
  get onWire(): number {
    return this.#onWire.size
  }

  get status(): OutboxStatus {
    const { size, bytes } = this.#outbox
    const quarantined = this.quarantine?.size ?? 0
    return { size, bytes, inFlight: this.#inFlight.size, suspended: this.#suspects.size, quarantined }
  }

  /** @returns whether nothing waits and nothing is in flight; if not, `drained` tells when that is so */
  awaitDrained(): boolean {
    this.#tellsDrained ||= !this.#isDrained
    return this.#isDrained
  }

  /** Whether the broker does its work on this connection; if not, `acknowledging` tells when it does. */
  isAcknowledging(): boolean {
    return this.#acks.isAcknowledging()
  }

  /**
   * Accepts a publication, and sends it at once if nothing stands before it; else it waits in the outbox. If there is no
   * room, its promise is rejected.
   *
   * @param orphanedBy - rejects the promise of a durable one, which waits in the store for a later connection
   * @returns of a durable one: resolves when it is on disk, rejects if it can't be written, and is not accepted then
   */
  publish(publication: Publication, orphanedBy: Error | undefined): Promise<void> | undefined {
    publication.startedAt = this.#config.time()
    if (this.#outbox.size > 0 || !this.#sendNow(publication)) this.#enqueue(publication)
    this.#tellsDrained ||= !this.#isDrained
    const { journal } = this.#config
    if (!publication.durable || !journal || publication.phase === 'settled') return undefined
    const accepted = journal.accepted(publication).then(() => this.#outbox.written(publication))
    if (orphanedBy) this.#settlement.orphan(publication, orphanedBy)
    return accepted
  }

  /** Sends a publication that must never wait. @returns whether it could go at once */
  publishNow(publication: Publication): boolean {
    publication.startedAt = this.#config.time()
    return this.#sendNow(publication)
  }

  /** Takes up what an earlier process left behind, before the first connection. */
  restore(
    waiting: readonly Publication[],
    inFlight: readonly Publication[],
    quarantined: readonly Publication[] = [],
  ): void {
    const wallClock = this.#config.now()
    const time = this.#config.time()
    for (const publication of [...waiting, ...inFlight, ...quarantined]) {
      publication.startedAt = time - Math.max(0, wallClock - publication.acceptedAt)
    }
    for (const publication of inFlight) this.#inFlight.resume(publication)
    for (const publication of quarantined) this.#inFlight.hold(publication)
    this.quarantine?.restore(quarantined)
    this.#addFirst(waiting)
    this.#soon.schedule()
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#phase = 'restoring'
    this.#onWire.reset(link)
    this.#acks.reset(link)
    this.#suspects.attached(link.server)
    if (sessionPresent) this.#inFlight.kept(link)
    else this.#startAnew()
    this.#resend.begin(sessionPresent ? this.#inFlight.values() : [])
    if (this.#work !== 'journaling') this.#work = 'resending'
    this.#proceed()
  }

  /**
   * The connection ended.
   *
   * @param othersOnWire - whether a SUBSCRIBE or UNSUBSCRIBE was un-answered
   * @returns whether it ended because of one publication, which is set aside
   */
  detached(failure: Failure | undefined, othersOnWire: boolean): boolean {
    const isBlamed = this.#blame(failure, othersOnWire)
    this.#link = undefined
    this.#phase = 'detached'
    for (const publication of this.#inFlight.values()) publication.onWire = false
    this.#onWire.reset(undefined)
    this.#acks.reset(undefined)
    this.#unwritten.lost()
    return isBlamed
  }

  /** The connection is ready. */
  resumePublishing(): void {
    if (!this.#link) return
    this.#phase = 'publishing'
    this.#proceed()
  }

  /** The connection is about to end. */
  pausePublishing(): void {
    if (this.#link) this.#phase = 'paused'
  }

  /** Publications yield to what the subscriptions claim. */
  yieldTo(claim: WireClaim): void {
    this.#claim = claim
    if (claim !== 'alone') this.#proceed()
    else if (this.#onWire.size === 0) this.#onQuiet()
  }

  writable(): void {
    this.#acks.drained()
    this.#proceed()
  }

  acknowledged(ack: Ack): void {
    this.#acks.answered()
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
    // MQTT.js still has to handle this packet, and frees its id only then: what comes next waits for the end of the turn.
    this.#inFlight.acknowledged(publication)
    this.#onWire.remove(publication)
    this.#suspects.passed(publication)
    this.#settlement.acknowledged(publication, ack)
    this.#soon.schedule()
    if (this.#claim === 'alone' && this.#onWire.size === 0) this.#onQuiet()
  }

  /** Before PUBREL is sent: a durable publication has to be written down as released first. */
  releasing(packetId: number): Promise<void> | undefined {
    const publication = this.#inFlight.get(packetId)
    return publication?.durable ? this.#config.journal?.released(publication) : undefined
  }

  /** A publication can't be written to the journal, so it is not accepted after all; or it can't be encoded. */
  withdraw(publication: Publication, error: unknown): void {
    if (publication.phase === 'waiting') return this.#outbox.remove(publication, error)
    // In one turn it went to the journal, and its packet id after it.
    if (publication.phase !== 'sent' || publication.onWire) return
    this.#inFlight.acknowledged(publication)
    this.#settlement.fail(publication, error)
  }

  /** Rejects everything that waits or is in flight. Durable publications stay: the next connection delivers them. */
  reject(error: unknown): void {
    const stays = (publication: Publication) => publication.durable && this.#settlement.orphan(publication, error)
    this.#outbox.clear(error, stays)
    for (const publication of [...this.#inFlight.values(), ...this.#unwritten.take()]) {
      if (stays(publication)) continue
      if (publication.qos > 0) this.#inFlight.giveUp(publication, 'finish')
      this.#suspects.forget(publication)
      publication.phase = 'settled'
      publication.reject(error)
    }
    this.#expiry.clear()
    this.#tellsDrained = !this.#isDrained
  }

  /** The application aborts it: it leaves the outbox, or, once it was sent, is not sent anew if the session is lost. */
  abort(publication: Publication, reason: unknown): void {
    if (publication.phase === 'waiting') return this.#outbox.remove(publication, reason)
    publication.aborted = true
    publication.reject(reason)
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.#suspects.stop()
  }

  get #isDrained(): boolean {
    return this.#outbox.size === 0 && this.#inFlight.size === 0 && this.#unwritten.size === 0
  }

  get #state(): SenderState {
    return senderState(this.#phase, this.#work, this.#claim)
  }

  /** Writes what may be written now, in its order. */
  #proceed(): void {
    const link = this.#link
    if (!link || !writesInFlight(this.#state)) return
    const isReady = this.#phase === 'publishing'
    if (isReady) this.#takeDue()
    if (this.#work === 'resending' && this.#resend.proceed(link, isReady)) this.#work = 'nothing'
    while (this.#state === 'flowing') {
      const publication = this.#outbox.peek(this.#config.time())
      if (!publication || !this.#mayWrite(publication, link)) return
      if (publication.durable && this.#config.journal) return this.#journalIds(this.#config.journal, link)
      this.#outbox.shift(publication)
      this.#write(publication, link)
    }
  }

  /** A suspect whose turn has come goes in its place among those in flight, or at the head of the outbox. */
  #takeDue(): void {
    const others = this.#outbox.size > 0 || this.#inFlight.size > this.#suspects.size
    if (!this.#suspects.takeDue(others)) return
    this.#onWire.forgetSignOfLife()
    this.#resend.begin(this.#inFlight.values())
    this.#work = 'resending'
  }

  #sendNow(publication: Publication): boolean {
    const link = this.#link
    if (!link || publication.durable || !this.#mayWrite(publication, link)) return false
    this.#write(publication, link)
    return true
  }

  /** Whether a publication that is not in flight may be written now. Nothing else decides that. */
  #mayWrite(publication: Publication, link: Link): boolean {
    if (this.#state !== 'flowing' || !link.writable || this.#onWire.closed) return false
    if (publication.qos === 0) return true
    return this.#onWire.mayAdd(publication, link, true) && this.#inFlight.hasIdFor(publication)
  }

  #write(publication: Publication, link: Link): void {
    if (this.#writer.refuse(publication, link)) return
    if (publication.qos === 0) return this.#writer.write(publication, link, this.#unwritten.add(publication))
    if (this.#inFlight.add(publication) === null) return this.#outbox.addFirst([publication])
    this.#onWire.add(publication)
    this.#writer.write(publication, link)
  }

  /** Nothing may overtake what waits for the journal: until it has the packet ids, nothing is written at all. */
  #journalIds(journal: Journal, link: Link): void {
    const { time } = this.#config
    const path = { outbox: this.#outbox, inFlight: this.#inFlight, onWire: this.#onWire, time }
    const batch = takeDurableBatch(path, link, (publication) => this.#writer.refuse(publication, link))
    if (batch.length === 0) return this.#soon.schedule()
    this.#work = 'journaling'
    void journal.sent(batch).then(() => {
      this.#work = 'resending'
      // On another connection they are among what it has to resend.
      if (this.#link === link) this.#resend.begin(batch)
      this.#proceed()
    })
  }

  #enqueue(publication: Publication): void {
    try {
      this.#outbox.add(publication)
    } catch (error) {
      return this.#settlement.fail(publication, error)
    }
    this.#expiry.atLatest(publication.deadline)
    if (publication.durable) this.#soon.schedule()
  }

  /** The broker lost our session: what it has not acknowledged becomes new publications, in front of all others. */
  #startAnew(): void {
    const { taken, unsent } = this.#inFlight.lost()
    for (const publication of taken) this.#settlement.succeed(publication)
    for (const publication of unsent) if (publication.aborted) this.#settlement.finish(publication)
    this.#addFirst(unsent.filter(({ aborted }) => !aborted))
  }

  #addFirst(publications: readonly Publication[]): void {
    this.#outbox.addFirst(publications)
    this.#expiry.atLatest(this.#outbox.nextExpiry())
    this.#tellsDrained ||= !this.#isDrained
  }

  /** It can't be encoded, so nothing was sent. */
  #notWritten(publication: Publication, error: unknown): void {
    this.#unwritten.delete(publication)
    if (publication.onWire) this.#onWire.remove(publication)
    this.withdraw(publication, error)
    this.#soon.schedule()
  }

  /** Finds the publication on which the broker closes the connection: see `Suspects`. @returns whether there is one */
  #blame(failure: Failure | undefined, othersOnWire: boolean): boolean {
    const unacked = [...this.#inFlight.values()].filter(({ onWire }) => onWire)
    const verdict = this.#suspects.closed(unacked, blameOf(failure), this.#onWire.alone && !othersOnWire)
    if (verdict?.kind !== 'poison') return verdict !== undefined
    this.#inFlight.giveUp(verdict.packet, 'hold')
    this.#settlement.poison(verdict.packet, this.quarantine)
    return true
  }
}
