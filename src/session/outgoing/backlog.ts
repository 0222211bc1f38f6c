import type { Clock } from '../../api/clock.ts'
import type { QuarantineOptions } from '../../api/options.ts'
import type { OutboxStatus } from '../../api/status.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import { Outbox, type OutboxBounds } from './outbox.ts'
import type { Publication } from './publication.ts'
import { Quarantine, type QuarantineEvents } from './quarantine.ts'
import { Settlement, type SettlementEvents } from './settlement.ts'
import type { Shelf } from './shelf.ts'
import { Suspects } from './suspects.ts'
import { Unwritten } from './unwritten.ts'

export interface BacklogConfig {
  readonly clock: Clock
  /** In milliseconds since 1970. Used for the waiting time of messages from an earlier process. */
  readonly now: () => number
  /** The monotonic time of the clock, in milliseconds. */
  readonly time: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Persists the durable publications, if the client has a store. */
  readonly journal: Journal | undefined
  readonly outbox: OutboxBounds
  readonly quarantine: QuarantineOptions
}

export interface BacklogEvents extends QuarantineEvents, SettlementEvents {
  /** Nothing waits any longer, and nothing is in flight. */
  drained(): void
}

/** What the backlog reports to its sender. */
export interface BacklogPort {
  /** A publication was added or has left: more may be sent at the end of the turn. */
  changed(): void
  /** A suspect may be tried again. */
  due(): void
}

/**
 * The publications that are accepted and not settled: those that wait and those in flight. No connection is needed for
 * anything here; the sender decides what is written when.
 */
export class Backlog {
  readonly outbox: Outbox
  readonly inFlight: InFlight
  readonly unwritten: Unwritten
  /** The publications on which the broker may close the connection. */
  readonly suspects: Suspects<Publication>
  /** The durable publications in quarantine, if there is a journal. */
  readonly quarantine: Quarantine | undefined
  readonly settlement: Settlement
  readonly #config: BacklogConfig
  readonly #events: BacklogEvents
  readonly #port: BacklogPort
  readonly #expiry: ExpiryTimer
  /** Whether `drained` has to be called when everything is settled. */
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

  get status(): Omit<OutboxStatus, 'rate'> {
    const { size, bytes, waitingSince } = this.outbox
    const quarantined = this.quarantine?.size ?? 0
    return { size, bytes, waitingSince, inFlight: this.inFlight.size, suspended: this.suspects.size, quarantined }
  }

  /** Whether nothing waits and nothing is in flight. */
  get isDrained(): boolean {
    return this.outbox.size === 0 && this.inFlight.size === 0 && this.unwritten.size === 0
  }

  /** @returns whether it is empty; if not, `drained` is called when it is */
  awaitDrained(): boolean {
    const isDrained = this.isDrained
    this.#tellsDrained ||= !isDrained
    return isDrained
  }

  /** Calls `drained` if that is due. */
  tellDrained(): void {
    if (!this.#tellsDrained || !this.isDrained) return
    this.#tellsDrained = false
    this.#events.drained()
  }

  /** Puts a publication into the outbox. If there is no room, its promise is rejected. */
  add(publication: Publication): void {
    try {
      this.outbox.add(publication)
    } catch (error) {
      return this.settlement.fail(publication, error)
    }
    this.#expiry.atLatest(publication.deadline)
    if (publication.durable) this.#port.changed()
  }

  /** Takes over what an earlier process left behind. Called before the first connection. */
  restore(
    waiting: readonly Publication[],
    inFlight: readonly Publication[],
    quarantined: readonly Publication[] = [],
    shelf?: Shelf,
  ): void {
    const wallClock = this.#config.now()
    const time = this.#config.time()
    const begin = (publication: Publication) => {
      publication.startedAt = time - Math.max(0, wallClock - publication.acceptedAt)
    }
    for (const publication of [...waiting, ...inFlight, ...quarantined]) begin(publication)
    if (shelf) {
      this.outbox.addShelf(shelf, time - wallClock, {
        taken: begin,
        removed: (error) => this.#events.orphanFailed(error),
        ready: () => this.#port.changed(),
      })
    }
    for (const publication of inFlight) this.inFlight.resume(publication)
    for (const publication of quarantined) this.inFlight.hold(publication)
    this.quarantine?.restore(quarantined)
    this.#addFirst(waiting)
    this.#port.changed()
  }

  /** The broker lost the session: unacked publications go back to the front of the outbox, to be sent as new ones. */
  sessionLost(): void {
    const { taken, unsent } = this.inFlight.lost()
    for (const publication of taken) this.settlement.succeed(publication)
    for (const publication of unsent) if (publication.aborted) this.settlement.finish(publication)
    this.#addFirst(unsent.filter(({ aborted }) => !aborted))
  }

  /** Rejects a publication that the journal could not write, or that can't be encoded. */
  withdraw(publication: Publication, error: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, error)
    // It may be in flight already: its packet id is written to the journal right after the publication itself.
    if (publication.phase !== 'sent' || publication.onWire) return
    this.inFlight.acknowledged(publication)
    this.settlement.fail(publication, error)
  }

  /** Aborts a publication. It leaves the outbox; if it was sent already, it is not sent again after a lost session. */
  abort(publication: Publication, reason: unknown): void {
    if (publication.phase === 'waiting') return this.outbox.remove(publication, reason)
    publication.aborted = true
    publication.reject(reason)
  }

  /** Rejects all publications. Durable ones stay, and the next connection delivers them. */
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
    this.#tellsDrained = !this.isDrained
  }

  #addFirst(publications: readonly Publication[]): void {
    this.outbox.addFirst(publications)
    this.#expiry.atLatest(this.outbox.nextExpiry())
    this.awaitDrained()
  }
}
