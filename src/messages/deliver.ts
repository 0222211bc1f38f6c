import type { SubscribeOptions } from '../api/message-options.ts'
import { binary, type Codec, type SchemaResult, type StandardSchema } from '../api/codec.ts'
import { callGuarded } from '../shared/emitter.ts'
import { InvalidMessageError } from '../api/errors.ts'
import { ReceivedMessage } from './received-message.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import type { Message } from '../api/message.ts'
import { nothing } from '../shared/nothing.ts'

/** What a receiver does with its messages. */
export interface Delivery<Value> {
  readonly options: SubscribeOptions<Value>
  readonly handler: (message: Message<Value>) => unknown
  /** A handler threw, or its promise rejected. */
  readonly onThrow: (error: unknown) => void
  /** A message could not be decoded or is not valid, and the subscription has no error handler of its own. */
  readonly onInvalid: (error: InvalidMessageError) => void
}

/** Resolves when a message is processed, rejects if it could not be; `undefined` if it was processed at once. */
type Processing = Promise<void> | undefined

/** Decodes, checks and hands over messages, in the order in which they came. Never throws. */
export function createDeliver<Value>(delivery: Delivery<Value>): (packet: IncomingPublish) => Processing {
  const { options, handler, onThrow } = delivery
  const codec = options.codec ?? (binary as Codec<unknown> as Codec<Value>)
  const { schema } = options

  const hand = (packet: IncomingPublish, value: Value): Processing => {
    try {
      const processed = handler(new ReceivedMessage(packet, value))
      if (!isThenable(processed)) return undefined
      const concluded = Promise.resolve(processed).then(nothing, rethrowTo(onThrow))
      // With `ack: 'on-receipt'` nobody waits for it.
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

/** Checks messages, which may take its time, and lets none overtake another. */
function checkInOrder<Value>(
  conclude: (packet: IncomingPublish, result: SchemaResult<Value>) => Processing,
  onThrow: (error: unknown) => void,
) {
  /** Resolves when those before are handed over; `undefined` if they are. */
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
    // With `ack: 'on-receipt'` nobody waits for it.
    processed.catch(nothing)
    return processed
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}

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
