import type { Timeouts } from '../../../machines/config.ts'
import type { Failure } from '../../../machines/failure.ts'
import type { OutboxStatus } from '../../api/status.ts'
import type { OutboxConfig } from '../../config/client-config.ts'
import { EndOfTurn } from '../../shared/end-of-turn.ts'
import type { Ack } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { WireClaim } from '../wire-claim.ts'
import { AckWatch } from './ack-watch.ts'
import { isRefusal, outOfTurn, PROTOCOL_ERROR } from './acknowledgement.ts'
import { Backlog, type BacklogConfig, type BacklogEvents } from './backlog.ts'
import { BirthQueue } from './birth-queue.ts'
import { blameOf } from './blame.ts'
import { takeDurableBatch } from './durable-batch.ts'
import type { Journal } from './journal.ts'
import { OnWire } from './on-wire.ts'
import { Pace, type PaceConfig, type PaceEvents } from './pace.ts'
import type { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { PublishWriter } from './publish-writer.ts'
import { Resend } from './resend.ts'
import {
  type ConnectionPhase,
  type InFlightWork,
  senderState,
  type SenderState,
  writesInFlight,
  writesNew,
} from './sender-state.ts'
import { writePubrel } from './write-publish.ts'

export interface SenderConfig extends BacklogConfig, PaceConfig {
  readonly outbox: OutboxConfig
  readonly timeouts: Pick<Timeouts, 'ackTimeout' | 'probeTimeout'>
}

export interface SenderEvents extends BacklogEvents, PaceEvents {
  /** The broker has acknowledged a publish, for the first time on this connection. */
  acknowledging(): void
}

/**
 * Sends the publications of a session, and outlives its connections. Publications that are unacked when a connection
 * ends are resent on the next one, or sent as new ones if the broker lost the session. `senderState` shows what is
 * written when.
 */
export class Sender {
  readonly backlog: Backlog
  readonly #time: () => number
  readonly #journal: Journal | undefined
  readonly #onQuiet: () => void
  readonly #onWire: OnWire
  readonly #resend: Resend
  readonly #writer: PublishWriter
  readonly #acks: AckWatch
  readonly #pace: Pace
  /** How many publications were acknowledged in this turn: see `#countPassed`. */
  #acknowledged = 0
  #link: Link | undefined
  #phase: ConnectionPhase = 'detached'
  #work: InFlightWork = 'nothing'
  #claim: WireClaim = 'none'
  /** Created with the first birth. */
  #birth: BirthQueue | undefined
  readonly #soon = new EndOfTurn(() => {
    this.#countPassed()
    this.#proceed()
    this.backlog.tellDrained()
  })

  /**
   * @param onQuiet - called when the subscriptions claim the connection for themselves and no publication is unacked
   */
  constructor(config: SenderConfig, events: SenderEvents, onQuiet: () => void) {
    const { clock, time, journal, timeouts } = config
    this.#time = time
    this.#journal = journal
    this.#onQuiet = onQuiet
    const proceed = () => this.#proceed()
    this.backlog = new Backlog(config, events, { changed: () => this.#soon.schedule(), due: proceed })
    const { suspects, inFlight, settlement } = this.backlog
    this.#onWire = new OnWire(suspects, proceed)
    this.#acks = new AckWatch({
      clock,
      ...timeouts,
      oldest: () => inFlight.oldestOnWire(),
      onAcknowledging: () => events.acknowledging(),
    })
    this.#pace = new Pace(config, events, proceed)
    this.#writer = new PublishWriter({
      time,
      pace: this.#pace,
      settlement,
      acks: this.#acks,
      onWire: this.#onWire,
      onNotWritten: (publication, error) => this.#notWritten(publication, error),
      releasing: (publication) => this.#releasing(publication),
    })
    this.#resend = new Resend(inFlight, this.#onWire, this.#writer, this.#pace)
  }

  get packetIds(): PacketIds {
    return this.backlog.inFlight.packetIds
  }

  /** How many QoS 1 and 2 publications are unacked on this connection. */
  get onWire(): number {
    return this.#onWire.size
  }

  get status(): OutboxStatus {
    const { rate } = this.#pace
    return { ...this.backlog.status, rate: rate === Number.POSITIVE_INFINITY ? null : rate }
  }

  /** Whether the broker acknowledges on this connection, or has nothing to acknowledge. */
  isAcknowledging(): boolean {
    return this.#acks.isAcknowledging()
  }

  /**
   * Accepts a publication. It is sent at once if it is its turn, and waits in the outbox otherwise. If the outbox is
   * full, the promise of the publication is rejected.
   *
   * @param orphanedBy - rejects the promise of a durable one, which waits in the store for a later connection
   * @returns of a durable one: resolves when it is on disk, and rejects if the journal can't accept it
   */
  publish(publication: Publication, orphanedBy: Error | undefined): Promise<void> | undefined {
    const { outbox, settlement } = this.backlog
    publication.startedAt = this.#time()
    if (outbox.size > 0 || !this.#sendNow(publication)) this.backlog.add(publication)
    // One of QoS 0 that the socket takes in this turn does not count as waiting.
    if (publication.qos > 0 || publication.phase === 'waiting' || !this.#link?.writable) this.backlog.awaitDrained()
    if (!publication.durable || !this.#journal || publication.phase === 'settled') return undefined
    const accepted = this.#journal.accepted(publication)
    if (orphanedBy) settlement.orphan(publication, orphanedBy)
    return accepted
  }

  /** Sends a publication that must not wait. @returns whether it was sent */
  publishNow(publication: Publication): boolean {
    publication.startedAt = this.#time()
    return this.#sendNow(publication)
  }

  /** Accepts a publication of the birth, which goes before the outbox. Only while it is announcing. */
  publishFirst(publication: Publication): void {
    publication.startedAt = this.#time()
    this.#birth?.add(publication)
    this.#proceed()
  }

  /** Takes over what an earlier process left behind. Called before the first connection. */
  restore(...publications: Parameters<Backlog['restore']>): void {
    this.backlog.restore(...publications)
  }

  /** The journal has written a publication. */
  stored(publication: Publication): void {
    this.backlog.outbox.stored(publication)
  }

  /** Rejects a publication that the journal could not write. */
  withdraw(publication: Publication, error: unknown): void {
    this.backlog.withdraw(publication, error)
  }

  /** See `Backlog.abort`. */
  abort(publication: Publication, reason: unknown): void {
    if (!this.#birth?.abort(publication, reason)) this.backlog.abort(publication, reason)
  }

  /** Rejects everything that waits or is in flight. Durable publications stay: the next connection delivers them. */
  reject(error: unknown): void {
    this.backlog.reject(error)
  }

  /** Clears all timers. */
  stop(): void {
    this.backlog.suspects.stop()
    this.#pace.stop()
  }

  attached(link: Link, sessionPresent: boolean): void {
    const { inFlight, suspects } = this.backlog
    this.#link = link
    this.#phase = 'restoring'
    this.#onWire.reset(link)
    this.#acks.reset(link)
    suspects.attached(link.server)
    this.#pace.attached(link.server)
    if (sessionPresent) inFlight.kept(link)
    else this.backlog.sessionLost()
    this.#resend.begin(sessionPresent ? inFlight.values() : [])
    if (this.#work !== 'journaling') this.#work = 'resending'
    this.#proceed()
  }

  /**
   * The connection ended.
   *
   * @param othersOnWire - whether a SUBSCRIBE or UNSUBSCRIBE was un-answered
   * @returns whether it ended because of a single publication, which is now left out
   */
  detached(failure: Failure | undefined, othersOnWire: boolean): boolean {
    const isBlamed = this.#blame(failure, othersOnWire)
    this.#link = undefined
    this.#phase = 'detached'
    for (const publication of this.backlog.inFlight.values()) publication.onWire = false
    this.#onWire.reset(undefined)
    this.#acks.reset(undefined)
    this.#countPassed()
    this.#pace.detached(failure)
    this.backlog.unwritten.lost()
    return isBlamed
  }

  /** The connection is ready. @param announcing - whether a birth is published before the outbox drains */
  resumePublishing(announcing = false): void {
    if (!this.#link) return
    if (announcing) this.#birth ??= new BirthQueue()
    this.#phase = announcing ? 'announcing' : 'publishing'
    this.#proceed()
  }

  /** An attempt to connect failed. */
  attemptFailed(): void {
    this.#pace.attemptFailed()
  }

  /** The connection is about to end. */
  pausePublishing(): void {
    if (this.#link) this.#phase = 'paused'
  }

  /** Publications yield to the claim of the subscriptions. */
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
    const { inFlight, suspects, settlement } = this.backlog
    const publication = inFlight.get(ack.packetId)
    if (!publication && ack.type === 'pubcomp') inFlight.finished(ack.packetId)
    if (!publication?.onWire) return
    const message = outOfTurn(ack, publication)
    if (message !== undefined) return this.#link?.fail({ kind: 'protocol', message }, PROTOCOL_ERROR)
    if (ack.type === 'pubrec' && !isRefusal(ack)) {
      publication.phase = 'released'
      publication.reasonCode = ack.reasonCode
      return this.#link && writePubrel(this.#link, ack.packetId, this.#releasing(publication))
    }
    inFlight.acknowledged(publication)
    this.#onWire.remove(publication)
    suspects.passed(publication)
    settlement.acknowledged(publication, ack)
    this.#acknowledged++
    if (isRefusal(ack)) this.#pace.refused(ack.reasonCode)
    this.#soon.schedule()
    if (this.#claim === 'alone' && this.#onWire.size === 0) this.#onQuiet()
  }

  /** The socket has taken QoS 0 publications: see `LinkEvents.written`. */
  written(count: number): void {
    this.#pace.passed(count)
    this.backlog.unwritten.written(count)
  }

  /** Tells the pace once for each turn, because asking for the time costs more than an acknowledgement. */
  #countPassed(): void {
    if (this.#acknowledged === 0) return
    this.#pace.passed(this.#acknowledged)
    this.#acknowledged = 0
  }

  /** Called before PUBREL is sent: the journal has to record a durable publication as released first. */
  #releasing(publication: Publication): Promise<void> | undefined {
    return publication.durable ? this.#journal?.released(publication) : undefined
  }

  get #state(): SenderState {
    return senderState(this.#phase, this.#work, this.#claim)
  }

  /** Writes, in order, what may be written now. */
  #proceed(): void {
    const link = this.#link
    if (!link || !writesInFlight(this.#state)) return
    const isReady = this.#phase === 'publishing' || this.#phase === 'announcing'
    if (isReady) this.#takeDue()
    if (this.#work === 'resending' && this.#resend.proceed(link, isReady)) this.#work = 'nothing'
    while (writesNew(this.#state)) {
      const queue = (this.#phase === 'announcing' && this.#birth) || this.backlog.outbox
      const publication = queue.peek(this.#time())
      if (!publication || !this.#mayWrite(publication, link)) return
      if (publication.durable && this.#journal) return this.#journalIds(this.#journal, link)
      queue.shift(publication)
      this.#write(publication, link)
    }
  }

  /** Tries a suspect whose turn has come, in its place among the publications in flight. */
  #takeDue(): void {
    const { outbox, inFlight, suspects } = this.backlog
    if (!suspects.takeDue(outbox.size > 0 || inFlight.size > suspects.size)) return
    this.#onWire.forgetSignOfLife()
    this.#resend.begin(inFlight.values())
    this.#work = 'resending'
  }

  #sendNow(publication: Publication): boolean {
    const link = this.#link
    if (!link || publication.durable || this.#phase !== 'publishing' || !this.#mayWrite(publication, link)) return false
    this.#write(publication, link)
    return true
  }

  /** Whether a publication that is not in flight yet may be written now. This is the only place that decides it. */
  #mayWrite(publication: Publication, link: Link): boolean {
    if (!writesNew(this.#state) || !link.writable || this.#onWire.closed) return false
    if (publication.qos === 0) return this.#pace.mayWrite()
    if (!this.#onWire.mayAdd(publication, link, true) || !this.backlog.inFlight.hasIdFor(publication)) return false
    return this.#pace.mayWrite()
  }

  #write(publication: Publication, link: Link): void {
    if (this.#writer.refuse(publication, link)) return
    const { outbox, inFlight, unwritten } = this.backlog
    if (publication.qos === 0) {
      unwritten.add(publication)
      return this.#writer.write(publication, link)
    }
    if (inFlight.add(publication) === null) return outbox.addFirst([publication])
    this.#onWire.add(publication)
    this.#writer.write(publication, link)
  }

  /** Writes packet ids to the journal. Nothing is sent meanwhile, so that nothing overtakes these publications. */
  #journalIds(journal: Journal, link: Link): void {
    const { outbox, inFlight } = this.backlog
    const path = { outbox, inFlight, onWire: this.#onWire, time: this.#time }
    const batch = takeDurableBatch(path, link, (publication) => this.#writer.refuse(publication, link))
    if (batch.length === 0) return this.#soon.schedule()
    this.#work = 'journaling'
    void journal.sent(batch).then(() => {
      this.#work = 'resending'
      // A new connection resends all publications in flight, and these are among them.
      if (this.#link === link) this.#resend.begin(batch)
      this.#proceed()
    })
  }

  /** A publication can't be encoded. Nothing was sent. */
  #notWritten(publication: Publication, error: unknown): void {
    if (publication.qos === 0) this.backlog.unwritten.removeLast()
    if (publication.onWire) this.#onWire.remove(publication)
    this.backlog.withdraw(publication, error)
    this.#soon.schedule()
  }

  /** Finds the publication on which the broker closed the connection: see `Suspects`. @returns whether there is one */
  #blame(failure: Failure | undefined, othersOnWire: boolean): boolean {
    const { inFlight, suspects, settlement, quarantine } = this.backlog
    const unacked = [...inFlight.values()].filter(({ onWire }) => onWire)
    const verdict = suspects.closed(unacked, blameOf(failure), this.#onWire.alone && !othersOnWire)
    if (verdict?.kind !== 'poison') return verdict !== undefined
    inFlight.giveUp(verdict.packet, 'hold')
    settlement.poison(verdict.packet, quarantine)
    return true
  }
}
