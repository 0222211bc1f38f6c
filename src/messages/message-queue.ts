import type { Message } from '../api/message.ts'

interface Queued<Value> {
  readonly message: Message<Value>
  readonly droppable: boolean
  readonly consumed: () => void
}

/** One loop over the queue. */
interface Loop<Value> {
  /** What it has been given and not yet gone on from. */
  current: Queued<Value>[]
  ended: boolean
}

type Result<Value> = IteratorResult<Message<Value>, undefined>

/**
 * The messages of a subscription, one after the other, as an async iterator does it. A message counts as processed when
 * the next one is asked for, so with acknowledgements after that the broker sends no more than its Receive Maximum.
 * Several loops share the messages.
 */
export class MessageQueue<Value> {
  readonly #limit: number
  readonly #acknowledged: boolean
  readonly #end: () => void
  #queue: Queued<Value>[] = []
  #waiting: { readonly loop: Loop<Value>; readonly resolve: (result: Result<Value>) => void }[] = []
  #loops = 0
  /** How many of those in the queue may be dropped. */
  #droppable = 0
  #ended = false
  #dropped = 0

  /**
   * @param limit - how many messages wait that nothing else bounds; beyond it the oldest of them is dropped
   * @param acknowledged - whether acknowledgements wait for the loop, which bounds the messages of QoS 1 and 2
   * @param end - called when the last loop is left
   */
  constructor(limit: number, acknowledged: boolean, end: () => void) {
    this.#limit = limit
    this.#acknowledged = acknowledged
    this.#end = end
  }

  /** How many messages were dropped because the loop was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  /** @returns resolves when the message is processed, or nobody is left to do it */
  push(message: Message<Value>): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      const queued = { message, droppable: message.qos === 0 || !this.#acknowledged, consumed: resolve }
      const waiting = this.#waiting.shift()
      if (waiting) return waiting.resolve(give(waiting.loop, queued))
      this.#queue.push(queued)
      if (queued.droppable && ++this.#droppable > this.#limit) this.#dropOldest()
    })
  }

  iterate(): AsyncIterator<Message<Value>, undefined> {
    const loop: Loop<Value> = { current: [], ended: false }
    this.#loops++
    return {
      next: () => {
        goOn(loop)
        return this.#next(loop)
      },
      return: () => {
        goOn(loop)
        this.#leave(loop)
        return Promise.resolve(done)
      },
    }
  }

  /** Ends the loops, after what is queued. */
  close(): void {
    this.#ended = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(done)
    // Somebody may still begin a loop, but nothing may wait for that.
    if (this.#loops === 0) for (const { consumed } of this.#queue) consumed()
  }

  #next(loop: Loop<Value>): Promise<Result<Value>> {
    const queued = loop.ended ? undefined : this.#queue.shift()
    if (queued?.droppable) this.#droppable--
    if (queued) return Promise.resolve(give(loop, queued))
    if (loop.ended || this.#ended) return Promise.resolve(done)
    return new Promise((resolve) => this.#waiting.push({ loop, resolve }))
  }

  #leave(loop: Loop<Value>): void {
    if (loop.ended) return
    loop.ended = true
    for (const waiting of this.#waiting) if (waiting.loop === loop) waiting.resolve(done)
    this.#waiting = this.#waiting.filter((waiting) => waiting.loop !== loop)
    if (--this.#loops > 0) return
    this.close()
    this.#queue = []
    this.#end()
  }

  #dropOldest(): void {
    const oldest = this.#queue.findIndex(({ droppable }) => droppable)
    for (const { consumed } of this.#queue.splice(oldest, 1)) consumed()
    this.#droppable--
    this.#dropped++
  }
}

const done = { done: true, value: undefined } as const

function give<Value>(loop: Loop<Value>, queued: Queued<Value>): Result<Value> {
  loop.current.push(queued)
  return { done: false, value: queued.message }
}

/** It asks for the next, or leaves: what it had is processed. */
function goOn<Value>(loop: Loop<Value>): void {
  for (const { consumed } of loop.current.splice(0)) consumed()
}
