import { Emitter } from '../src/shared/emitter.ts'

/** The state of the connection to a visualizer. Times are in milliseconds since 1970. */
export interface FeedStatus {
  /** `waiting` until the next attempt; `closed` by `close()`. */
  readonly state: 'connecting' | 'connected' | 'waiting' | 'closed'
  /** When it entered this state. */
  readonly since: number
  /** How many attempts have failed in a row. */
  readonly failures: number
  /** Why the last attempt failed or the connection ended; `undefined` while it is connected. */
  readonly problem: FeedProblem | undefined
  /** When the next attempt begins; only while it is `waiting`. */
  readonly nextAttemptAt: number | undefined
}

/** Why there is no connection to the visualizer. It contains no part of its address. */
export interface FeedProblem {
  /** Such as `ECONNREFUSED`, `HTTP_401` for a refused token, or `CLOSED`. */
  readonly code: string
  /** What happened and what to do about it, as a sentence. */
  readonly message: string
}

/** The events of a `VisualizerConnection`. */
export interface FeedEvents {
  /** The `state` of the status has changed, or there is another problem. */
  readonly statusChanged: FeedStatus
}

/** The status of a feed. An error in a handler is ignored, as the visualizer must not affect the app. */
export class FeedStatusSource {
  #status: FeedStatus = {
    state: 'connecting',
    since: Date.now(),
    failures: 0,
    problem: undefined,
    nextAttemptAt: undefined,
  }
  readonly #events = new Emitter<FeedEvents>(() => {})

  get current(): FeedStatus {
    return this.#status
  }

  on<Name extends keyof FeedEvents>(name: Name, handler: (event: FeedEvents[Name]) => unknown): () => void {
    return this.#events.on(name, handler)
  }

  connecting(): void {
    this.#set({ state: 'connecting' })
  }

  connected(): void {
    this.#set({ state: 'connected', failures: 0, problem: undefined })
  }

  waiting(problem: FeedProblem, delay: number): void {
    this.#set({
      state: 'waiting',
      failures: this.#status.failures + 1,
      problem,
      nextAttemptAt: Date.now() + delay,
    })
  }

  closed(): void {
    this.#set({ state: 'closed' })
  }

  #set(change: Partial<FeedStatus> & Pick<FeedStatus, 'state'>): void {
    this.#status = Object.freeze({ ...this.#status, nextAttemptAt: undefined, ...change, since: Date.now() })
    this.#events.emit('statusChanged', this.#status)
  }
}
