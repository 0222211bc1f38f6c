import type { InboxOptions } from '../../api/options.ts'

/** The options that limit what handlers and the messages that wait for them may have. */
export type UnprocessedLimits = Pick<Required<InboxOptions>, 'maxUnprocessed' | 'maxUnprocessedBytes'>

/**
 * Counts the messages that subscriptions with `ack: 'after-handler'` have received and not processed. It pauses when they
 * reach a limit, until half of them are processed, so that the two do not alternate with each message.
 */
export class Unprocessed {
  readonly #limits: UnprocessedLimits
  readonly #onResume: () => void
  #count = 0
  #bytes = 0
  #isPaused = false

  /** @param onResume - called when more messages may be handed over again */
  constructor(limits: UnprocessedLimits, onResume: () => void) {
    this.#limits = limits
    this.#onResume = onResume
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  add(bytes: number): void {
    this.#count++
    this.#bytes += bytes
    const { maxUnprocessed, maxUnprocessedBytes } = this.#limits
    if (this.#count >= maxUnprocessed || this.#bytes >= maxUnprocessedBytes) this.#isPaused = true
  }

  remove(bytes: number): void {
    this.#count--
    this.#bytes -= bytes
    const { maxUnprocessed, maxUnprocessedBytes } = this.#limits
    if (!this.#isPaused || this.#count > maxUnprocessed / 2 || this.#bytes > maxUnprocessedBytes / 2) return
    this.#isPaused = false
    this.#onResume()
  }
}
