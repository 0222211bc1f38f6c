import type { PublishResult } from '../api/message-options.ts'
import type { Message, Payload, PublishProperties, Qos } from '../api/message.ts'
import type { BrokerStatus } from '../api/status.ts'

/** A publish that is about to be accepted. */
export interface TappedPublish {
  readonly topic: string
  readonly payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}

/** Follows one publish. Only the first call of `succeeded` or `failed` counts. */
export interface PublishTap {
  /** The properties to send. */
  readonly properties: PublishProperties | undefined
  succeeded(result: PublishResult): void
  /** @param wasSent - whether it was written to a connection before it failed */
  failed(error: unknown, wasSent: boolean): void
}

/**
 * Follows the messages of a client, on behalf of `xstate-mqtt/opentelemetry`. Its methods throw nothing but what a handler
 * throws.
 */
export interface MessageTap {
  publishing(publish: TappedPublish): PublishTap
  /** Calls a handler. @param filter - of its subscription; `undefined` for the option `onMessage` */
  processing<Value>(
    message: Message<Value>,
    filter: string | undefined,
    handler: (message: Message<Value>) => unknown,
  ): unknown
  /** A loop takes a message. @returns to be called when it has processed the message */
  taken(message: Message<unknown>, filter: string): () => void
}

/** Where a client has its tap, and what a tap has to know of the client. Without a tap, a message costs a look at it. */
export interface TapSlot {
  tap: MessageTap | undefined
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** The server of the last connection; `undefined` before the first. */
  readonly peer: { readonly server: string } | undefined
  /** What the broker of the last connection announced; `undefined` before the first. */
  readonly broker: Pick<BrokerStatus, 'maximumPacketSize'> | undefined
  /** Of the last connection; `undefined` before the first. */
  readonly protocolVersion: number | undefined
}

/** What a handler is called for. */
export interface Tapped {
  readonly tap: MessageTap | undefined
  readonly filter: string | undefined
}
