import type { SubscribeOptions } from './client-types.ts'
import { binary, type Codec } from './codec.ts'
import { InvalidMessageError } from './errors.ts'
import { ReceivedMessage } from './message.ts'
import type { IncomingPublish } from './session/link.ts'
import type { Message } from './types.ts'

/** What a receiver does with its messages. */
export interface Delivery<Value> {
  readonly options: SubscribeOptions<Value>
  readonly handler: (message: Message<Value>) => unknown
  /** A handler threw, or its promise rejected. */
  readonly onThrow: (error: unknown) => void
  /** A message could not be decoded or is not valid, and the subscription has no error handler of its own. */
  readonly onInvalid: (error: InvalidMessageError) => void
}

/**
 * Decodes, checks and hands over messages. Never throws.
 *
 * @returns a promise that resolves when the message is processed, unless that is known at once
 */
export function createDeliver<Value>(
  delivery: Delivery<Value>,
): (packet: IncomingPublish) => Promise<void> | undefined {
  const { options, handler, onThrow } = delivery
  const codec = options.codec ?? (binary as Codec<unknown> as Codec<Value>)
  const { schema } = options

  const hand = (packet: IncomingPublish, value: Value): Promise<void> | undefined => {
    try {
      const processed = handler(new ReceivedMessage(packet, value))
      return processed instanceof Promise ? processed.then(nothing, rethrowTo(onThrow)) : undefined
    } catch (error) {
      return rethrowTo(onThrow)(error)
    }
  }

  const invalid = (packet: IncomingPublish, error: InvalidMessageError): void => {
    if (!options.onInvalid) return delivery.onInvalid(error)
    try {
      options.onInvalid(error, new ReceivedMessage(packet, packet.payload))
    } catch (thrown) {
      onThrow(thrown)
    }
  }

  const check = async (packet: IncomingPublish, value: Value): Promise<void> => {
    const result = await schema?.['~standard'].validate(value)
    if (result?.issues) return invalid(packet, new InvalidMessageError(packet.topic, result.issues))
    await hand(packet, result ? result.value : value)
  }

  return (packet) => {
    let value: Value
    try {
      value = codec.decode(packet.payload)
    } catch (cause) {
      invalid(packet, new InvalidMessageError(packet.topic, [], { cause }))
      return undefined
    }
    if (!schema) return hand(packet, value)
    return check(packet, value).catch(rethrowTo(onThrow))
  }
}

function nothing(): void {}

/** Reports, and stays rejected: the message was not processed. */
function rethrowTo(onThrow: (error: unknown) => void) {
  return (error: unknown): Promise<never> => {
    onThrow(error)
    const rejected = Promise.reject(error)
    // With `ack: 'on-receipt'` nobody waits for it.
    rejected.catch(nothing)
    return rejected
  }
}
