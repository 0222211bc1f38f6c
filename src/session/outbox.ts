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
  readonly #latest = new Map<string, Publication>()
  #queue: Publication[] = []
  /** Everything before it has left. Entries that left from the middle stay until they are passed. */
  #head = 0
  #size = 0
  #bytes = 0

  constructor(options: OutboxOptions) {
    this.#options = options
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
    if (superseded) this.remove(superseded, new PublishSupersededError(superseded.topic))
    this.#makeRoom(publication)
    this.#queue.push(publication)
    this.#enter(publication)
  }

  /** Puts publications in front of all others, in their order, whatever the bounds: they were accepted before. */
  addFirst(publications: readonly Publication[]): void {
    this.#queue = [...publications, ...this.#queue.slice(this.#head)]
    this.#head = 0
    for (const publication of publications) this.#enter(publication)
  }

  /** The next to send. What has expired meanwhile is rejected. */
  peek(now: number): Publication | undefined {
    for (;;) {
      const publication = this.#queue[this.#head]
      if (publication === undefined) return this.#compact()
      if (publication.phase !== 'waiting') this.#head++
      else if (publication.expiresAt <= now) this.remove(publication, new PublishExpiredError(publication.topic))
      else return publication
    }
  }

  /** Takes out what `peek` gave. */
  shift(publication: Publication): void {
    this.#head++
    this.#leave(publication)
    if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  /** Takes out and rejects one that waits. */
  remove(publication: Publication, error: unknown): void {
    if (publication.phase !== 'waiting') return
    publication.phase = 'settled'
    this.#leave(publication)
    publication.reject(error)
  }

  /** Takes out and rejects all that have expired. */
  expire(now: number): void {
    for (const publication of this.waiting()) {
      if (publication.expiresAt <= now) this.remove(publication, new PublishExpiredError(publication.topic))
    }
  }

  /** Takes out and rejects everything. */
  clear(error: (publication: Publication) => unknown): void {
    for (const publication of this.waiting()) this.remove(publication, error(publication))
    this.#compact()
  }

  /** All that wait, in order. */
  waiting(): Publication[] {
    return this.#queue.slice(this.#head).filter((publication) => publication.phase === 'waiting')
  }

  /** When the first of them expires, in milliseconds since 1970; `Infinity` if none does. */
  nextExpiry(): number {
    return this.waiting().reduce((next, { expiresAt }) => Math.min(next, expiresAt), Number.POSITIVE_INFINITY)
  }

  #makeRoom(publication: Publication): void {
    const { maxMessages, maxBytes, overflow } = this.#options
    const full = () => this.#size + 1 > maxMessages || this.#bytes + publication.bytes > maxBytes
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
    if (publication.latest !== undefined) this.#latest.set(publication.latest, publication)
  }

  #leave(publication: Publication): void {
    this.#size--
    this.#bytes -= publication.bytes
    if (publication.latest !== undefined && this.#latest.get(publication.latest) === publication) {
      this.#latest.delete(publication.latest)
    }
  }

  #compact(): undefined {
    this.#queue = []
    this.#head = 0
  }
}
