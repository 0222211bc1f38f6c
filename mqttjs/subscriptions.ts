import type {
  ClientSubscribeCallback,
  IClientUnsubscribeProperties,
  ISubscriptionGrant,
  ISubscriptionRequest,
} from 'mqtt'
import type { ISubackPacket } from 'mqtt-packet'

import { SubscriptionRefusedError } from '../src/api/errors.ts'
import type { SubscribeOptions } from '../src/api/message-options.ts'
import { parseUserProperties } from '../src/config/publish-properties.ts'
import type { Processing } from '../src/session/incoming/receiver.ts'
import type { Session } from '../src/session/session.ts'
import { soon } from '../src/shared/soon.ts'
import type { IncomingPublish } from '../src/wire/packets.ts'
import { reasonOf } from './errors.ts'
import { type Answer, FilterReceiver, subscribeOptions } from './filter-receiver.ts'
import { ErrorWithSubackPacket } from './mqttjs.ts'

export interface SubscriptionsPort {
  readonly session: Session
  deliver(packet: IncomingPublish): Processing
}

/** The subscriptions of an application, by topic filter. */
export class Subscriptions {
  readonly #port: SubscriptionsPort
  readonly #receivers = new Map<string, FilterReceiver>()

  constructor(port: SubscriptionsPort) {
    this.#port = port
  }

  /** Whether there is a subscription with at least this QoS: MQTT.js does not ask the broker again then. */
  has({ topic, qos }: ISubscriptionRequest): boolean {
    const receiver = this.#receivers.get(topic)
    return receiver !== undefined && receiver.qos >= qos && !receiver.isRefused
  }

  /** The application's Subscription Identifiers of the subscriptions that match a message. */
  identifiersOf(packet: IncomingPublish): readonly number[] {
    return this.#port.session.matching(packet).flatMap((receiver) => {
      return (receiver instanceof FilterReceiver && receiver.identifier) || []
    })
  }

  /**
   * Subscribes.
   *
   * @param callback - called when the broker has answered for all of them
   * @throws {InvalidOptionError} if an option is wrong; nothing was done then
   */
  subscribe(requests: readonly ISubscriptionRequest[], callback: ClientSubscribeCallback): void {
    const options = requests.map((request) => subscribeOptions(request))
    const granted: ISubscriptionGrant[] = requests.map((request) => ({ ...request }))
    const codes: number[] = []
    let missing = requests.length
    let failure: Error | undefined
    for (const [i, request] of requests.entries()) {
      this.#subscribe(request, options[i] as SubscribeOptions, (answer) => {
        const { code, error } = outcomeOf(answer)
        failure ??= error
        codes[i] = code
        if (code <= 2 || code === FAILED) (granted[i] as ISubscriptionGrant).qos = code as 0 | 1 | 2 | 128
        if (--missing > 0) return
        const packet: ISubackPacket = { cmd: 'suback', granted: codes }
        if (failure === undefined) return callback(null, granted, packet)
        callback(Object.assign(new ErrorWithSubackPacket(failure.message, packet), codeOf(codes)), granted, packet)
      })
    }
  }

  /**
   * Unsubscribes, also from filters of an earlier process.
   *
   * @param properties - of the UNSUBSCRIBE
   * @param callback - called when the broker has answered
   * @throws {InvalidOptionError} if a property is wrong
   */
  unsubscribe(filters: readonly string[], { properties }: IClientUnsubscribeProperties, callback: () => void): void {
    const { session } = this.#port
    const userProperties = parseUserProperties(properties?.userProperties, 'properties.userProperties')
    let missing = filters.length
    const gone = () => {
      // Later, because the callback may subscribe.
      if (--missing === 0) soon(callback)
    }
    for (const filter of filters) {
      const receiver = this.#receivers.get(filter)
      this.#receivers.delete(filter)
      if (receiver) session.unsubscribe(receiver)
      session.leave(filter, gone, userProperties)
    }
  }

  /** The connection is closed, and will not be restored: the broker's answers will not come. */
  closed(): void {
    for (const receiver of this.#receivers.values()) receiver.settle({ error: new Error('Connection closed') })
  }

  /** With `resubscribe: false` the application subscribes anew on each connection. */
  forget(): void {
    for (const [filter, receiver] of this.#receivers) {
      if (receiver.isPending) continue
      this.#receivers.delete(filter)
      this.#port.session.forget(receiver)
    }
  }

  #subscribe(
    { topic, properties }: ISubscriptionRequest,
    options: SubscribeOptions,
    onAnswer: (answer: Answer) => void,
  ): void {
    const { session } = this.#port
    const earlier = this.#receivers.get(topic)
    const onEarlierAnswer = earlier?.replaced()
    const receiver = new FilterReceiver({
      session,
      filter: topic,
      options,
      identifier: properties?.subscriptionIdentifier,
      onMessage: (packet) => this.#port.deliver(packet),
      onAnswer: (answer) => {
        if (!('granted' in answer) && this.#receivers.get(topic) === receiver) {
          this.#receivers.delete(topic)
          session.unsubscribe(receiver)
        }
        onEarlierAnswer?.(answer)
        onAnswer(answer)
      },
    })
    this.#receivers.set(topic, receiver)
    session.subscribe(receiver)
    if (earlier) session.unsubscribe(earlier)
  }
}

/** A SUBACK has this code on MQTT 3.1.1 (§3.9.3). */
const FAILED = 0x80

function outcomeOf(answer: Answer): { readonly code: number; readonly error?: Error } {
  if ('granted' in answer) return { code: answer.granted }
  if ('error' in answer && !(answer.error instanceof SubscriptionRefusedError)) {
    return { code: FAILED, error: answer.error }
  }
  const code = 'refused' in answer ? answer.refused : (answer.error as SubscriptionRefusedError).reasonCode
  return { code, error: new Error(`Subscribe error: ${reasonOf(code)}`) }
}

/** MQTT.js sets it beside the packet. */
function codeOf(codes: readonly number[]): { readonly code?: number } {
  const code = codes.findLast((each) => each >= FAILED)
  return code === undefined ? {} : { code }
}
