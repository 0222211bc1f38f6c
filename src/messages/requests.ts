import type { Clock } from '../api/clock.ts'
import { InvalidOptionError, TimeoutError } from '../api/errors.ts'
import type { RequestOptions, Subscription } from '../api/message-options.ts'
import type { Message, Payload, PublishProperties, Qos } from '../api/message.ts'
import { requestRules } from '../config/call-rules.ts'
import { defaultRequest } from '../config/defaults.ts'
import { checkTopic, isTopic } from '../config/topics.ts'
import { randomText } from '../shared/random-text.ts'
import { readCallOptions } from '../shared/read-options.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { type Ending, Waits } from '../shared/wait.ts'
import { Responses } from './responses.ts'

/** The parts of a client that requests need. */
export interface RequestPort {
  readonly clock: Clock
  /** `undefined` as long as it is unknown: until the first connection at the latest. */
  readonly protocolVersion: () => number | undefined
  /** See `Attempts.keptClientId`. */
  readonly keptClientId: () => string | null | undefined
  /**
   * Called when a request needs a response topic.
   *
   * @returns the Response Information of the broker; `undefined` as long as that is unknown, until the first connection
   */
  readonly responseInformation: () => { readonly given: string | undefined } | undefined
  /** @returns removes the handler */
  readonly onConnected: (handler: () => void) => () => void
  /** Calls a handler when the broker refuses a filter for good. @returns removes the handler */
  readonly onSubscriptionFailed: (handler: (filter: string) => void) => void
  /** Reports what the `match` of a request throws. */
  readonly report: (error: unknown, responseTopic: string) => void
  /** Subscribes without asking for retained messages. @param isAwaiting - whether a response is awaited */
  readonly subscribe: (filter: string, handler: (message: Message) => void, isAwaiting: () => boolean) => Subscription
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
  /** Aborts when the response is no longer awaited. */
  readonly signal: AbortSignal
}

/** How requests are made on this connection. */
interface Terms {
  readonly correlated: boolean
  readonly responseTopic: string
}

/**
 * Requests and their responses. On MQTT 5 all requests share one response topic. It is subscribed to at the first
 * request, and restored on each connection before the outbox drains, so that no response to an earlier request is
 * missed.
 */
export class Requests {
  readonly #port: RequestPort
  readonly #isGiven: boolean
  #responseTopic: string | undefined
  /** The Response Information from which the topic was made. */
  #information: string | undefined
  /** Makes our Correlation Data unique: an earlier process of ours may have used the same response topic. */
  readonly #prefix = randomText(16)
  /** Requests that are answered on the response topic of this client. */
  #own: Responses | undefined
  /** Requests with a response topic of their own, by topic, as long as one is pending there. */
  readonly #given = new Map<string, Responses>()
  readonly #waits = new Waits()
  #last = 0

  /** @param responseTopic - belongs to this client alone. If it is not given, one is chosen at the first request */
  constructor(port: RequestPort, responseTopic: string | undefined) {
    this.#port = port
    this.#isGiven = responseTopic !== undefined
    this.#responseTopic = responseTopic
    // The next request subscribes anew. Pending requests go on: another subscriber may have asked for too much.
    port.onSubscriptionFailed((filter) => {
      if (filter === this.#responseTopic) this.#forgetOwn(this.#own)
      this.#forgetGiven(filter, this.#given.get(filter))
    })
  }

  /** Sends a request and waits for its response, at most for its timeout. */
  async request(topic: string, payload: Payload, given: RequestOptions): Promise<Message> {
    checkTopic(topic)
    const options = readCallOptions('request', given, requestRules)
    const { timeout = defaultRequest.timeout, signal } = options
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
      // A request whose response is no longer awaited is not sent.
      sending.abort()
    }
  }

  /** Rejects all pending requests. */
  reject(error: unknown): void {
    this.#waits.reject(error)
  }

  /** @returns `undefined` as long as the protocol version is unknown */
  #terms({ responseTopic }: RequestOptions): Terms | undefined {
    const version = this.#port.protocolVersion()
    if (version === undefined) return undefined
    if (responseTopic !== undefined) return { correlated: version === 5, responseTopic }
    if (version !== 5) throw new InvalidOptionError('responseTopic', `must be given with MQTT 3.1.1`)
    const own = this.#ownTopic()
    return own === undefined ? undefined : { correlated: true, responseTopic: own }
  }

  /** @returns `undefined` as long as it is unknown */
  #ownTopic(): string | undefined {
    if (this.#isGiven) return this.#responseTopic
    const information = this.#port.responseInformation()
    if (!information) return undefined
    const { given } = information
    if (given !== undefined && given !== this.#information && isTopic(given)) {
      // Requests that are pending go on at the earlier topic.
      this.#forgetOwn(this.#own)
      this.#information = given
      this.#responseTopic = undefined
    }
    this.#responseTopic ??= defaultTopic(this.#port.keptClientId(), this.#information)
    return this.#responseTopic
  }

  /** @returns gives the request up */
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

  /** @returns gives the request up */
  #send(request: Request, { correlated, responseTopic }: Terms): () => void {
    const { topic, payload, options, signal, ending } = request
    const id = `${this.#prefix}.${++this.#last}`
    const given = options.responseTopic !== undefined
    const responses = given ? this.#onGiven(responseTopic) : this.#onOwn(responseTopic)
    const takeOff = responses.add(correlated ? id : undefined, { offer: (message) => offer(request, message) })
    const properties = { responseTopic, correlationData: textEncoder().encode(id) }
    const { qos = defaultRequest.qos, timeout: ttl = defaultRequest.timeout } = options
    // The response may be faster than the SUBACK.
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
    // The broker refused the filter for good: no response can come, and the next request tries again.
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
      subscribe: (handler, isAwaiting) => subscribe(responseTopic, handler, isAwaiting),
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

/** A kept session always has the same topic: each new topic would add a subscription to it. */
function defaultTopic(keptClientId: string | null | undefined, information: string | undefined): string | undefined {
  if (keptClientId === undefined) return undefined
  // The Response Information is the part of the topic tree where responses belong (MQTT 5 §3.2.2.3.15).
  const prefix = information === undefined ? '' : information.replace(/\/?$/, '/')
  // Different for different client ids, and without the characters that a topic must not contain.
  return `${prefix}response/${keptClientId?.replaceAll(/[%+#]/g, encodeURIComponent) ?? randomText(20)}`
}
