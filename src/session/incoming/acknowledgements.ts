import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { Stall } from '../../api/events.ts'
import type { HeldMessage } from './held-message.ts'

export interface AcknowledgementsOptions {
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** In milliseconds. */
  readonly stallAfter: number
  readonly onStalled: (stall: Stall) => void
  /** The message may be acknowledged: its receivers are done, and all earlier ones are acknowledged. */
  readonly onDue: (message: HeldMessage) => void
}

/**
 * The acknowledgements that are held back on the open connection. They keep the order of their messages (MQTT-4.6.0-2),
 * so each one holds back those behind it. A broker that waits for them sends no more messages.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions
  #queue: HeldMessage[] = []
  /** When the first acknowledgement became the first, in milliseconds since 1970. */
  #since = 0
  #timer: unknown

  constructor(options: AcknowledgementsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#queue.length
  }

  /**
   * When the oldest acknowledgement became the next to send, in milliseconds since 1970; `null` if none is held back.
   */
  get since(): number | null {
    return this.#queue.length > 0 ? this.#since : null
  }

  add(message: HeldMessage): void {
    this.#queue.push(message)
    if (this.#queue.length === 1) this.#moved()
  }

  /** Sends the acknowledgements that are due. */
  flush(): void {
    let moved = false
    for (let first = this.#queue[0]; first?.pending === 0; first = this.#queue[0]) {
      this.#queue.shift()
      moved = true
      this.#options.onDue(first)
    }
    if (moved && this.#queue.length > 0) this.#moved()
  }

  /** The connection ended. The acknowledgements are void, and the broker sends the messages again. */
  clear(): void {
    this.#queue = []
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #moved(): void {
    this.#since = this.#options.now()
    // One timer serves all messages: when it ends, it checks again.
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
    // Reported once. The next check begins when another acknowledgement becomes the first.
    else onStalled({ heldBack: this.#queue.length, since: this.#since, topic: first.packet.topic })
  }
}
