import type { RequestOptions, Subscription } from './client-types.ts'
import { InvalidOptionError, TimeoutError } from './errors.ts'
import type { Clock } from './options.ts'
import { checkTopic } from './topics.ts'
import type { Message, Payload, PublishProperties, Qos } from './types.ts'
import { Waits, type Ending } from './wait.ts'

/** What requests need of the client. */
export interface RequestPort {
  readonly clock: Clock
  /** Of the options; it can only be told for certain when it is connected. */
  readonly protocolVersion: () => number
  readonly subscribe: (filter: string, handler: (message: Message) => void) => Subscription
  readonly publish: (
    topic: string,
    payload: Payload,
    options: { qos: Qos; properties?: PublishProperties; signal: AbortSignal; ttl: number },
  ) => Promise<unknown>
}

interface Pending {
  readonly match: ((message: Message) => boolean) | undefined
  readonly ending: Ending<Message>
}

/** Where the response to one request comes. */
interface Listening {
  /** Resolves when the broker holds the subscription; rejects if it never will. */
  readonly ready: Promise<unknown>
  readonly stop: () => void
}

const DEFAULT_TIMEOUT = 30_000

/**
 * Requests and their responses. All of MQTT 5's share one response topic, which is subscribed at the first request and
 * from then on restored before the outbox drains: a response to a request that was sent before a drop is not missed.
 */
export class Requests {
  readonly #port: RequestPort
  readonly #responseTopic: string
  /** Those on the response topic of this client, by their Correlation Data. */
  readonly #pending = new Map<string, Pending>()
  readonly #waits = new Waits()
  #subscription: Subscription | undefined
  #last = 0

  /** @param responseTopic - of this client alone */
  constructor(port: RequestPort, responseTopic: string) {
    this.#port = port
    this.#responseTopic = responseTopic
  }

  /** Sends a request and waits for its response, in bounded time. */
  async request(topic: string, payload: Payload, options: RequestOptions): Promise<Message> {
    checkTopic(topic)
    const { timeout = DEFAULT_TIMEOUT, signal, qos = 1, responseTopic, match } = options
    if (!(timeout > 0)) throw new InvalidOptionError('timeout', 'must be more than 0 milliseconds', timeout)
    if (responseTopic !== undefined) checkTopic(responseTopic)
    const version = this.#port.protocolVersion()
    if (version !== 5 && responseTopic === undefined) {
      throw new InvalidOptionError('responseTopic', `must be given with MQTT 3.1.1`)
    }

    const sending = new AbortController()
    const error = () => new TimeoutError(`the response to ${topic}`, timeout)
    const ends = { signal, timeout: { after: timeout, clock: this.#port.clock, error } }
    try {
      return await this.#waits.wait<Message>(ends, (ending) => {
        const id = String(++this.#last)
        const correlationData = new TextEncoder().encode(id)
        const { ready, stop } =
          responseTopic === undefined
            ? this.#listenOnOwnTopic(id, { match, ending })
            : this.#listenOn(responseTopic, version === 5 ? id : undefined, { match, ending })
        const properties = { responseTopic: responseTopic ?? this.#responseTopic, correlationData }
        const publishing = { qos, signal: sending.signal, ttl: timeout, ...(version === 5 && { properties }) }
        // Whoever answers may be faster than the SUBACK.
        void ready
          .then(() => this.#port.publish(topic, payload, publishing))
          .catch((reason: unknown) => ending.reject(reason))
        return [stop]
      })
    } finally {
      // A request that nobody waits for any more is not sent.
      sending.abort()
    }
  }

  /** Ends all that are under way. */
  reject(error: unknown): void {
    this.#waits.reject(error)
  }

  #listenOnOwnTopic(id: string, pending: Pending): Listening {
    this.#subscription ??= this.#subscribe()
    this.#pending.set(id, pending)
    return { ready: this.#subscription.ready, stop: () => void this.#pending.delete(id) }
  }

  #subscribe(): Subscription {
    const subscription = this.#port.subscribe(this.#responseTopic, (message) => this.#received(message))
    // Refused for good: no response can come, and the next request tries again.
    subscription.ready.catch(() => {
      this.#subscription = undefined
      subscription.unsubscribe()
    })
    return subscription
  }

  #received(message: Message): void {
    const pending = this.#pending.get(correlationOf(message) ?? '')
    if (pending && (pending.match?.(message) ?? true)) pending.ending.resolve(message)
  }

  #listenOn(responseTopic: string, id: string | undefined, { match, ending }: Pending): Listening {
    const subscription = this.#port.subscribe(responseTopic, (message) => {
      const correlation = correlationOf(message)
      // Whoever answers without Correlation Data can only be told by the topic.
      if (id !== undefined && correlation !== undefined && correlation !== id) return
      if (match?.(message) ?? true) ending.resolve(message)
    })
    return { ready: subscription.ready, stop: () => subscription.unsubscribe() }
  }
}

function correlationOf({ properties }: Message): string | undefined {
  return properties?.correlationData && new TextDecoder().decode(properties.correlationData)
}
