import type { InboxOptions } from '../../api/options.ts'
import { deferred } from '../../shared/wait.ts'
import type { IncomingPublish } from '../../wire/packets.ts'
import type { Pauses } from './pauses.ts'
import type { Receiver } from './receiver.ts'

/** The options that limit what handlers and the messages that wait for them may have. */
export type UnprocessedLimits = Pick<Required<InboxOptions>, 'maxUnprocessed' | 'maxUnprocessedBytes'>

/** What one receiver has received and not processed. */
interface Share {
  count: number
  /** How many of them a handler or a loop has to process before they may be acknowledged. The others are only held. */
  awaited: number
  /** How many of them have to be acknowledged. */
  unacked: number
  bytes: number
  /** The receiver was unsubscribed. */
  isReleased: boolean
}

/**
 * Counts the messages that subscriptions with `ack: 'after-handler'` have received and not processed, and all that arrived
 * for a paused subscription. It pauses when they reach a limit, until half of them are processed, so that the two do not
 * alternate with each message. An unsubscribed receiver no longer counts: its handler may never finish.
 */
export class Unprocessed {
  readonly #limits: UnprocessedLimits
  readonly #pauses: Pauses
  readonly #onProcessed: () => void
  #shares: Map<Receiver, Share> | undefined
  #count = 0
  #awaited = 0
  #unacked = 0
  #bytes = 0
  #isPaused = false
  /** Resolves when the handlers are done; set while nothing more is taken. */
  #closing: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  /** @param onProcessed - called after each message, also if processing has failed */
  constructor(limits: UnprocessedLimits, pauses: Pauses, onProcessed: () => void) {
    this.#limits = limits
    this.#pauses = pauses
    this.#onProcessed = onProcessed
  }

  get count(): number {
    return this.#count
  }

  /** How many of them have to be acknowledged. */
  get unacked(): number {
    return this.#unacked
  }

  get bytes(): number {
    return this.#bytes
  }

  get isPaused(): boolean {
    return this.#isPaused || this.#closing !== undefined
  }

  /** From now on it is paused. @returns resolves when handlers and loops have processed everything that they have */
  close(): Promise<void> {
    const { promise } = (this.#closing ??= deferred<void>())
    this.changed()
    return promise
  }

  /** A subscription was paused: what it holds is not processed for now. */
  changed(): void {
    if (this.#awaited <= this.#pauses.held) this.#closing?.resolve()
  }

  /** Ends what `close` began. */
  reopen(): void {
    this.#closing = undefined
  }

  /** Counts a message of a receiver. @returns to be called when it is processed, or when that has failed */
  add(receiver: Receiver, { qos, payload }: IncomingPublish): () => void {
    const share = this.#shareOf(receiver)
    const bytes = payload.byteLength
    const awaited = receiver.ack === 'after-handler' ? 1 : 0
    const unacked = qos > 0 ? awaited : 0
    share.count++
    share.awaited += awaited
    share.unacked += unacked
    share.bytes += bytes
    this.#count++
    this.#awaited += awaited
    this.#unacked += unacked
    this.#bytes += bytes
    const { maxUnprocessed, maxUnprocessedBytes } = this.#limits
    if (this.#count >= maxUnprocessed || this.#bytes >= maxUnprocessedBytes) this.#isPaused = true
    return () => {
      if (share.isReleased) return
      share.count--
      share.awaited -= awaited
      share.unacked -= unacked
      share.bytes -= bytes
      this.#subtract({ count: 1, awaited, unacked, bytes })
      this.#onProcessed()
    }
  }

  /** The broker has kept a session, and sends its unacked messages again: those that paused receivers hold are dropped. */
  sentAgain(session: object): void {
    this.#pauses.sentAgain(session)
  }

  /** The receiver was unsubscribed. */
  release(receiver: Receiver): void {
    const share = this.#shares?.get(receiver)
    if (!share) return
    this.#shares?.delete(receiver)
    share.isReleased = true
    this.#subtract(share)
  }

  #shareOf(receiver: Receiver): Share {
    const shares = (this.#shares ??= new Map())
    let share = shares.get(receiver)
    if (!share) shares.set(receiver, (share = { count: 0, awaited: 0, unacked: 0, bytes: 0, isReleased: false }))
    return share
  }

  #subtract({ count, awaited, unacked, bytes }: Omit<Share, 'isReleased'>): void {
    this.#count -= count
    this.#awaited -= awaited
    this.#unacked -= unacked
    this.#bytes -= bytes
    if (this.#closing) this.changed()
    const { maxUnprocessed, maxUnprocessedBytes } = this.#limits
    if (this.#count <= maxUnprocessed / 2 && this.#bytes <= maxUnprocessedBytes / 2) this.#isPaused = false
  }
}
