import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { HeldMessage } from './held-message.ts'
import type { InboxConfig, InboxEvents } from './inbox-config.ts'
import { OneByOne } from './one-by-one.ts'

export interface AcknowledgementsOptions {
  readonly config: Pick<InboxConfig, 'clock' | 'now' | 'time' | 'inbox'>
  readonly events: Pick<InboxEvents, 'acknowledgementsStalled' | 'slowConsumer'>
  /** The message may be acknowledged: its receivers are done, and all earlier ones are acknowledged. */
  readonly onDue: (message: HeldMessage) => void
}

/**
 * The acknowledgements that are held back on the open connection. They keep the order of their messages (MQTT-4.6.0-2),
 * so each one holds back those behind it. A broker that waits for them sends no more messages.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions
  /** Created with the first acknowledgement that is held back. */
  #oneByOne: OneByOne | undefined
  #queue: HeldMessage[] = []
  /** When the first acknowledgement became the first, in milliseconds since 1970. */
  #since = 0
  #timer: unknown

  constructor(options: AcknowledgementsOptions) {
    this.#options = options
  }

  /** The client has published something. */
  published(): void {
    this.#oneByOne?.published()
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
    this.#oneByOne ??= new OneByOne(this.#options.config.time)
    const holdTime = this.#oneByOne.came(this.#queue.length === 1)
    if (holdTime !== undefined) this.#options.events.slowConsumer({ holdTime, topic: message.packet.topic })
  }

  /** Sends the acknowledgements that are due. */
  flush(): void {
    let moved = false
    for (let first = this.#queue[0]; first?.pending === 0; first = this.#queue[0]) {
      this.#queue.shift()
      moved = true
      this.#options.onDue(first)
    }
    if (!moved) return
    if (this.#queue.length > 0) this.#moved()
    else this.#oneByOne?.acknowledged()
  }

  /** The connection ended. The acknowledgements are void, and the broker sends the messages again. */
  clear(): void {
    this.#queue = []
    this.#oneByOne?.reset()
    this.#options.config.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #moved(): void {
    this.#since = this.#options.config.now()
    // One timer serves all messages: when it ends, it checks again.
    if (this.#timer === undefined) this.#lookAfter(this.#options.config.inbox.stallAfter)
  }

  #lookAfter(delay: number): void {
    this.#timer = this.#options.config.clock.setTimeout(() => {
      this.#timer = undefined
      this.#look()
    }, clampDelay(delay))
  }

  #look(): void {
    const { config, events } = this.#options
    const { now, inbox } = config
    const { stallAfter } = inbox
    const [first] = this.#queue
    if (!first) return
    const left = this.#since + stallAfter - now()
    if (left > 0) this.#lookAfter(Math.min(left, stallAfter))
    // Reported once. The next check begins when another acknowledgement becomes the first.
    else events.acknowledgementsStalled({ heldBack: this.#queue.length, since: this.#since, topic: first.packet.topic })
  }
}
