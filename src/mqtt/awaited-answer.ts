import type { Clock } from '../api/clock.ts'
import type { Line } from './line.ts'
import type { Traffic } from './traffic.ts'

export interface AwaitedAnswerOptions {
  readonly clock: Clock
  readonly line: Line
  /** How long the answer to a PINGREQ may take, in milliseconds. */
  readonly limit: number
  readonly onLate: () => void
}

/**
 * How late a timer has to be, in milliseconds, to show that the event loop was busy. The answer may then wait to be read,
 * and it has as long again.
 */
const LATE = 100

/**
 * Waits for the answer to a PINGREQ. Anything that arrives is an answer, even a part of a packet, because a PINGRESP
 * comes after the data that the broker sent before.
 *
 * The PINGREQ, in turn, comes after the data that we sent before. While the network takes these, the connection lives,
 * and the limit begins again.
 */
export class AwaitedAnswer {
  readonly #options: AwaitedAnswerOptions
  #timer: unknown
  #isSending = false
  /** When the timer is due. */
  #due = 0
  #hasWaitedForReading = false
  /** When half of the limit had passed. Before that, the PINGREQ itself may wait in the socket for a moment. */
  #halfTime: Traffic | undefined

  constructor(options: AwaitedAnswerOptions) {
    this.#options = options
  }

  get isAwaited(): boolean {
    return this.#isSending || this.#timer !== undefined
  }

  /** @param send - sends the PINGREQ */
  begin(send: () => void): void {
    this.#isSending = true
    send()
    // A stream of the application may have passed the answer on before `write` returned.
    if (!this.#isSending) return
    this.#isSending = false
    this.#wait()
  }

  /** Something arrived, or nothing is awaited any more. */
  end(): void {
    this.#isSending = false
    if (this.#timer === undefined) return
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(): void {
    const { line, limit } = this.#options
    const half = Math.max(limit, line.underWay) / 2
    this.#hasWaitedForReading = false
    this.#after(half, () => {
      this.#halfTime = line.traffic
      this.#after(half, () => this.#decide())
    })
  }

  #after(delay: number, look: () => void): void {
    const { clock, line } = this.#options
    this.#due = line.now + delay
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined
      look()
    }, Math.ceil(delay))
  }

  #decide(): void {
    const { line, onLate } = this.#options
    if (this.#hasMoved()) return this.#wait()
    if (this.#hasWaitedForReading || line.now - this.#due < LATE) return onLate()
    this.#hasWaitedForReading = true
    this.#after(LATE, () => this.#decide())
  }

  /** Whether bytes have passed in the second half of the limit. */
  #hasMoved(): boolean {
    const { line } = this.#options
    const before = this.#halfTime
    const now = line.traffic
    if (!before || !now) return false
    if (now.arrived > before.arrived) return true
    // The operating system had no room for these bytes. The other side has acknowledged others since.
    const taken = before.isWaiting ? now.taken - before.taken : 0
    if (taken > 0) line.taken(taken)
    return taken > 0
  }
}
