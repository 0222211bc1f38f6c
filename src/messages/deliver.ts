import { binary, type Codec, type SchemaResult, type StandardSchema } from '../api/codec.ts'
import { InvalidMessageError, MessageRefusedError } from '../api/errors.ts'
import type { SubscribeOptions } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import type { Tapped, TapSlot } from '../session/message-tap.ts'
import { callGuarded } from '../shared/emitter.ts'
import { nothing } from '../shared/nothing.ts'
import { isThenable } from '../shared/thenable.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { ReceivedMessage } from './received-message.ts'
import { handOver } from './tapped.ts'

/** Gets the messages that are decoded and valid. */
interface Consumer<Value> {
  /** @param session - identifies the broker's session that the message came from */
  handle(message: Message<Value>, session: object): unknown
}

/** Resolves when a message is processed, rejects if processing failed; `undefined` if it was processed at once. */
type Processing = Promise<void> | undefined

/** Decodes, validates and hands over messages, in the order in which they came. */
export class Deliverer<Value> {
  readonly #options: SubscribeOptions<Value>
  readonly #consumer: Consumer<Value>
  readonly #report: (error: unknown) => void
  /** Resolves when all earlier messages are handed over; `undefined` if they are. */
  #before: Promise<unknown> | undefined

  /**
   * @param report - called with what the consumer throws, or its promise rejects with, and with the error of a message that
   *   can't be decoded or is invalid, unless the options have an `onInvalid`
   */
  constructor(options: SubscribeOptions<Value>, consumer: Consumer<Value>, report: (error: unknown) => void) {
    this.#options = options
    this.#consumer = consumer
    this.#report = report
  }

  /** Hands over a message. It never throws. */
  deliver(packet: IncomingPublish, session: object): Processing {
    const { codec = binary as Codec<unknown> as Codec<Value>, schema } = this.#options
    let value: Value
    try {
      value = codec.decode(packet.payload)
    } catch (cause) {
      return this.#invalid(packet, new InvalidMessageError(packet.topic, [], { cause }))
    }
    return schema ? this.#check(packet, value, schema, session) : this.#hand(packet, value, session)
  }

  #hand(packet: IncomingPublish, value: Value, session: object): Processing {
    try {
      const processed = this.#consumer.handle(new ReceivedMessage(packet, value), session)
      if (!isThenable(processed)) return undefined
      const concluded = Promise.resolve(processed).then(nothing, (error) => this.#fail(packet, error))
      // With `ack: 'on-receipt'` no code handles its rejection.
      concluded.catch(nothing)
      return concluded
    } catch (error) {
      return this.#fail(packet, error)
    }
  }

  #invalid(packet: IncomingPublish, error: InvalidMessageError): undefined {
    const { onInvalid } = this.#options
    if (onInvalid) callGuarded(() => onInvalid(error, new ReceivedMessage(packet, packet.payload)), this.#report)
    else this.#report(error)
  }

  /** Validates a message, perhaps asynchronously, and keeps the order. */
  #check(packet: IncomingPublish, value: Value, schema: StandardSchema<Value>, session: object): Processing {
    let result: SchemaResult<Value> | Promise<SchemaResult<Value>>
    try {
      result = schema['~standard'].validate(value)
    } catch (error) {
      return this.#fail(packet, error)
    }
    if (!isThenable(result) && !this.#before) return this.#conclude(packet, result, session)
    const concluded = this.#conclusion(packet, Promise.resolve(result), this.#before, session)
    this.#before = concluded
    const processed = concluded.then(async ({ processing }) => {
      if (this.#before === concluded) this.#before = undefined
      await processing
    })
    // With `ack: 'on-receipt'` no code handles its rejection.
    processed.catch(nothing)
    return processed
  }

  async #conclusion(
    packet: IncomingPublish,
    checking: Promise<SchemaResult<Value>>,
    turn: Promise<unknown> | undefined,
    session: object,
  ): Promise<{ readonly processing: Processing }> {
    try {
      const result = await checking
      await turn
      return { processing: this.#conclude(packet, result, session) }
    } catch (error) {
      await turn
      return { processing: this.#fail(packet, error) }
    }
  }

  #conclude(packet: IncomingPublish, result: SchemaResult<Value>, session: object): Processing {
    return result.issues
      ? this.#invalid(packet, new InvalidMessageError(packet.topic, result.issues))
      : this.#hand(packet, result.value, session)
  }

  /**
   * Reports the error and rejects with it: the message was not processed. A refusal is no error of the handler, and is reported
   * when the message is acknowledged.
   */
  #fail({ qos }: IncomingPublish, error: unknown): Promise<never> {
    const isRefusal = error instanceof MessageRefusedError && this.#options.ack === 'after-handler' && qos > 0
    if (!isRefusal) this.#report(error)
    const rejected = Promise.reject(error)
    // With `ack: 'on-receipt'` no code handles its rejection.
    rejected.catch(nothing)
    return rejected
  }
}

/** Hands over the messages that no subscription matches to the option `onMessage`; `undefined` without one. */
export function deliverUnmatched(
  handler: ((message: Message) => unknown) | undefined,
  report: (error: unknown) => void,
  slot: () => Pick<TapSlot, 'tap'>,
): ((packet: IncomingPublish) => Processing) | undefined {
  if (!handler) return undefined
  const tapped: Tapped = {
    get tap() {
      return slot().tap
    },
    filter: undefined,
  }
  const handle = (message: Message) => handOver(message, handler, tapped)
  const deliverer = new Deliverer({}, { handle }, report)
  return (packet) => deliverer.deliver(packet, anySession)
}

/** Such messages are never held, so that the session does not matter. */
const anySession = {}
