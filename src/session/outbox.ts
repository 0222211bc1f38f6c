import { OutboxOverflowError, PublishExpiredError, PublishSupersededError } from '../errors.ts'
import type { Publication } from './publication.ts'

export interface OutboxOptions {
  /** @default 10_000 */
  readonly maxMessages: number
  /** Of topics and payloads. @default 64 MiB */
  readonly maxBytes: number
  /**
   * What happens when a message finds the outbox full: it is rejected, or it displaces the oldest, or the newest, that
   * waits.
   *
   * @default 'reject'
   */
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest'
}

/** The publishes that wait for a connection, in order, bounded by messages and bytes. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #onRemoved: (publication: Publication, error: unknown) => void
  readonly #latest = new Map<string, Publication>()
  #queue: Publication[] = []
  /** Everything before it has left. Entries that left from the middle stay until they are passed. */
  #head = 0
  #size = 0
  #bytes = 0

  /** @param onRemoved - told of each publication that was rejected one by one */
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
   * Accepts a publication, or throws and leaves it to the caller. What it displaces is rejected.
   *
   * @throws {OutboxOverflowError} if there is no room and the policy makes none
   */
  add(publication: Publication): void {
    const superseded = publication.latest === undefined ? undefined : this.#latest.get(publication.latest)
    this.#makeRoom(publication, superseded)
    if (superseded) this.remove(superseded, new PublishSupersededError(superseded.topic))
    this.#queue.push(publication)
    this.#enter(publication)
  }

  /** Puts publications in front of all others, in their order, whatever the bounds: they were accepted before. */
  addFirst(publications: readonly Publication[]): void {
    this.#queue = [...publications, ...this.waiting()]
    this.#head = 0
    // From the last to the first: a newer one with the same `latest` key may wait, or be among them.
    for (const publication of publications.toReversed()) {
      const newer = publication.latest !== undefined && this.#latest.has(publication.latest)
      this.#enter(publication)
      if (newer) this.remove(publication, new PublishSupersededError(publication.topic))
    }
  }

  /** The next to send. What has expired meanwhile is rejected. */
  peek(now: number): Publication | undefined {
    for (;;) {
      const publication = this.#queue[this.#head]
      if (publication === undefined) return undefined
      if (publication.phase !== 'waiting') this.#head++
      else if (publication.expiresAt <= now) this.remove(publication, new PublishExpiredError(publication.topic))
      else return publication
    }
  }

  /** Takes out what `peek` gave. */
  shift(publication: Publication): void {
    this.#head++
    this.#leave(publication)
  }

  /** Takes out and rejects one that waits. */
  remove(publication: Publication, error: unknown): void {
    if (publication.phase !== 'waiting') return
    this.#reject(publication, error)
    this.#onRemoved(publication, error)
  }

  /** Takes out and rejects all that have expired. */
  expire(now: number): void {
    for (const publication of this.waiting()) {
      if (publication.expiresAt <= now) this.remove(publication, new PublishExpiredError(publication.topic))
    }
  }

  /** Takes out and rejects everything, except what is to be kept. */
  clear(error: (publication: Publication) => unknown, keeps: (publication: Publication) => boolean): void {
    for (const publication of this.waiting()) {
      if (!keeps(publication)) this.#reject(publication, error(publication))
    }
  }

  /** All that wait, in order. */
  waiting(): Publication[] {
    return this.#queue.slice(this.#head).filter((publication) => publication.phase === 'waiting')
  }

  /** When the first of them expires, in milliseconds since 1970; `Infinity` if none does. */
  nextExpiry(): number {
    return this.waiting().reduce((next, { expiresAt }) => Math.min(next, expiresAt), Number.POSITIVE_INFINITY)
  }

  /** @param superseded - leaves in any case */
  #makeRoom(publication: Publication, superseded: Publication | undefined): void {
    const { maxMessages, maxBytes, overflow } = this.#options
    const leaving = () => (superseded?.phase === 'waiting' ? superseded : undefined)
    const full = () =>
      this.#size + 1 - (leaving() ? 1 : 0) > maxMessages ||
      this.#bytes + publication.bytes - (leaving()?.bytes ?? 0) > maxBytes
    if (!full()) return
    // One that could never fit displaces nobody.
    if (overflow === 'reject' || publication.bytes > maxBytes || maxMessages < 1) {
      throw new OutboxOverflowError(publication.topic, overflow)
    }
    while (full()) {
      const victim = overflow === 'drop-oldest' ? this.#oldest() : this.#newest()
      if (!victim) throw new OutboxOverflowError(publication.topic, overflow)
      this.remove(victim, new OutboxOverflowError(victim.topic, overflow))
    }
  }

  #oldest(): Publication | undefined {
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.phase !== 'waiting') this.#head++
    return this.#queue[this.#head]
  }

  #newest(): Publication | undefined {
    while (this.#queue.length > this.#head && this.#queue.at(-1)?.phase !== 'waiting') this.#queue.pop()
    return this.#queue.length > this.#head ? this.#queue.at(-1) : undefined
  }

  #enter(publication: Publication): void {
    this.#size++
    this.#bytes += publication.bytes
    if (publication.latest !== undefined && !this.#latest.has(publication.latest)) {
      this.#latest.set(publication.latest, publication)
    }
  }

  #leave(publication: Publication): void {
    this.#size--
    this.#bytes -= publication.bytes
    if (publication.latest !== undefined && this.#latest.get(publication.latest) === publication) {
      this.#latest.delete(publication.latest)
    }
    this.#compact()
  }

  #reject(publication: Publication, error: unknown): void {
    publication.phase = 'settled'
    this.#leave(publication)
    publication.reject(error)
  }

  /** Forgets the entries that have left, once they are the most. */
  #compact(): void {
    if (this.#queue.length <= 64 + 2 * this.#size) return
    this.#queue = this.waiting()
    this.#head = 0
  }
}
