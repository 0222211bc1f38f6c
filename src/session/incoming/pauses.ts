import type { Receiver } from './receiver.ts'

/**
 * The receivers that the application has paused. They hold their messages, which count as unprocessed until they are
 * processed.
 */
export class Pauses {
  #paused: Set<Receiver> | undefined
  /** Those that the application has resumed since `freeze`. */
  readonly #resumed = new Set<Receiver>()
  #isFrozen = false

  get size(): number {
    return (this.#paused?.size ?? 0) - this.#resumed.size
  }

  /** How many unacked messages, and messages of QoS 0, paused receivers hold whose handlers would be waited for. */
  get held(): number {
    let held = 0
    for (const { ack, pausable } of this.#paused ?? []) if (ack === 'after-handler') held += pausable.held
    return held
  }

  has(receiver: Receiver): boolean {
    return this.#paused?.has(receiver) === true && !this.#resumed.has(receiver)
  }

  add(receiver: Receiver): void {
    ;(this.#paused ??= new Set()).add(receiver)
    this.#resumed.delete(receiver)
    receiver.pausable.pause()
  }

  delete(receiver: Receiver): void {
    if (!this.#paused?.has(receiver)) return
    if (this.#isFrozen) this.#resumed.add(receiver)
    else if (this.#paused.delete(receiver)) receiver.pausable.resume()
  }

  /** From now on no receiver gets what it holds, also if it is resumed. */
  freeze(): void {
    this.#isFrozen = true
  }

  /** The broker has kept a session: see `Pausable`. */
  sentAgain(session: object): void {
    for (const { pausable } of this.#paused ?? []) pausable.sentAgain(session)
  }

  /** Ends what `freeze` began. Resumed receivers get what they hold. */
  thaw(): void {
    this.#isFrozen = false
    for (const receiver of this.#resumed) {
      this.#paused?.delete(receiver)
      receiver.pausable.resume()
    }
    this.#resumed.clear()
  }

  /** The receiver was unsubscribed. */
  drop(receiver: Receiver): void {
    this.#resumed.delete(receiver)
    if (this.#paused?.delete(receiver)) receiver.pausable.drop()
  }

  /** The client is disposed of. */
  stop(): void {
    for (const receiver of this.#paused ?? []) this.drop(receiver)
  }
}
