import type { Clock } from '../api/clock.ts'
import { AwaitedAnswer } from './awaited-answer.ts'
import type { Line } from './line.ts'

export interface KeepAliveOptions {
  readonly clock: Clock
  readonly line: Line
  /** After how much silence in one direction PINGREQ is sent, in milliseconds. */
  readonly interval: number
  /** How long the answer may take, in milliseconds. */
  readonly limit: number
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
 * then the broker has some time for an answer.
 *
 * One timer looks now and then at when bytes passed. Nothing is scheduled for a packet, except for the first that arrives
 * after a look: a browser delays a timer in a hidden page for up to a minute, but only if timers have set each other
 * several times in a row (https://developer.chrome.com/blog/timer-throttling-in-chrome-88).
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  /** Created with the first PINGREQ. */
  #answer: AwaitedAnswer | undefined
  #timer: unknown
  /** Whether a timer has set the timer. */
  #isChained = false

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.#lookAfter(options.interval)
  }

  /** Something arrived. */
  heard(): void {
    if (this.#answer?.isAwaited) this.#answer.end()
    else if (this.#isChained) this.#options.clock.clearTimeout(this.#timer)
    else return
    this.#isChained = false
    this.#lookAfter(this.#left)
  }

  stop(): void {
    this.#answer?.end()
    this.#options.clock.clearTimeout(this.#timer)
    // What arrives afterwards would set it again.
    this.#isChained = false
  }

  get #left(): number {
    const { line, interval } = this.#options
    return Math.min(line.sentAt, line.heardAt) + interval - line.now
  }

  #lookAfter(delay: number): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#look(), Math.max(0, Math.ceil(delay)))
  }

  #look(): void {
    const left = this.#left
    this.#isChained = left > 0
    if (this.#isChained) return this.#lookAfter(left)
    const { clock, line, limit, port } = this.#options
    this.#answer ??= new AwaitedAnswer({ clock, line, limit, onLate: () => port.silent() })
    this.#answer.begin(() => port.pingreq())
  }
}
