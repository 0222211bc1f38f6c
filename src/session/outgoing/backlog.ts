import type { Clock } from '../../api/clock.ts'
import type { OutboxOptions, QuarantineOptions } from '../../api/options.ts'
import type { OutboxStatus } from '../../api/status.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import { Outbox } from './outbox.ts'
import type { Publication } from './publication.ts'
import { Quarantine, type QuarantineEvents } from './quarantine.ts'
import { Settlement, type SettlementEvents } from './settlement.ts'
import { Suspects } from './suspects.ts'
import { Unwritten } from './unwritten.ts'

export interface BacklogConfig {
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
}

export interface BacklogEvents extends QuarantineEvents, SettlementEvents {
  /** Nothing waits any more, and nothing is in flight. */
  drained(): void
}

/** What the backlog asks of the sender that it belongs to. */
export interface BacklogPort {
  /** Something left the backlog, or was added to it: at the end of the turn more may be sent. */
  changed(): void
  /** A suspect may be tried again. */
  due(): void
}

/** The publications that are accepted and not settled: those that wait, and those that are in flight. */
export class Backlog {
  readonly outbox: Outbox
  readonly inFlight: InFlight
  readonly unwritten: Unwritten
  /** The publications on which the broker may close the connection. */
  readonly suspects: Suspects<Publication>
  /** The durable publications that were taken out, if there is a journal. */
  readonly quarantine: Quarantine | undefined
  readonly settlement: Settlement
  readonly #config: BacklogConfig
  readonly #events: BacklogEvents
  readonly #port: BacklogPort
  readonly #expiry: ExpiryTimer
  /** Whether `drained` is told once everything is settled: something had to wait, or is in flight. */
  #tellsDrained = false

  constructor(config: BacklogConfig, events: BacklogEvents, port: BacklogPort) {
    this.#config = config
    this.#events = events
    this.#port = port
    const { clock, time, journal, random } = config
    this.suspects = new Suspects(clock, config.quarantine, () => port.due())
    this.quarantine = journal && new Quarantine(journal, events, (publication) => this.restore([publication], []))
    const onSettled = () => this.#tellsDrained && port.changed()
    this.settlement = new Settlement({ journal, suspects: this.suspects, events, onSettled })
    this.unwritten = new Unwritten(this.settlement)
    this.inFlight = new InFlight(journal !== undefined, random)
    this.outbox = new Outbox(config.outbox, (publication, error) => {
      this.settlement.left(publication, error)
      port.changed()
    })
    this.#expiry = new ExpiryTimer(clock, time, () => {
      this.outbox.expire(time())
      this.#expiry.atLatest(this.outbox.nextExpiry())
    })
  }

  get status(): OutboxStatus {
    const { size, bytes } = this.outbox
    const quarantined = this.quarantine?.size ?? 0
    return { size, bytes, inFlight: this.inFlight.size, suspended: this.suspects.size, quarantined }
  }

  /** @returns whether it is empty; if not, `drained` tells when it is */
  awaitDrained(): boolean {
    const isDrained = this.#isDrained
    this.#tellsDrained ||= !isDrained
    return isDrained
  }

  /** Tells that it is empty, if that is awaited. */
  tellDrained(): void {
    if (!this.#tellsDrained || !this.#isDrained) return
    this.#tellsDrained = false
    this.#events.drained()
  }

  /** A publication has to wait. If there is no room, its promise is rejected. */
  add(publication: Publication): void {
    try {
      this.outbox.add(publication)
    } catch (error) {
      return this.settlement.fail(publication, error)
    }
    this.#expiry.atLatest(publication.deadline)
    if (publication.durable) this.#port.changed()
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
    for (const publication of inFlight) this.inFlight.resume(publication)
    for (const publication of quarantined) this.inFlight.hold(publication)
    this.quarantine?.restore(quarantined)
    this.#addFirst(waiting)
    this.#port.changed()
  }

  /** The broker lost our session: what it has not acknowledged becomes new publications, in front of all others. */
  sessionLost(): void {
    const { taken, unsent } = this.inFlight.lost()
    for (const publication of taken) this.settlement.succeed(publication)
    for (const publication of unsent) if (publication.aborted) this.settlement.finish(publication)
    this.#addFirst(unsent.filter(({ aborted }) => !aborted))
  }

  /** A publication can't be written to the journal, so it is not accepted after all; or it can't be encoded. */
  withdraw(publication: Publication, error: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, error)
    // In one turn it went to the journal, and its packet id after it.
    if (publication.phase !== 'sent' || publication.onWire) return
    this.inFlight.acknowledged(publication)
    this.settlement.fail(publication, error)
  }

  /** The application aborts it: it leaves the outbox, or, once it was sent, is not sent anew if the session is lost. */
  abort(publication: Publication, reason: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, reason)
    publication.aborted = true
    publication.reject(reason)
  }

  /** Rejects all of them. Durable publications stay: the next connection delivers them. */
  reject(error: unknown): void {
    const stays = (publication: Publication) => publication.durable && this.settlement.orphan(publication, error)
    this.outbox.clear(error, stays)
    for (const publication of [...this.inFlight.values(), ...this.unwritten.take()]) {
      if (stays(publication)) continue
      if (publication.qos > 0) this.inFlight.giveUp(publication, 'finish')
      this.suspects.forget(publication)
      publication.phase = 'settled'
      publication.reject(error)
    }
    this.#expiry.clear()
    this.#tellsDrained = !this.#isDrained
  }

  get #isDrained(): boolean {
    return this.outbox.size === 0 && this.inFlight.size === 0 && this.unwritten.size === 0
  }

  #addFirst(publications: readonly Publication[]): void {
    this.outbox.addFirst(publications)
    this.#expiry.atLatest(this.outbox.nextExpiry())
    this.awaitDrained()
  }
}
