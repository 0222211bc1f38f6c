import { OutboxOverflowError, PublishExpiredError, PublishSupersededError } from '../../api/errors.ts'
import type { OutboxOptions } from '../../api/options.ts'
import { Displacements } from './displacements.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { Publication } from './publication.ts'
import type { Shelf, Shelved } from './shelf.ts'
import { WaitingList } from './waiting-list.ts'

/** How much may wait, and what happens beyond it. */
export type OutboxBounds = Omit<OutboxOptions, 'rate'>

/** What the outbox reports of its shelf. */
export interface ShelfEvents {
  /** A publication was taken into memory. Called before it is in the outbox. */
  taken(publication: Publication): void
  /** A publication was removed from the shelf. */
  removed(error: Error): void
  /** There may be more to send. */
  ready(): void
}

/**
 * The publications that wait to be sent, in order, with a limit on messages and bytes.
 *
 * What an earlier process left may be more than fits into memory. Then the middle of the queue is on a shelf, on disk:
 * before it are those that were taken from it and those that come back from flight, and behind it those that this
 * process accepted. The shelf is read when what is before it has drained to half of what was read last.
 */
export class Outbox {
  readonly #options: OutboxBounds
  readonly #onRemoved: (publication: Publication, error: unknown) => void
  readonly #latest = new Map<string, Publication>()
  /** Displaced publications keep their places in the queue, but no longer count. */
  readonly #displacements = new Displacements()
  readonly #expiries = new ExpiryQueue()
  readonly #front = new WaitingList()
  /** What waits behind the shelf; empty if there is none. */
  readonly #behind = new WaitingList()
  #shelf: Shelf | undefined
  #shelfEvents: ShelfEvents | undefined
  /** The time of the session's clock less the milliseconds since 1970, for the shelf. */
  #timeOffset = 0
  /** How many may be before the shelf when it is read. */
  #refillBelow = 0
  #isTaking = false
  /** How many are in memory. */
  #size = 0
  #bytes = 0

  /** @param onRemoved - called for each publication that was rejected individually */
  constructor(options: OutboxBounds, onRemoved: (publication: Publication, error: unknown) => void) {
    this.#options = options
    this.#onRemoved = onRemoved
  }

  get size(): number {
    return this.#size + (this.#shelf?.size ?? 0)
  }

  get bytes(): number {
    return this.#bytes + (this.#shelf?.bytes ?? 0)
  }

  /** When the first of those in memory was accepted, in milliseconds since 1970; `null` if there is none. */
  get waitingSince(): number | null {
    const first = this.#size > 0 ? (this.#front.first() ?? this.#behind.first()) : undefined
    return first?.acceptedAt ?? null
  }

  /**
   * Takes over the rest of what an earlier process left. Whatever waits already is behind it.
   *
   * @param timeOffset - the time of the session's clock less the milliseconds since 1970
   */
  addShelf(shelf: Shelf, timeOffset: number, events: ShelfEvents): void {
    this.#behind.replace(this.waiting())
    this.#front.replace([])
    this.#shelf = shelf
    this.#shelfEvents = events
    this.#timeOffset = timeOffset
    for (const [key, newer] of this.#latest) {
      const older = shelf.latest(key)
      if (older) this.#displace(older, newer, superseded)
    }
  }

