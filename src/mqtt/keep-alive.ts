import type { Clock } from '../api/clock.ts'

export interface KeepAliveOptions {
  readonly clock: Clock
  /** Monotonic time in milliseconds. */
  readonly time: () => number
  /** In milliseconds. */
  readonly keepAlive: number
  readonly port: KeepAlivePort
}

export interface KeepAlivePort {
  /** Sends PINGREQ. */
  pingreq(): void
  /** The broker did not answer. */
  silent(): void
}

/**
 * The keep alive of one connection (MQTT 5 §3.1.2.10). It sends PINGREQ when nothing was sent for that long, so that the
 * broker keeps the connection, and when nothing was received for that long, to see whether the connection is half-open:
 * then the broker has half as long again for an answer. Anything that arrives is an answer.
 *
 * One timer looks now and then at when bytes passed. Nothing is scheduled for a packet.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  #sentAt: number
  #heardAt: number
  /** When the PINGREQ was sent that is not answered. */
  #pingedAt: number | undefined
  #timer: unknown

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.#sentAt = this.#heardAt = options.time()
    this.#lookAfter(options.keepAlive)
  }

  /** Something was sent. */
  sent(): void {
    this.#sentAt = this.#options.time()
  }

  /** Something arrived. */
  heard(): void {
    this.#heardAt = this.#options.time()
    this.#pingedAt = undefined
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
  }

  #lookAfter(delay: number): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#look(), Math.ceil(delay))
  }

  #look(): void {
    const { time, keepAlive, port } = this.#options
    const now = time()
    if (this.#pingedAt !== undefined) {
      const left = this.#pingedAt + keepAlive / 2 - now
      return left > 0 ? this.#lookAfter(left) : port.silent()
    }
    const left = Math.min(this.#sentAt, this.#heardAt) + keepAlive - now
    if (left > 0) return this.#lookAfter(left)
    port.pingreq()
    this.#sentAt = this.#pingedAt = now
    this.#lookAfter(keepAlive / 2)
  }
}
