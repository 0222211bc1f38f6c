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
  /** @param session - identifies the broker's session that the message came from */
  readonly handler: (message: Message<Value>, session: object) => unknown
  /** Called when the handler throws, or its promise rejects. */
  readonly onThrow: (error: unknown) => void
  /** Called with a message that can't be decoded or is invalid, unless the subscription has an `onInvalid`. */
  readonly onInvalid: (error: InvalidMessageError) => void
}

/** Resolves when a message is processed, rejects if processing failed; `undefined` if it was processed at once. */
type Processing = Promise<void> | undefined

/** Hands over a message. It never throws. */
type Deliver = (packet: IncomingPublish, session: object) => Processing

/** Decodes, validates and hands over messages, in the order in which they came. */
export function createDeliver<Value>(delivery: Delivery<Value>): Deliver {
  const { options, handler, onThrow } = delivery
  const codec = options.codec ?? (binary as Codec<unknown> as Codec<Value>)
  const { schema } = options

  const hand = (packet: IncomingPublish, value: Value, session: object): Processing => {
    try {
      const processed = handler(new ReceivedMessage(packet, value), session)
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

  const conclude: Conclude<Value> = (packet, { issues, ...result }, session) =>
    issues
      ? invalid(packet, new InvalidMessageError(packet.topic, issues))
      : hand(packet, (result as { value: Value }).value, session)

  const check = checkInOrder(conclude, onThrow)

  return (packet, session) => {
    let value: Value
    try {
      value = codec.decode(packet.payload)
    } catch (cause) {
      return invalid(packet, new InvalidMessageError(packet.topic, [], { cause }))
    }
    return schema ? check(packet, value, schema, session) : hand(packet, value, session)
  }
}

/** Hands over the messages that no subscription matches to the option `onMessage`; `undefined` without one. */
export function deliverUnmatched(
  handler: ((message: Message) => unknown) | undefined,
  report: (error: unknown) => void,
): ((packet: IncomingPublish) => Processing) | undefined {
  if (!handler) return undefined
  const hand = (message: Message) => handler(message)
  const deliver = createDeliver({ options: {}, handler: hand, onThrow: report, onInvalid: report })
  return (packet) => deliver(packet, anySession)
}

/** Such messages are never held, so that the session does not matter. */
const anySession = {}

/** Hands over a message that was validated, if it is valid. */
type Conclude<Value> = (packet: IncomingPublish, result: SchemaResult<Value>, session: object) => Processing

/** Validates messages, perhaps asynchronously, and keeps their order. */
function checkInOrder<Value>(conclude: Conclude<Value>, onThrow: (error: unknown) => void) {
  /** Resolves when all earlier messages are handed over; `undefined` if they are. */
  let before: Promise<unknown> | undefined

  const conclusionOf = async (
    checking: Promise<SchemaResult<Value>>,
    turn: typeof before,
    concludeWith: (result: SchemaResult<Value>) => Processing,
  ) => {
    try {
      const result = await checking
      await turn
      return { processing: concludeWith(result) }
    } catch (error) {
      await turn
      return { processing: rethrowTo(onThrow)(error) }
    }
  }

  return (packet: IncomingPublish, value: Value, schema: StandardSchema<Value>, session: object): Processing => {
    let result: SchemaResult<Value> | Promise<SchemaResult<Value>>
    try {
      result = schema['~standard'].validate(value)
    } catch (error) {
      return rethrowTo(onThrow)(error)
    }
    if (!isThenable(result) && !before) return conclude(packet, result, session)
    const concluded = conclusionOf(Promise.resolve(result), before, (each) => conclude(packet, each, session))
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
