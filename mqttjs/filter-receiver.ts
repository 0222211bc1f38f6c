import type { ISubscriptionRequest } from 'mqtt'

import type { SubscribeOptions } from '../src/api/message-options.ts'
import { ClientReceiver } from '../src/messages/client-receiver.ts'
import { readSubscribeOptions } from '../src/messages/subscribe.ts'
import type { Processing } from '../src/session/incoming/receiver.ts'
import type { Session } from '../src/session/session.ts'
import { nothing } from '../src/shared/nothing.ts'
import type { IncomingPublish } from '../src/wire/packets.ts'

/** What became of a subscription: the granted QoS, or why it was refused or ended. */
export type Answer = { readonly granted: 0 | 1 | 2 } | { readonly error: Error } | { readonly refused: number }

export interface FilterReceiverOptions {
  readonly session: Session
  readonly filter: string
  readonly options: SubscribeOptions
  /** The application's Subscription Identifier. */
  readonly identifier: number | undefined
  /** Called once. */
  readonly onAnswer: (answer: Answer) => void
  readonly onMessage: (packet: IncomingPublish) => Processing
}

/** `handleMessage` is not called again: if it fails, the broker has to send the message again, if it keeps the session. */
const retry = Object.freeze({ maxAttempts: 0 })

/** Receives the messages of one topic filter, and calls back when the broker has answered the SUBSCRIBE. */
export class FilterReceiver extends ClientReceiver<Uint8Array> {
  /** The application's Subscription Identifier, which is not that on the wire. */
  readonly identifier: number | undefined
  readonly #onMessage: FilterReceiverOptions['onMessage']
  #onAnswer: FilterReceiverOptions['onAnswer'] | undefined

  constructor({ session, filter, options, identifier, onAnswer, onMessage }: FilterReceiverOptions) {
    super({
      session,
      filter,
      handler: nothing,
      options,
      isAwaiting: undefined,
      report: nothing,
    })
    this.identifier = identifier
    this.#onAnswer = onAnswer
    this.#onMessage = onMessage
  }

  /** Whether the broker has yet to answer. */
  get isPending(): boolean {
    return this.#onAnswer !== undefined
  }

  /** Another receiver takes its place, and calls back for it. @returns what to call; `undefined` if it was answered */
  replaced(): FilterReceiverOptions['onAnswer'] | undefined {
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    return onAnswer
  }

  /** Gives the answer from elsewhere, and is not called back any more. */
  settle(answer: Answer): void {
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    onAnswer?.(answer)
  }

  override granted(qos: 0 | 1 | 2): void {
    super.granted(qos)
    this.settle({ granted: qos })
  }

  /** The first refusal counts, as with MQTT.js. Later ones, when the subscription is restored, are retried. */
  refused(reasonCode: number): void {
    this.settle({ refused: reasonCode })
  }

  override rejected(error: unknown): void {
    super.rejected(error)
    this.settle({ error: error as Error })
  }

  override deliver(packet: IncomingPublish): Processing {
    return this.#onMessage(packet)
  }
}

/** The options of a subscription that the application has asked for. @throws {InvalidOptionError} */
export function subscribeOptions({ topic, qos, nl, rap, rh, properties }: ISubscriptionRequest): SubscribeOptions {
  return readSubscribeOptions(topic, {
    qos,
    noLocal: nl ?? false,
    retainAsPublished: rap ?? false,
    retainHandling: (rh ?? 0) as 0 | 1 | 2,
    ...(properties?.userProperties && { userProperties: properties.userProperties }),
    ack: 'after-handler',
    retry,
  })
}
