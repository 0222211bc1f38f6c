import type { TrafficStatus } from '../api/status.ts'
import { type AnySocket, type Traffic, trafficOf } from './traffic.ts'

/**
 * The slowest network that is reckoned with, in bytes a millisecond. What was written may still be under way in buffers
 * of the operating system and of proxies, where it can't be seen, and the answer to a PINGREQ comes after it.
 */
const SLOWEST = 25

/** The buffers are finite: what was written is under way for at most this time, in milliseconds. */
const LONGEST_UNDER_WAY = 30_000

/**
 * When bytes passed on one connection, in both directions. Times are those of the clock, in milliseconds.
 *
 * Nothing is computed for a packet: `sent` is called for each write, and `heard` for each chunk.
 */
export class Line {
  readonly #time: () => number
  readonly #socket: () => AnySocket | undefined
  #written = 0
  #read = 0
  /** Until when what was written may be under way on a slow network. */
  #underWayUntil = 0
  /** The longest silence that ended with bytes of ours, and nothing has arrived since. */
  #unanswered = 0
  /** The longest silence after which something arrived. */
  #survived = 0
  sentAt: number
  heardAt: number

  /** @param socket - `undefined` until the connection has one */
  constructor(time: () => number, socket: () => AnySocket | undefined) {
    this.#time = time
    this.#socket = socket
    this.sentAt = this.heardAt = time()
  }

  /** Monotonic time in milliseconds. */
  get now(): number {
    return this.#time()
  }

  /** Something was written to the socket. */
  sent(bytes: number): void {
    const now = this.#time()
    this.#unanswered = Math.max(this.#unanswered, now - Math.max(this.sentAt, this.heardAt))
    this.sentAt = now
    this.#written += bytes
    this.#queue(now, bytes)
  }

  /** Something arrived. */
  heard(bytes = 0): void {
    this.#read += bytes
    const now = this.#time()
    this.#survived = Math.max(this.#survived, this.#unanswered, now - Math.max(this.sentAt, this.heardAt))
    this.#unanswered = 0
    this.heardAt = now
  }

  /** The broker has answered everything: nothing is under way. */
  caughtUp(): void {
    this.#underWayUntil = 0
  }

  /** The network has taken bytes that had waited. Only now they can be under way. */
  taken(bytes: number): void {
    this.#queue(this.#time(), bytes)
  }

  /** How long what was written may be under way, in milliseconds. */
  get underWay(): number {
    return Math.max(0, this.#underWayUntil - this.#time())
  }

  /** For how long no bytes have passed in either direction, in milliseconds. */
  get silence(): number {
    return this.#time() - Math.max(this.sentAt, this.heardAt)
  }

  /** The longest silence that ended with bytes of ours, which nothing has answered; 0 if there is none. */
  get unansweredSilence(): number {
    return this.#unanswered
  }

  /** The longest silence after which something arrived: nothing in between cuts the connection earlier. */
  get survivedSilence(): number {
    return this.#survived
  }

  get traffic(): Traffic | undefined {
    const socket = this.#socket()
    return socket && trafficOf(socket, this.#written)
  }

  /** How many bytes have passed: as the socket counts them, or else without what MQTT.js writes. */
  get bytes(): TrafficStatus {
    const { bytesWritten: sent, bytesRead: received } = (this.#socket() ?? {}) as Partial<Record<string, unknown>>
    if (typeof sent === 'number' && typeof received === 'number') return { sent, received }
    return { sent: this.#written, received: this.#read }
  }

  #queue(now: number, bytes: number): void {
    const until = Math.max(now, this.#underWayUntil) + bytes / SLOWEST
    this.#underWayUntil = Math.min(until, now + LONGEST_UNDER_WAY)
  }
}