  /**
   * Accepts a publication, or throws and leaves it to the caller. The publications that it displaces are rejected. If
   * it is durable, that happens once it is on disk.
   *
   * @throws {OutboxOverflowError} if there is no room, and the policy does not make room
   */
  add(publication: Publication): void {
    this.#makeRoom(publication, this.#latestLike(publication))
    for (let older = this.#latestLike(publication); older; older = this.#latestLike(publication)) {
      this.#displace(older, publication, superseded)
    }
    if (this.#shelf) this.#behind.push(publication)
    else this.#front.push(publication)
    this.#expiries.add(publication)
    this.#enter(publication)
  }

  /** Puts publications at the front, in their order. The limits do not apply: they were accepted before. */
  addFirst(publications: readonly Publication[]): void {
    this.#front.replace([...publications, ...this.#front.all()])
    // In reverse order, because a newer one with the same `latest` key may be among them.
    for (const publication of publications.toReversed()) this.#comeBack(publication)
    this.#expiries.refill(this.waiting())
  }

  /** A publication is on disk: those that it displaced leave for good. */
  stored(publication: Publication): void {
    publication.onDisk = true
    if (this.#displacements.size === 0) return
    for (let next = this.#displacements.of(publication); next; next = this.#displacements.of(publication)) {
      this.#drop(next.victim, next.error)
    }
  }

  /**
   * The next publication to send; `undefined` while it is undecided whether it is displaced, and while it is read from
   * the shelf. Expired ones are rejected.
   */
  peek(now: number): Publication | undefined {
    for (;;) {
      if (this.#shelf) this.#refill(this.#shelf)
      const publication = this.#front.first()
      if (publication === undefined) return undefined
      if (publication.deadline > now) return this.#displacements.has(publication) ? undefined : publication
      this.remove(publication, new PublishExpiredError(publication.topic))
    }
  }

  /** Removes the publication that `peek` returned. */
  shift(publication: Publication): void {
    this.#front.shift()
    this.#leave(publication)
  }

  /** Removes and rejects a waiting publication. */
  remove(publication: Publication, error: unknown): void {
    if (publication.phase !== 'waiting') return
    this.#reject(publication, error)
    this.#onRemoved(publication, error)
  }

  /** Removes and rejects all expired publications. */
  expire(now: number): void {
    for (let next = this.#expiries.first(); next && next.deadline <= now; next = this.#expiries.first()) {
      this.remove(next, new PublishExpiredError(next.topic))
    }
    for (const shelved of this.#shelf?.expired(now - this.#timeOffset) ?? []) this.#drop(shelved, expired)
  }

  /** Removes and rejects all publications, except those that `keeps` selects. */
  clear(error: unknown, keeps: (publication: Publication) => boolean): void {
    for (const publication of this.waiting()) {
      if (!keeps(publication)) this.#reject(publication, error)
    }
  }

  /** All waiting publications in memory, in order. */
  waiting(): Publication[] {
    return [...this.#front.all(), ...this.#behind.all()]
  }

  /** When the first publication expires, in the time of the session's clock; `Infinity` if none does. */
  nextExpiry(): number {
    const first = this.#expiries.first()?.deadline ?? Number.POSITIVE_INFINITY
    return Math.min(first, (this.#shelf?.nextExpiry ?? Number.POSITIVE_INFINITY) + this.#timeOffset)
  }

  /** Reads the shelf if it is time. */
  #refill(shelf: Shelf): void {
    if (shelf.isEmpty) {
      this.#front.replace(this.waiting())
      this.#behind.replace([])
      this.#shelf = undefined
      return
    }
    if (this.#isTaking || this.#front.left > this.#refillBelow || !shelf.isReady) return
    this.#isTaking = true
    void shelf.take().then((publications) => {
      this.#isTaking = false
      this.#refillBelow = publications.length / 2
      for (const publication of publications) this.#take(publication)
      this.#shelfEvents?.ready()
    })
  }

  #take(publication: Publication): void {
    this.#shelfEvents?.taken(publication)
    this.#front.push(publication)
    this.#expiries.add(publication)
    this.#comeBack(publication)
  }

  /** @param older - leaves in any case, so its room counts as free */
  #makeRoom(publication: Publication, older: Publication | Shelved | undefined): void {
    const { maxMessages, maxBytes, overflow } = this.#options
    if (this.size < maxMessages && this.bytes + publication.bytes <= maxBytes) return
    const leaving = () => (older && this.#counts(older) ? older : undefined)
    const full = () =>
      this.size + 1 - (leaving() ? 1 : 0) > maxMessages ||
      this.bytes + publication.bytes - (leaving()?.bytes ?? 0) > maxBytes
    if (!full()) return
    // A publication that could never fit displaces no other.
    if (overflow === 'reject' || publication.bytes > maxBytes || maxMessages < 1) {
      throw new OutboxOverflowError(publication.topic, overflow)
    }
    while (full()) {
      const victim = overflow === 'drop-oldest' ? this.#oldest() : this.#newest()
      if (!victim) throw new OutboxOverflowError(publication.topic, overflow)
      this.#displace(victim, publication, (topic) => new OutboxOverflowError(topic, overflow))
    }
  }

  #oldest(): Publication | Shelved | undefined {
    const counts = (publication: Publication) => this.#counts(publication)
    return this.#front.oldest(counts) ?? this.#shelf?.oldest() ?? this.#behind.oldest(counts)
  }

  #newest(): Publication | Shelved | undefined {
    const counts = (publication: Publication) => this.#counts(publication)
    return this.#behind.newest(counts) ?? this.#shelf?.newest() ?? this.#front.newest(counts)
  }

  #latestLike({ latest }: Publication | Shelved): Publication | Shelved | undefined {
    return latest === undefined ? undefined : (this.#latest.get(latest) ?? this.#shelf?.latest(latest))
  }

  /** Whether it counts towards the limits. */
  #counts(each: Publication | Shelved): boolean {
    if (this.#displacements.has(each)) return false
    return each instanceof Publication ? each.phase === 'waiting' : this.#shelf?.counts(each) === true
  }

  #displace(victim: Publication | Shelved, successor: Publication | Shelved, errorOf: (topic: string) => Error): void {
    // All on the shelf are on disk.
    const isUndecided = successor instanceof Publication && successor.durable && !successor.onDisk
    if (!isUndecided) return this.#drop(victim, errorOf)
    if (victim instanceof Publication) this.#uncount(victim)
    else this.#shelf?.hold(victim)
    this.#displacements.add({ victim, successor, error: errorOf })
  }

  #drop(victim: Publication | Shelved, errorOf: (topic: string) => Error): void {
    if (victim instanceof Publication) return this.remove(victim, errorOf(victim.topic))
    this.#displacements.delete(victim)
    void this.#shelf?.remove(victim).then((topic) => {
      if (topic !== undefined) this.#shelfEvents?.removed(errorOf(topic))
    })
  }

