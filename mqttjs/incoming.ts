import type { IClientOptions, IPublishPacket } from 'mqtt'

import { MessageRefusedError, REFUSALS } from '../src/api/errors.ts'
import type { Processing } from '../src/session/incoming/receiver.ts'
import { nothing } from '../src/shared/nothing.ts'
import { FIRST_ERROR, type IncomingPublish } from '../src/wire/packets.ts'
import { publishPacket } from './publish-packet.ts'
import { uncaught } from './uncaught.ts'

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
  #last: { readonly packet: IncomingPublish; readonly processing: Processing } | undefined
  /** Resolves when all earlier messages are processed; `undefined` if they are. */
  #before: Promise<void> | undefined

  constructor(port: IncomingPort) {
    this.#port = port
  }

  /**
   * Emits a message. It is called for each subscription that matches.
   *
   * @returns rejects with `MessageRefusedError` if `customHandleAcks` has refused the message
   */
  deliver(packet: IncomingPublish): Processing {
    if (this.#last?.packet === packet) return this.#last.processing
    const processing = this.#before ? this.#before.then(() => this.#process(packet)) : this.#process(packet)
    const last = { packet, processing }
    this.#last = last
    if (processing) {
      this.#waitFor(processing)
      // With QoS 2, the broker repeats only the PUBREL of a message that was not processed, so the packet is the same.
      processing.catch(() => {
        if (this.#last === last) this.#last = undefined
      })
    }
    return processing
  }

  /** Messages wait until the promise resolves. */
  hold(until: Promise<void>): void {
    const before = this.#before
    this.#waitFor(before ? Promise.all([before, until]).then(nothing) : until)
  }

  #waitFor(processing: NonNullable<Processing>): void {
    const before = processing.catch(nothing).then(() => {
      if (this.#before === before) this.#before = undefined
    })
    this.#before = before
  }

  #process(packet: IncomingPublish): Processing {
    const { customHandleAcks } = this.#port
    // The identifiers on the wire are ours.
    const isIdentified = packet.properties?.subscriptionIdentifier !== undefined
    const publish = publishPacket(packet, isIdentified ? this.#port.identifiersOf(packet) : [])
    if (customHandleAcks && packet.qos > 0) return this.#processUnlessRefused(publish, customHandleAcks)
    this.#port.emitMessage(publish)
    return this.#handle(publish)
  }

  async #processUnlessRefused(packet: IPublishPacket, customHandleAcks: CustomHandleAcks): Promise<number> {
    const code = await this.#askForAck(packet, customHandleAcks)
    if (code === 0) this.#port.emitMessage(packet)
    // MQTT.js hands it refused messages of QoS 1, too.
    if (code === 0 || packet.qos === 1) await this.#handle(packet)
    if (code >= FIRST_ERROR) throw new MessageRefusedError(code)
    return code
  }

  #handle(packet: IPublishPacket): Promise<void> | undefined {
    const handle = this.#port.handleMessage()
    if (!handle) return undefined
    return new Promise((resolve, reject) => {
      handle(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** @returns the reason code. Without a valid one it rejects, and the message is not acknowledged, as with MQTT.js */
  #askForAck(packet: IPublishPacket, ask: CustomHandleAcks): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.#port.emitError(error)
        reject(error)
      }
      uncaught(ask)(packet.topic, packet.payload as Buffer, packet, (error, code) => {
        const answer = typeof error === 'number' ? error : code
        if (error && typeof error !== 'number') fail(error)
        else if (answer !== undefined && REASON_CODES.has(answer)) resolve(answer)
        else fail(new Error(`Wrong reason code for ${packet.qos === 1 ? 'puback' : 'pubrec'}`))
      })
    })
  }
}

/** Of PUBACK and PUBREC (MQTT 5 §3.4.2.1, §3.5.2.1). MQTT.js takes the same. */
const REASON_CODES = new Set([0x00, 0x10, ...REFUSALS])
