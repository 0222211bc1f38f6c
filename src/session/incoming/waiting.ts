import type { IncomingPublish } from '../../wire/packets.ts'
import { Sequence, type Sequenced } from '../sequence.ts'
import type { HeldMessage } from './held-message.ts'
import type { UnprocessedLimits } from './unprocessed.ts'

/** From this size on, no more is read from the socket. It is read again below half of it. */
const READ_AHEAD = 65_536
const READ_AHEAD_COUNT = 1_024

/** The chunk that was being read then still arrives: at most so many bytes, and so many messages of 4 bytes or more. */
const CHUNK = 65_536
const CHUNK_COUNT = 16_384

/** A message that waits until handlers are done with earlier ones. */
export interface Waiting extends Sequenced {
  readonly packet: IncomingPublish
  /** Holds the acknowledgement back; `undefined` for QoS 0. */
  readonly message: HeldMessage | undefined
}

/**
 * The messages that arrived while handlers were busy with as many as they may have. They outlive a connection. The socket
 * is not read as long as many wait, unless the broker owes an answer; then QoS 0 messages beyond the limits are dropped,
 * the oldest first. Those of QoS 1 and 2 are bounded by the number that the broker sends unacked.
 */
export class WaitingMessages {
  readonly #limits: UnprocessedLimits
  readonly #messages = new Sequence<Waiting>()
  /** Looks for the oldest message of QoS 0. Those that it has passed are of QoS 1 and 2, or have left. */
  readonly #search = this.#messages.values()
  #bytes = 0
  #acknowledged = 0
  #dropped = 0
  #isTooMuch = false
  /** The size of those that waited when it became too much. The last of them may be large. */
  #readAhead = 0

  constructor(limits: UnprocessedLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#messages.size
  }

  get first(): Waiting | undefined {
    return this.#messages.first
  }

  /** How many of them have to be acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** How many messages of QoS 0 were dropped. */
  get dropped(): number {
    return this.#dropped
  }

  /** Whether so much waits that no more should be read. */
  get isTooMuch(): boolean {
    const was = this.#isTooMuch
    const share = was ? 0.5 : 1
    this.#isTooMuch = this.#bytes >= share * READ_AHEAD || this.size >= share * READ_AHEAD_COUNT
    if (this.#isTooMuch && !was) this.#readAhead = this.#bytes
    return this.#isTooMuch
  }

  add(packet: IncomingPublish, message: HeldMessage | undefined): void {
    this.#messages.add({ packet, message, sequence: 0 })
    this.#bytes += packet.payload.byteLength
    if (message) this.#acknowledged++
    if (!this.#isTooMuch) return
    const { maxUnprocessed, maxUnprocessedBytes } = this.#limits
    const maxCount = maxUnprocessed + READ_AHEAD_COUNT + CHUNK_COUNT
    if (this.size > maxCount || this.#bytes > maxUnprocessedBytes + this.#readAhead + CHUNK) this.#dropOldest()
  }

  /** Removes and returns the first. */
  shift(): Waiting | undefined {
    const { first } = this
    if (first) this.#remove(first)
    return first
  }

  clear(): void {
    for (const waiting of this.#messages.values()) this.#remove(waiting)
  }

  /** The broker kept the session, and sends its messages of QoS 1 again. For those of QoS 2 it sends only the PUBREL. */
  sentAgain(session: object): void {
    for (const waiting of this.#messages.values()) {
      if (waiting.packet.qos === 1 && waiting.message?.session === session) this.#remove(waiting)
    }
  }

  #dropOldest(): void {
    if (this.#acknowledged === this.size) return
    let next = this.#search.next()
    while (next.value?.message) next = this.#search.next()
    if (!next.value) return
    this.#remove(next.value)
    this.#dropped++
  }

  #remove(waiting: Waiting): void {
    this.#messages.delete(waiting)
    this.#bytes -= waiting.packet.payload.byteLength
    if (waiting.message) this.#acknowledged--
  }
}
