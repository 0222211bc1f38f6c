import type { Failure } from '../../machines/failure.ts'
import type { EventQueue } from './event-queue.ts'

/** A client's end of an attempt. */
export interface ModelClient {
  opened(): void
  failed(failure: Failure): void
}

/** One attempt, and then one connection. */
export interface ModelAttempt {
  /** The client is gone. The broker learns of it only when it turns to it. */
  abandon(): void
}

export interface BrokerModelOptions {
  /** Connections a second that it can take. */
  readonly capacity: number
  /** How many attempts may wait for their turn; those beyond are refused at once. */
  readonly backlog: number
  /** There and back, in milliseconds. */
  readonly roundTrip: number
}

const REFUSED: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connection refused' }
const RESET: Failure = { kind: 'socket', code: 'ECONNRESET', message: 'connection reset' }

/**
 * A broker that does nothing but take connections, one after the other. An attempt that its client has given up costs
 * it as much as any other: the handshake is done before anybody looks at the socket.
 */
export class BrokerModel {
  readonly #queue: EventQueue
  readonly #options: BrokerModelOptions
  readonly #connections = new Set<Attempt>()
  /** When it is done with all that wait. */
  #busyUntil = 0
  #up = true
  /** Attempts a second, by the second in which they arrived. */
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

  /** It dies: every client learns of it within the time given, in milliseconds. */
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
