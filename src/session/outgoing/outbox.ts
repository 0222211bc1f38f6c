import { OutboxOverflowError, PublishExpiredError, PublishSupersededError } from '../../api/errors.ts'
import type { OutboxOptions } from '../../api/options.ts'
import { Displacements } from './displacements.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { Publication } from './publication.ts'

/** The publications that wait to be sent, in order, with a limit on messages and bytes. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #onRemoved: (publication: Publication, error: unknown) => void
  readonly #latest = new Map<string, Publication>()
  /** Displaced publications keep their places in the queue, but no longer count. */
  readonly #displacements = new Displacements()
  readonly #expiries = new ExpiryQueue()
  #queue: Publication[] = []
  /** All entries before this index have left. Those that left from the middle stay until the head passes them. */
  #head = 0
  #size = 0
  #bytes = 0

  /** @param onRemoved - called for each publication that was rejected individually */
  constructor(options: OutboxOptions, onRemoved: (publication: Publication, error: unknown) => void) {
    this.#options = options
    this.#onRemoved = onRemoved
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Accepts a publication, or throws and leaves it to the caller. The publications that it displaces are rejected. If
   * it is durable, that happens once it is on disk.
   *
   * @throws {OutboxOverflowError} if there is no room, and the policy does not make room
   */
  add(publication: Publication): void {
    this.#makeRoom(publication, this.#latestLike(publication))
    for (let superseded = this.#latestLike(publication); superseded; superseded = this.#latestLike(publication)) {
      this.#displace(superseded, publication, new PublishSupersededError(superseded.topic))
    }
    this.#queue.push(publication)
    this.#expiries.add(publication)
    this.#enter(publication)
  }

  /** Puts publications at the front, in their order. The limits do not apply: they were accepted before. */
  addFirst(publications: readonly Publication[]): void {
    this.#queue = [...publications, ...this.waiting()]
    this.#head = 0
    // In reverse order, because a newer one with the same `latest` key may be among them.
    for (const publication of publications.toReversed()) this.#comeBack(publication)
    this.#expiries.refill(this.waiting())
  }

  /** A publication is on disk: those that it displaced leave for good. */
  stored(publication: Publication): void {
    publication.onDisk = true
    if (this.#displacements.size === 0) return
    for (let next = this.#displacements.of(publication); next; next = this.#displacements.of(publication)) {
      this.remove(next.victim, next.error)
    }
  }

  /**
   * The next publication to send; `undefined` while it is undecided whether it is displaced. Expired ones are rejected.
   */
  peek(now: number): Publication | undefined {
    for (;;) {
      const publication = this.#queue[this.#head]
      if (publication === undefined) return undefined
      if (publication.phase !== 'waiting') this.#head++
      else if (publication.deadline <= now) this.remove(publication, new PublishExpiredError(publication.topic))
      else return this.#displacements.has(publication) ? undefined : publication
    }
  }

  /** Removes the publication that `peek` returned. */
  shift(publication: Publication): void {
    this.#head++
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
  }

  /** Removes and rejects all publications, except those that `keeps` selects. */
  clear(error: unknown, keeps: (publication: Publication) => boolean): void {
    for (const publication of this.waiting()) {
      if (!keeps(publication)) this.#reject(publication, error)
    }
  }

  /** All waiting publications, in order. */
  waiting(): Publication[] {
    return this.#queue.slice(this.#head).filter((publication) => publication.phase === 'waiting')
  }

  /** When the first publication expires, in the time of the session's clock; `Infinity` if none does. */
  nextExpiry(): number {
    return this.#expiries.first()?.deadline ?? Number.POSITIVE_INFINITY
  }

  /** @param superseded - leaves in any case, so its room counts as free */
  #makeRoom(publication: Publication, superseded: Publication | undefined): void {
    const { maxMessages, maxBytes, overflow } = this.#options
    if (this.#size < maxMessages && this.#bytes + publication.bytes <= maxBytes) return
    const leaving = () => (superseded && this.#counts(superseded) ? superseded : undefined)
    const full = () =>
      this.#size + 1 - (leaving() ? 1 : 0) > maxMessages ||
      this.#bytes + publication.bytes - (leaving()?.bytes ?? 0) > maxBytes
    if (!full()) return
    // A publication that could never fit displaces no other.
    if (overflow === 'reject' || publication.bytes > maxBytes || maxMessages < 1) {
      throw new OutboxOverflowError(publication.topic, overflow)
    }
    while (full()) {
      const victim = overflow === 'drop-oldest' ? this.#oldest() : this.#newest()
      if (!victim) throw new OutboxOverflowError(publication.topic, overflow)
      this.#displace(victim, publication, new OutboxOverflowError(victim.topic, overflow))
    }
  }

  #oldest(): Publication | undefined {
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.phase !== 'waiting') this.#head++
    for (let at = this.#head; at < this.#queue.length; at++) {
      const publication = this.#queue[at]
      if (publication && this.#counts(publication)) return publication
    }
    return undefined
  }

  #newest(): Publication | undefined {
    while (this.#queue.length > this.#head && this.#queue.at(-1)?.phase !== 'waiting') this.#queue.pop()
    for (let at = this.#queue.length - 1; at >= this.#head; at--) {
      const publication = this.#queue[at]
      if (publication && this.#counts(publication)) return publication
    }
    return undefined
  }

  #latestLike({ latest }: Publication): Publication | undefined {
    return latest === undefined ? undefined : this.#latest.get(latest)
  }

  #counts(publication: Publication): boolean {
    return publication.phase === 'waiting' && !this.#displacements.has(publication)
  }

  #displace(victim: Publication, successor: Publication, error: Error): void {
    if (!successor.durable || successor.onDisk) return this.remove(victim, error)
    this.#uncount(victim)
    this.#displacements.add({ victim, successor, error })
  }

  /** Puts a publication back. A newer one with the same `latest` key may be waiting by now. */
  #comeBack(publication: Publication): void {
    const newer = this.#latestLike(publication)
    this.#enter(publication)
    if (newer) this.#displace(publication, newer, new PublishSupersededError(publication.topic))
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
    if (this.#queue.length <= most && this.#expiries.size <= most) return
    this.#queue = this.waiting()
    this.#head = 0
    this.#expiries.refill(this.#queue)
  }
}
