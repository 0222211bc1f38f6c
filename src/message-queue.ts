import type { Message } from './types.ts'

interface Queued<Value> {
  readonly message: Message<Value>
  readonly consumed: () => void
}

/**
 * The messages of a subscription, one after the other, as an async iterator does it. A message counts as processed when
 * the next one is asked for, so with acknowledgements after that the broker sends no more than its Receive Maximum.
 */
export class MessageQueue<Value> implements AsyncIterator<Message<Value>, undefined> {
  readonly #limit: number
  readonly #end: () => void
  readonly #queue: Queued<Value>[] = []
  readonly #waiting: ((result: IteratorResult<Message<Value>, undefined>) => void)[] = []
  #current: Queued<Value> | undefined
  /** How many of those in the queue are QoS 0. */
  #atMostOnce = 0
  #ended = false
  #dropped = 0

  /**
   * @param limit - how many QoS 0 messages wait; beyond it the oldest of them is dropped
   * @param end - called when the loop is left
   */
  constructor(limit: number, end: () => void) {
    this.#limit = limit
    this.#end = end
  }

  /** How many QoS 0 messages were dropped because the loop was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  /** @returns resolves when the message is processed */
  push(message: Message<Value>): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended) return
      const queued = { message, consumed: resolve }
      const waiting = this.#waiting.shift()
      if (waiting) {
        this.#current = queued
        waiting({ done: false, value: message })
        return
      }
      this.#queue.push(queued)
      if (message.qos === 0 && ++this.#atMostOnce > this.#limit) this.#dropOldest()
    })
  }

  next(): Promise<IteratorResult<Message<Value>, undefined>> {
    this.#current?.consumed()
    this.#current = this.#queue.shift()
    if (this.#current) {
      if (this.#current.message.qos === 0) this.#atMostOnce--
      return Promise.resolve({ done: false, value: this.#current.message })
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<Message<Value>, undefined>> {
    this.#current?.consumed()
    this.#current = undefined
    this.close()
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Ends the loop, after what is queued. */
  close(): void {
    this.#ended = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  #dropOldest(): void {
    const oldest = this.#queue.findIndex(({ message }) => message.qos === 0)
    for (const { consumed } of this.#queue.splice(oldest, 1)) consumed()
    this.#atMostOnce--
    this.#dropped++
  }
}
