import type { InboxOptions } from '../../api/options.ts'

/** Limits from the options. */
type Limits = Pick<Required<InboxOptions>, 'maxUnprocessed' | 'maxUnprocessedBytes'>

/**
 * Counts the messages that subscriptions with `ack: 'after-handler'` have received and not processed. It asks for a pause
 * when they reach a limit, and for more when half of them are processed, so that the two do not alternate with each
 * message.
 */
export class Unprocessed {
  readonly #limits: Limits
  readonly #onPause: () => void
  readonly #onResume: () => void
  #count = 0
  #bytes = 0
  #isPaused = false

  constructor(limits: Limits, onPause: () => void, onResume: () => void) {
    this.#limits = limits
    this.#onPause = onPause
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
    if (this.#isPaused || (this.#count < maxUnprocessed && this.#bytes < maxUnprocessedBytes)) return
    this.#isPaused = true
    this.#onPause()
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
