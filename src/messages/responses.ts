import type { Subscription } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import { callGuarded } from '../shared/emitter.ts'
import { textDecoder } from '../shared/text-coders.ts'

const decoder = textDecoder()

/** A request whose response is awaited. */
export interface Waiting {
  /** Takes a message that may be the response. Throws what the application's `match` throws. */
  readonly offer: (message: Message) => void
}

export interface ResponsesOptions {
  /** Subscribes to the response topic. @param isAwaiting - whether a response is awaited */
  readonly subscribe: (handler: (message: Message) => void, isAwaiting: () => boolean) => Subscription
  /** Whether a message without Correlation Data goes to all pending requests, or to none. */
  readonly uncorrelated: 'all' | 'none'
  readonly onThrow: (error: unknown) => void
}

/** A subscription to a response topic, and the requests that are answered there. */
export class Responses {
  readonly #options: ResponsesOptions
  readonly #subscription: Subscription
  readonly #byCorrelation = new Map<string, Waiting>()
  /** Requests without Correlation Data: MQTT 3.1.1 has none. */
  readonly #uncorrelated = new Set<Waiting>()
  #retired = false

  constructor(options: ResponsesOptions) {
    this.#options = options
    this.#subscription = options.subscribe(
      (message) => this.#received(message),
      () => this.size > 0,
    )
  }

  /** Resolves when the broker holds the subscription; rejects if the broker refused it for good. */
  get ready(): Promise<unknown> {
    return this.#subscription.ready
  }

  get size(): number {
    return this.#byCorrelation.size + this.#uncorrelated.size
  }

  /**
   * @param correlation - its Correlation Data, if it has any
   * @returns removes the request
   */
  add(correlation: string | undefined, waiting: Waiting): () => void {
    if (correlation === undefined) this.#uncorrelated.add(waiting)
    else this.#byCorrelation.set(correlation, waiting)
    return () => {
      if (correlation === undefined) this.#uncorrelated.delete(waiting)
      else this.#byCorrelation.delete(correlation)
      if (this.#retired && this.size === 0) this.#subscription.unsubscribe()
    }
  }

  /** Unsubscribes when no request is pending. */
  retire(): void {
    this.#retired = true
    if (this.size === 0) this.#subscription.unsubscribe()
  }

  #received(message: Message): void {
    const correlation = correlationOf(message)
    const meant = correlation === undefined ? undefined : this.#byCorrelation.get(correlation)
    if (meant) this.#offer(message, meant)
    // A response without Correlation Data can only be recognized by its topic.
    else if (correlation === undefined && this.#options.uncorrelated === 'all') {
      this.#offerAll(message, this.#byCorrelation.values())
    }
    if (this.#uncorrelated.size > 0) this.#offerAll(message, this.#uncorrelated)
  }

  /** A copy: a request that a `match` sends meanwhile does not wait for this message. */
  #offerAll(message: Message, all: Iterable<Waiting>): void {
    for (const waiting of Array.from(all)) this.#offer(message, waiting)
  }

  #offer(message: Message, { offer }: Waiting): void {
    callGuarded(() => offer(message), this.#options.onThrow)
  }
}

function correlationOf({ properties }: Message): string | undefined {
  return properties?.correlationData && decoder().decode(properties.correlationData)
}
