import type { Stall } from '../../api/events.ts'
import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { HeldMessage } from './held-message.ts'

export interface AcknowledgementsOptions {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** In milliseconds. */
  readonly stallAfter: number
  readonly onStalled: (stall: Stall) => void
  /** It is this one's turn, and its receivers are done. */
  readonly onDue: (message: HeldMessage) => void
}

/**
 * The acknowledgements that are held back on the open connection. They keep the order of their messages, so one that is
 * held back holds back those behind it (MQTT-4.6.0-2), and a broker that waits for them sends nothing more.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions
  #queue: HeldMessage[] = []
  /** Since when the first is the first. */
  #since = 0
  #timer: unknown

  constructor(options: AcknowledgementsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#queue.length
  }

  /** Since when the oldest is the next one, in milliseconds since 1970; `null` if none is held back. */
  get since(): number | null {
    return this.#queue.length > 0 ? this.#since : null
  }

  add(message: HeldMessage): void {
    this.#queue.push(message)
    if (this.#queue.length === 1) this.#moved()
  }

  /** Sends those whose turn it is. */
  flush(): void {
    let moved = false
    for (let first = this.#queue[0]; first?.pending === 0; first = this.#queue[0]) {
      this.#queue.shift()
      moved = true
      this.#options.onDue(first)
    }
    if (moved && this.#queue.length > 0) this.#moved()
  }

  /** The connection ended, and they with it: the broker sends their messages again. */
  clear(): void {
    this.#queue = []
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #moved(): void {
    this.#since = this.#options.now()
    // Not one timer for each message: the one that runs looks again.
    if (this.#timer === undefined) this.#lookAfter(this.#options.stallAfter)
  }

  #lookAfter(delay: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#look()
    }, clampDelay(delay))
  }

  #look(): void {
    const { now, stallAfter, onStalled } = this.#options
    const [first] = this.#queue
    if (!first) return
    const left = this.#since + stallAfter - now()
    if (left > 0) this.#lookAfter(Math.min(left, stallAfter))
    // Told once: the next look follows when the next one moves up.
    else onStalled({ heldBack: this.#queue.length, since: this.#since, topic: first.packet.topic })
  }
}
