import type { Message } from '../api/message.ts'
import { defaultSubscribe } from '../config/defaults.ts'
import type { Pausable } from '../session/incoming/receiver.ts'

/** The messages of a `for await` loop. */
export type Loop<Value> = Required<Pick<AsyncIterator<Message<Value>, undefined>, 'next' | 'return'>>

interface Queued<Value> {
  readonly message: Message<Value>
  readonly droppable: boolean
  /** Identifies the broker's session that it came from. */
  readonly session: object
  readonly consumed: () => void
}

/** One `for await` loop over the queue. */
interface LoopState<Value> {
  /** The message that the loop is processing. */
  current: Queued<Value>[]
  ended: boolean
}

type Result<Value> = IteratorResult<Message<Value>, undefined>

/**
 * Queues the messages of a subscription for async iteration. A message counts as processed when the loop asks for the
 * next one. If messages are acknowledged only then, the broker sends no more than the Receive Maximum. Several loops
 * share the messages. While the subscription is paused, the loops wait, and what they have not taken stays in the queue.
 */
export class MessageQueue<Value> implements Pausable {
  readonly #limit: number
  /** Whether the limit was given for this subscription. */
  readonly #isLimitGiven: boolean
  readonly #acksWaitForLoop: boolean
  readonly #end: () => void
  #queue: Queued<Value>[] = []
  #waiting: { readonly loop: LoopState<Value>; readonly resolve: (result: Result<Value>) => void }[] = []
  #loops = 0
  /** How many of the queued messages may be dropped. */
  #droppable = 0
  #ended = false
  #dropped = 0
  #isPaused = false

  /**
   * @param limit - how many messages may wait; beyond it, the oldest is dropped. Messages of QoS 1 and 2 do not count if
   *   their acknowledgements wait for the loop, because the Receive Maximum limits them then. `undefined` for the default,
   *   which does not apply to messages that arrive during a pause
   * @param acksWaitForLoop - whether a message is acknowledged only when the loop has processed it
   * @param end - called when the last loop ends
   */
  constructor(limit: number | undefined, acksWaitForLoop: boolean, end: () => void) {
    this.#limit = limit ?? (acksWaitForLoop ? Number.POSITIVE_INFINITY : defaultSubscribe.bufferSize)
    this.#isLimitGiven = limit !== undefined
    this.#acksWaitForLoop = acksWaitForLoop
    this.#end = end
  }

  /** How many messages were dropped because the loop was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  get isHolding(): boolean {
    return this.#isPaused && !this.#isLimitGiven
  }

  get held(): number {
    return this.#queue.length
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (const { loop, resolve } of this.#waiting.splice(0)) void this.#next(loop).then(resolve)
  }

  sentAgain(session: object): void {
    if (!this.#acksWaitForLoop) return
    const isSentAgain = (queued: Queued<Value>) => queued.message.qos === 1 && queued.session === session
    for (const { consumed } of this.#queue.filter(isSentAgain)) consumed()
    this.#queue = this.#queue.filter((queued) => !isSentAgain(queued))
  }

  /** What is queued goes to the loops before they end. */
  drop(): void {
    this.resume()
  }

  /** @returns resolves when the message is processed, or no loop is left to process it */
  handle(message: Message<Value>, session: object): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      const droppable = (message.qos === 0 || !this.#acksWaitForLoop) && !this.isHolding
      const queued = { message, droppable, session, consumed: resolve }
      const waiting = this.#isPaused ? undefined : this.#waiting.shift()
      if (waiting) return waiting.resolve(give(waiting.loop, queued))
      this.#queue.push(queued)
      if (queued.droppable && ++this.#droppable > this.#limit) this.#dropOldest()
    })
  }

  iterate(): Loop<Value> {
    const loop: LoopState<Value> = { current: [], ended: false }
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

  /** Ends the loops, after the queued messages. */
  close(): void {
    this.resume()
    this.#ended = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(done)
    // A loop may still begin later, but no acknowledgement may wait for that.
    if (this.#loops === 0) for (const { consumed } of this.#queue) consumed()
  }

  #next(loop: LoopState<Value>): Promise<Result<Value>> {
    const mayTake = !loop.ended && !this.#isPaused
    const queued = mayTake ? this.#queue.shift() : undefined
    if (queued?.droppable) this.#droppable--
    if (queued) return Promise.resolve(give(loop, queued))
    if (loop.ended || this.#ended) return Promise.resolve(done)
    return new Promise((resolve) => this.#waiting.push({ loop, resolve }))
  }

  #leave(loop: LoopState<Value>): void {
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

function give<Value>(loop: LoopState<Value>, queued: Queued<Value>): Result<Value> {
  loop.current.push(queued)
  return { done: false, value: queued.message }
}

/** The loop asks for the next message, or ends: its last message is processed. */
function goOn<Value>(loop: LoopState<Value>): void {
  for (const { consumed } of loop.current.splice(0)) consumed()
}
