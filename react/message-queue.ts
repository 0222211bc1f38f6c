import type { Message } from '../src/index.ts'

/** Messages that a component has not taken, up to a limit. */
export class MessageQueue<Value> {
  readonly #limit: number
  readonly #pauses: boolean
  readonly #messages: Message<Value>[] = []
  #dropped = 0

  /** @param pauses - whether the caller pauses when the queue is full, so that nothing is dropped */
  constructor(limit: number, pauses: boolean) {
    this.#limit = limit
    this.#pauses = pauses
  }

  /** Oldest first. */
  get messages(): readonly Message<Value>[] {
    return this.#messages.slice()
  }

  get dropped(): number {
    return this.#dropped
  }

  get isFull(): boolean {
    return this.#messages.length >= this.#limit
  }

  add(message: Message<Value>): void {
    this.#messages.push(message)
    if (this.#pauses || this.#messages.length <= this.#limit) return
    this.#messages.shift()
    this.#dropped++
  }

  take(count: number): Message<Value>[] {
    return this.#messages.splice(0, count)
  }
}
