import type { Failure } from '../../machines/failure.ts'
import type { EventQueue } from './event-queue.ts'

/** The client's side of an attempt. */
export interface ModelClient {
  opened(): void
  failed(failure: Failure): void
}

/** One attempt, which may become a connection. */
export interface ModelAttempt {
  /** The client gives up. The broker notices this only when it handles the attempt. */
  abandon(): void
}

export interface BrokerModelOptions {
  /** How many connections per second the broker can accept. */
  readonly capacity: number
  /** How many attempts may wait. Further attempts are refused at once. */
  readonly backlog: number
  /** In milliseconds. */
  readonly roundTrip: number
}

const REFUSED: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connection refused' }
const RESET: Failure = { kind: 'socket', code: 'ECONNRESET', message: 'connection reset' }

/**
 * A broker that only accepts connections, one after another. An abandoned attempt costs as much as any other, because the
 * broker completes the handshake before it notices.
 */
export class BrokerModel {
  readonly #queue: EventQueue
  readonly #options: BrokerModelOptions
  readonly #connections = new Set<Attempt>()
  /** When all waiting attempts will have been handled. */
  #busyUntil = 0
  #up = true
  /** The number of attempts in each second. */
  readonly arrivals: number[] = []
  refused = 0
  abandoned = 0

  constructor(queue: EventQueue, options: BrokerModelOptions) {
    this.#queue = queue
    this.#options = options
  }

  get connections(): number {
    return this.#connections.size
  }

  connect(client: ModelClient): ModelAttempt {
    const now = this.#queue.now()
    const second = Math.floor(now / 1_000)
    this.arrivals[second] = (this.arrivals[second] ?? 0) + 1
    const attempt = new Attempt(client, () => this.#connections.delete(attempt))
    const { capacity, backlog, roundTrip } = this.#options
    const waiting = (Math.max(this.#busyUntil, now) - now) * (capacity / 1_000)
    if (!this.#up || waiting >= backlog) {
      this.refused++
      this.#queue.at(now + roundTrip, () => attempt.fail(REFUSED))
      return attempt
    }
    this.#busyUntil = Math.max(this.#busyUntil, now) + 1_000 / capacity
    this.#queue.at(this.#busyUntil + roundTrip, () => {
      if (!attempt.live) this.abandoned++
      else if (!this.#up) attempt.fail(RESET)
      else {
        this.#connections.add(attempt)
        attempt.open()
      }
    })
    return attempt
  }

  /** The broker fails. All clients notice it within the given time, in milliseconds. */
  down(within: number, random: () => number): void {
    this.#up = false
    this.#busyUntil = 0
    for (const attempt of this.#connections) {
      this.#queue.at(this.#queue.now() + within * random(), () => attempt.fail(RESET))
    }
    this.#connections.clear()
  }

  up(): void {
    this.#up = true
  }
}

class Attempt implements ModelAttempt {
  readonly #client: ModelClient
  readonly #onGone: () => void
  live = true

  constructor(client: ModelClient, onGone: () => void) {
    this.#client = client
    this.#onGone = onGone
  }

  open(): void {
    this.#client.opened()
  }

  fail(failure: Failure): void {
    if (this.live) this.#client.failed(failure)
  }

  abandon(): void {
    this.live = false
    this.#onGone()
  }
}
