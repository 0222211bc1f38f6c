import type { PublishOptions, PublishResult } from './message-options.ts'
import type { Payload } from './message.ts'

/** Options of a publish in `birth`. */
export type BirthPublishOptions<Value = Payload> = Pick<
  PublishOptions<Value>,
  'qos' | 'retain' | 'properties' | 'codec'
>

/** What the option `birth` gets for each connection. */
export interface BirthConnection {
  /** Whether the broker kept the session. */
  readonly sessionPresent: boolean
  /**
   * Publishes before everything that waits in the outbox, in the order of the calls. Resolves as `client.publish` does.
   *
   * @throws {ConnectionLostError} if the connection ends first. With QoS 1 and 2 the message may still be delivered
   * @throws the errors of `client.publish`
   */
  publish(this: void, topic: string, payload: Payload, options?: BirthPublishOptions): Promise<PublishResult>
  publish<Value>(
    this: void,
    topic: string,
    value: Value,
    options: BirthPublishOptions<Value> & Required<Pick<BirthPublishOptions<Value>, 'codec'>>,
  ): Promise<PublishResult>
  /** Aborts when the connection ends, or after `timeouts.birthTimeout`. */
  readonly signal: AbortSignal
}

/** Publishes the birth of a connection. */
export type Birth = (connection: BirthConnection) => unknown
