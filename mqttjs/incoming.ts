import type { IClientOptions, IPublishPacket } from 'mqtt'

import { nothing } from '../src/shared/nothing.ts'
import type { IncomingPublish } from '../src/wire/packets.ts'
import { toBuffer } from './payload.ts'

type CustomHandleAcks = NonNullable<IClientOptions['customHandleAcks']>

export interface IncomingPort {
  emitMessage(packet: IPublishPacket): void
  /** The hook `handleMessage`, if the application has overridden it. */
  handleMessage(): ((packet: IPublishPacket, callback: (error?: Error) => void) => void) | undefined
  /** The option of this name, on MQTT 5. */
  readonly customHandleAcks: CustomHandleAcks | undefined
  emitError(error: Error): void
  /** The application's Subscription Identifiers of the subscriptions that match. */
  identifiersOf(packet: IncomingPublish): readonly number[]
}

/**
 * Emits each message once, however many subscriptions match it. While the application's `handleMessage` is at work, further
 * messages wait, and their acknowledgements with them.
 */
export class Incoming {
  readonly #port: IncomingPort
  #last: { readonly packet: IncomingPublish; readonly processing: Promise<void> | undefined } | undefined
  /** Resolves when all earlier messages are processed; `undefined` if they are. */
  #before: Promise<void> | undefined

  constructor(port: IncomingPort) {
    this.#port = port
  }

  /**
   * Emits a message. It is called for each subscription that matches.
   *
   * @returns resolves when the message is processed; `undefined` if it was processed at once
   */
  deliver(packet: IncomingPublish): Promise<void> | undefined {
    if (this.#last?.packet === packet) return this.#last.processing
    const processing = this.#before ? this.#before.then(() => this.#process(packet)) : this.#process(packet)
    this.#last = { packet, processing }
    if (processing) this.#waitFor(processing)
    return processing
  }

  /** Messages wait until the promise resolves. */
  hold(until: Promise<void>): void {
    const before = this.#before
    this.#waitFor(before ? Promise.all([before, until]).then(nothing) : until)
  }

  #waitFor(processing: Promise<void>): void {
    const before = processing.catch(nothing).then(() => {
      if (this.#before === before) this.#before = undefined
    })
    this.#before = before
  }

  #process(packet: IncomingPublish): Promise<void> | undefined {
    const { customHandleAcks } = this.#port
    // The identifiers on the wire are ours.
    const isIdentified = packet.properties?.subscriptionIdentifier !== undefined
    const publish = publishPacket(packet, isIdentified ? this.#port.identifiersOf(packet) : [])
    if (!customHandleAcks || packet.qos === 0) return this.#emit(publish)
    return this.#askForAck(publish, customHandleAcks).then((code) => (code === 0 ? this.#emit(publish) : undefined))
  }

  #emit(packet: IPublishPacket): Promise<void> | undefined {
    this.#port.emitMessage(packet)
    const handle = this.#port.handleMessage()
    if (!handle) return undefined
    return new Promise((resolve, reject) => {
      handle(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** @returns the reason code; that of an unspecified error if there is no valid one */
  #askForAck(packet: IPublishPacket, ask: CustomHandleAcks): Promise<number> {
    return new Promise((resolve) => {
      ask(packet.topic, packet.payload as Buffer, packet, (error, code = 0) => {
        if (typeof error === 'number') return resolve(error)
        if (error) this.#port.emitError(error)
        resolve(error ? UNSPECIFIED_ERROR : code)
      })
    })
  }
}

/** MQTT 5 §3.4.2.1. */
const UNSPECIFIED_ERROR = 0x80

function publishPacket(packet: IncomingPublish, identifiers: readonly number[]): IPublishPacket {
  const { topic, payload, qos, retain, dup, packetId, properties } = packet
  const { subscriptionIdentifier: _ours, ...others } = properties ?? {}
  const [identifier] = identifiers
  const subscriptionIdentifier = identifiers.length > 1 ? identifiers : identifier
  const given = { ...others, ...(identifier !== undefined && { subscriptionIdentifier }) }
  return {
    cmd: 'publish',
    topic,
    payload: toBuffer(payload),
    qos,
    retain,
    dup,
    ...(packetId && { messageId: packetId }),
    ...(Object.keys(given).length > 0 && { properties: given as NonNullable<IPublishPacket['properties']> }),
  }
}
