import { binary, type Codec, type SchemaResult, type StandardSchema } from '../api/codec.ts'
import { InvalidMessageError } from '../api/errors.ts'
import type { SubscribeOptions } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import { callGuarded } from '../shared/emitter.ts'
import { nothing } from '../shared/nothing.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { ReceivedMessage } from './received-message.ts'

/** How the messages of a subscription are handed over. */
export interface Delivery<Value> {
  readonly options: SubscribeOptions<Value>
  readonly handler: (message: Message<Value>) => unknown
  /** Called when the handler throws, or its promise rejects. */
  readonly onThrow: (error: unknown) => void
  /** Called with a message that can't be decoded or is invalid, unless the subscription has an `onInvalid`. */
  readonly onInvalid: (error: InvalidMessageError) => void
}

/** Resolves when a message is processed, rejects if processing failed; `undefined` if it was processed at once. */
type Processing = Promise<void> | undefined

/**
 * Decodes, validates and hands over messages, in the order in which they came. The function it returns never throws.
 */
export function createDeliver<Value>(delivery: Delivery<Value>): (packet: IncomingPublish) => Processing {
  const { options, handler, onThrow } = delivery
  const codec = options.codec ?? (binary as Codec<unknown> as Codec<Value>)
  const { schema } = options

  const hand = (packet: IncomingPublish, value: Value): Processing => {
    try {
      const processed = handler(new ReceivedMessage(packet, value))
      if (!isThenable(processed)) return undefined
      const concluded = Promise.resolve(processed).then(nothing, rethrowTo(onThrow))
      // With `ack: 'on-receipt'` no code handles its rejection.
      concluded.catch(nothing)
      return concluded
    } catch (error) {
      return rethrowTo(onThrow)(error)
    }
  }

  const invalid = (packet: IncomingPublish, error: InvalidMessageError): undefined => {
    const { onInvalid } = options
    if (onInvalid) callGuarded(() => onInvalid(error, new ReceivedMessage(packet, packet.payload)), onThrow)
    else delivery.onInvalid(error)
  }

  const conclude = (packet: IncomingPublish, { issues, ...result }: SchemaResult<Value>): Processing =>
    issues
      ? invalid(packet, new InvalidMessageError(packet.topic, issues))
      : hand(packet, (result as { value: Value }).value)

  const check = checkInOrder(conclude, onThrow)

  return (packet) => {
    let value: Value
    try {
      value = codec.decode(packet.payload)
    } catch (cause) {
      return invalid(packet, new InvalidMessageError(packet.topic, [], { cause }))
    }
    return schema ? check(packet, value, schema) : hand(packet, value)
  }
}

/** Hands over the messages that no subscription matches to the option `onMessage`; `undefined` without one. */
export function deliverUnmatched(
  handler: ((message: Message) => unknown) | undefined,
  report: (error: unknown) => void,
): ((packet: IncomingPublish) => Processing) | undefined {
  return handler && createDeliver({ options: {}, handler, onThrow: report, onInvalid: report })
}

/** Validates messages, perhaps asynchronously, and keeps their order. */
function checkInOrder<Value>(
  conclude: (packet: IncomingPublish, result: SchemaResult<Value>) => Processing,
  onThrow: (error: unknown) => void,
) {
  /** Resolves when all earlier messages are handed over; `undefined` if they are. */
  let before: Promise<unknown> | undefined

  const conclusionOf = async (packet: IncomingPublish, checking: Promise<SchemaResult<Value>>, turn: typeof before) => {
    try {
      const result = await checking
      await turn
      return { processing: conclude(packet, result) }
    } catch (error) {
      await turn
      return { processing: rethrowTo(onThrow)(error) }
    }
  }

  return (packet: IncomingPublish, value: Value, schema: StandardSchema<Value>): Processing => {
    let result: SchemaResult<Value> | Promise<SchemaResult<Value>>
    try {
      result = schema['~standard'].validate(value)
    } catch (error) {
      return rethrowTo(onThrow)(error)
    }
    if (!isThenable(result) && !before) return conclude(packet, result)
    const concluded = conclusionOf(packet, Promise.resolve(result), before)
    before = concluded
    const processed = concluded.then(async ({ processing }) => {
      if (before === concluded) before = undefined
      await processing
    })
    // With `ack: 'on-receipt'` no code handles its rejection.
    processed.catch(nothing)
    return processed
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}

/** Reports the error and rejects with it: the message was not processed. */
function rethrowTo(onThrow: (error: unknown) => void) {
  return (error: unknown): Promise<never> => {
    onThrow(error)
    const rejected = Promise.reject(error)
    // With `ack: 'on-receipt'` no code handles its rejection.
    rejected.catch(nothing)
    return rejected
  }
}
