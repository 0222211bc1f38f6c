import { DEFAULT_REQUEST_TIMEOUT } from '../config/defaults.ts'
import type { RequestOptions, Subscription } from '../api/message-options.ts'
import { requestRules } from '../config/call-rules.ts'
import { InvalidOptionError, TimeoutError } from '../api/errors.ts'
import { checkCallOptions } from '../shared/option-rules.ts'
import type { Clock } from '../api/clock.ts'
import { randomText } from '../lifecycle/attempt.ts'
import { Responses } from './responses.ts'
import { checkTopic } from '../config/topics.ts'
import type { Message, Payload, PublishProperties, Qos } from '../api/message.ts'
import { type Ending, Waits } from '../shared/wait.ts'

/** What requests need of the client. */
export interface RequestPort {
  readonly clock: Clock
  /** `undefined` before it is known, at the first connection at the latest. */
  readonly protocolVersion: () => number | undefined
  /** See `Preparation`. */
  readonly keptSession: () => string | null | undefined
  /** @returns takes the handler off again */
  readonly onConnected: (handler: () => void) => () => void
  /** The broker refused a filter for good. */
  readonly onSubscriptionFailed: (handler: (filter: string) => void) => void
  /** Told of what the `match` of a request throws. */
  readonly report: (error: unknown, responseTopic: string) => void
  /** Asks for no retained messages. */
  readonly subscribe: (filter: string, handler: (message: Message) => void) => Subscription
  readonly publish: (
    topic: string,
    payload: Payload,
    options: { qos: Qos; properties?: PublishProperties; signal: AbortSignal; ttl: number },
  ) => Promise<unknown>
}

interface Request {
  readonly topic: string
  readonly payload: Payload
  readonly options: RequestOptions
  readonly ending: Ending<Message>
  /** Aborts when nobody waits for the response any more. */
  readonly signal: AbortSignal
}

/** How a request is made on this connection. */
interface Terms {
  readonly correlated: boolean
  readonly responseTopic: string
}

/**
 * Requests and their responses. All of MQTT 5's share one response topic, which is subscribed at the first request and
 * from then on restored before the outbox drains: a response to a request that was sent before a drop is not missed.
 */
export class Requests {
  readonly #port: RequestPort
  #responseTopic: string | undefined
  /** Others may listen on the same response topic, and so did we in an earlier process. */
  readonly #prefix = randomText(16)
  /** On the response topic of this client. */
  #own: Responses | undefined
  /** On the response topics that were given with requests, while any request waits there. */
  readonly #given = new Map<string, Responses>()
  readonly #waits = new Waits()
  #last = 0

  /** @param responseTopic - of this client alone. By default it is chosen when it is needed */
  constructor(port: RequestPort, responseTopic: string | undefined) {
    this.#port = port
    this.#responseTopic = responseTopic
    // The next request subscribes anew. Those that wait go on: others may have asked for more than the broker grants.
    port.onSubscriptionFailed((filter) => {
      if (filter === this.#responseTopic) this.#forgetOwn(this.#own)
      this.#forgetGiven(filter, this.#given.get(filter))
    })
  }

  /** Sends a request and waits for its response, in bounded time. */
  async request(topic: string, payload: Payload, options: RequestOptions): Promise<Message> {
    checkTopic(topic)
    checkCallOptions('request', options, requestRules)
    const { timeout = DEFAULT_REQUEST_TIMEOUT, signal } = options
    const terms = this.#terms(options)
    const sending = new AbortController()
    const error = () => new TimeoutError(`the response to ${topic}`, timeout)
    const ends = { signal, timeout: { after: timeout, clock: this.#port.clock, error } }
    try {
      return await this.#waits.wait<Message>(ends, (ending) => {
        const request = { topic, payload, options, ending, signal: sending.signal }
        return [terms ? this.#send(request, terms) : this.#sendWhenConnected(request)]
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

  /** @returns `undefined` as long as they are not known */
  #terms({ responseTopic }: RequestOptions): Terms | undefined {
    const version = this.#port.protocolVersion()
    if (version === undefined) return undefined
    if (responseTopic !== undefined) return { correlated: version === 5, responseTopic }
    if (version !== 5) throw new InvalidOptionError('responseTopic', `must be given with MQTT 3.1.1`)
    this.#responseTopic ??= defaultTopic(this.#port.keptSession())
    return this.#responseTopic === undefined ? undefined : { correlated: true, responseTopic: this.#responseTopic }
  }

  /** @returns gives it up */
  #sendWhenConnected(request: Request): () => void {
    let giveUp = this.#port.onConnected(() => {
      try {
        const terms = this.#terms(request.options)
        if (!terms) return
        giveUp()
        giveUp = this.#send(request, terms)
      } catch (error) {
        request.ending.reject(error)
      }
    })
    return () => giveUp()
  }

  /** @returns gives it up */
  #send(request: Request, { correlated, responseTopic }: Terms): () => void {
    const { topic, payload, options, signal, ending } = request
    const id = `${this.#prefix}.${++this.#last}`
    const given = options.responseTopic !== undefined
    const responses = given ? this.#onGiven(responseTopic) : this.#onOwn(responseTopic)
    const takeOff = responses.add(correlated ? id : undefined, { offer: (message) => offer(request, message) })
    const properties = { responseTopic, correlationData: new TextEncoder().encode(id) }
    const { qos = 1, timeout: ttl = DEFAULT_REQUEST_TIMEOUT } = options
    // Whoever answers may be faster than the SUBACK.
    void responses.ready
      .then(() => this.#port.publish(topic, payload, { qos, signal, ttl, ...(correlated && { properties }) }))
      .catch((reason: unknown) => ending.reject(reason))
    return () => {
      takeOff()
      if (given && responses.size === 0) this.#forgetGiven(responseTopic, responses)
    }
  }

  #onOwn(responseTopic: string): Responses {
    if (this.#own) return this.#own
    const responses = this.#listen(responseTopic, 'none')
    // Refused for good: no response can come, and the next request tries again.
    responses.ready.catch(() => this.#forgetOwn(responses))
    this.#own = responses
    return responses
  }

  #onGiven(responseTopic: string): Responses {
    const known = this.#given.get(responseTopic)
    if (known) return known
    const responses = this.#listen(responseTopic, 'all')
    responses.ready.catch(() => this.#forgetGiven(responseTopic, responses))
    this.#given.set(responseTopic, responses)
    return responses
  }

  #listen(responseTopic: string, uncorrelated: 'all' | 'none'): Responses {
    const { subscribe, report } = this.#port
    return new Responses({
      subscribe: (handler) => subscribe(responseTopic, handler),
      uncorrelated,
      onThrow: (error) => report(error, responseTopic),
    })
  }

  #forgetOwn(responses: Responses | undefined): void {
    if (this.#own === responses) this.#own = undefined
    responses?.retire()
  }

  #forgetGiven(responseTopic: string, responses: Responses | undefined): void {
    if (this.#given.get(responseTopic) === responses) this.#given.delete(responseTopic)
    responses?.retire()
  }
}

function offer({ options: { match }, ending }: Request, message: Message): void {
  // A retained message is older than the request: MQTT 3.1.1 has no way to ask for none.
  if (!message.retain && (match?.(message) ?? true)) ending.resolve(message)
}

/** Of a kept session always the same, for with each new topic it would hold one more subscription. */
function defaultTopic(keptSession: string | null | undefined): string | undefined {
  if (keptSession === undefined) return undefined
  // Without what a topic must not contain, and different for different client ids.
  return `response/${keptSession?.replaceAll(/[%+#]/g, encodeURIComponent) ?? randomText(20)}`
}