  /** Puts one back. A newer one with the same `latest` key may be waiting by now. */
  #comeBack(each: Publication | Shelved): void {
    const newer = this.#latestLike(each)
    if (each instanceof Publication) this.#enter(each)
    else this.#shelf?.release(each)
    if (newer) this.#displace(each, newer, superseded)
  }

  #enter(publication: Publication): void {
    this.#size++
    this.#bytes += publication.bytes
    if (publication.latest !== undefined && !this.#latest.has(publication.latest)) {
      this.#latest.set(publication.latest, publication)
    }
  }

  #leave(publication: Publication): void {
    const own = this.#displacements.delete(publication)
    if (!own) this.#uncount(publication)
    for (let next = this.#displacements.of(publication); next; next = this.#displacements.of(publication)) {
      this.#displacements.delete(next.victim)
      if (own) this.#displacements.add({ ...next, successor: own.successor })
      else this.#comeBack(next.victim)
    }
    this.#compact()
  }

  #uncount(publication: Publication): void {
    this.#size--
    this.#bytes -= publication.bytes
    if (publication.latest !== undefined && this.#latest.get(publication.latest) === publication) {
      this.#latest.delete(publication.latest)
    }
  }

  #reject(publication: Publication, error: unknown): void {
    publication.phase = 'settled'
    this.#leave(publication)
    publication.reject(error)
  }

  /** Drops the entries that have left, once they are the majority. */
  #compact(): void {
    const most = 64 + 2 * (this.#size + this.#displacements.size)
    const places = this.#front.places + this.#behind.places
    if (places <= most && this.#expiries.size <= most) return
    this.#front.replace(this.#front.all())
    this.#behind.replace(this.#behind.all())
    this.#expiries.refill(this.waiting())
  }
}

function superseded(topic: string): Error {
  return new PublishSupersededError(topic)
}

function expired(topic: string): Error {
  return new PublishExpiredError(topic)
}
