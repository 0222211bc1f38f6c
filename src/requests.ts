import type { RequestOptions, Subscription } from './client-types.ts'
import { InvalidOptionError, TimeoutError } from './errors.ts'
import type { Clock } from './options.ts'
import { checkTopic } from './topics.ts'
import type { Message, Payload, PublishProperties, Qos } from './types.ts'
import { wait, type Ending } from './wait.ts'

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

const DEFAULT_TIMEOUT = 30_000

/**
 * Requests and their responses. All of MQTT 5's share one response topic, which is subscribed at the first request and
 * from then on restored before the outbox drains: a response to a request that was sent before a drop is not missed.
 */
export class Requests {
  readonly #port: RequestPort
  readonly #responseTopic: string
  readonly #pending = new Map<string, Pending>()
  #subscribed = false
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
    try {
      return await wait<Message>({ signal, timeout: { after: timeout, clock: this.#port.clock, error } }, (ending) => {
        const id = String(++this.#last)
        const correlationData = new TextEncoder().encode(id)
        const stop =
          responseTopic === undefined
            ? this.#awaitOnOwnTopic(id, { match, ending })
            : this.#awaitOn(responseTopic, version === 5 ? id : undefined, { match, ending })
        const properties = { responseTopic: responseTopic ?? this.#responseTopic, correlationData }
        const publishing = { qos, signal: sending.signal, ttl: timeout, ...(version === 5 && { properties }) }
        this.#port.publish(topic, payload, publishing).catch((reason: unknown) => ending.reject(reason))
        return [stop]
      })
    } finally {
      // A request that nobody waits for any more is not sent.
      sending.abort()
    }
  }

  #awaitOnOwnTopic(id: string, pending: Pending): () => void {
    if (!this.#subscribed) this.#subscribe()
    this.#pending.set(id, pending)
    return () => void this.#pending.delete(id)
  }

  #subscribe(): void {
    this.#subscribed = true
    const subscription = this.#port.subscribe(this.#responseTopic, (message) => this.#received(message))
    // Refused for good: no response can come, and the next request tries again.
    subscription.ready.catch((error: unknown) => {
      this.#subscribed = false
      subscription.unsubscribe()
      for (const { ending } of this.#pending.values()) ending.reject(error)
    })
  }

  #received(message: Message): void {
    const pending = this.#pending.get(correlationOf(message) ?? '')
    if (pending && (pending.match?.(message) ?? true)) pending.ending.resolve(message)
  }

  #awaitOn(responseTopic: string, id: string | undefined, { match, ending }: Pending): () => void {
    const subscription = this.#port.subscribe(responseTopic, (message) => {
      const correlation = correlationOf(message)
      // Whoever answers without Correlation Data can only be told by the topic.
      if (id !== undefined && correlation !== undefined && correlation !== id) return
      if (match?.(message) ?? true) ending.resolve(message)
    })
    return () => subscription.unsubscribe()
  }
}

function correlationOf({ properties }: Message): string | undefined {
  return properties?.correlationData && new TextDecoder().decode(properties.correlationData)
}
