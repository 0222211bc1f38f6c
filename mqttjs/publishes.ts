import type { IClientPublishOptions, MqttClient, PacketCallback } from 'mqtt'
import type { IPubrelPacket, IPublishPacket, Packet } from 'mqtt-packet'

import { PublishRefusedError } from '../src/api/errors.ts'
import type { PendingPublish, PublishOptions, PublishResult } from '../src/api/message-options.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { nothing } from '../src/shared/nothing.ts'
import { publishErrorOf } from './errors.ts'
import { TopicAliases } from './topic-aliases.ts'

export interface PublishesPort {
  readonly client: ResilientMqttClient
  readonly messageIds: MqttClient['messageIdProvider']
  readonly isVersion5: boolean
  /** Whether publishes of QoS 1 and 2 outlive the process. */
  readonly isDurable: boolean
}

/** The publishes that are not acknowledged, by the numbers by which an application can remove them. */
export class Publishes {
  readonly #port: PublishesPort
  readonly #pending = new Map<number, AbortController>()
  readonly #aliases = new TopicAliases()

  constructor(port: PublishesPort) {
    this.#port = port
  }

  /** Publishes. Without a callback, a failure is reported by the client: see `publishFailed`. */
  publish(topic: string, message: string | Uint8Array, given: IClientPublishOptions, callback?: PacketCallback): void {
    const { qos = 0, retain = false, cbStorePut } = given
    const { topicAlias, ...properties } = (this.#port.isVersion5 && given.properties) || {}
    const packet: IPublishPacket = {
      cmd: 'publish',
      topic,
      payload: message as Buffer,
      qos,
      retain,
      dup: given.dup ?? false,
    }
    const options: PublishOptions = { qos, retain, ...(Object.keys(properties).length > 0 && { properties }) }
    try {
      packet.topic = this.#aliases.resolve(topic, topicAlias)
    } catch (error) {
      return callback?.(error as Error) as void
    }
    if (qos === 0) return this.#follow(this.#send(packet, options), callback)
    const { signal, number, release } = this.#number()
    packet.messageId = number
    const published = this.#send(packet, { ...options, signal, durable: this.#port.isDurable })
    followQuietly(published, release, release)
    if (cbStorePut) published.accepted.then(cbStorePut, nothing)
    this.#follow(
      published,
      callback,
      qos === 1 ? packet : ({ cmd: 'pubrel', qos: 2, messageId: number } as IPubrelPacket),
    )
  }

  /** Removes a publish, whose callback gets an error. */
  remove(number: number): void {
    this.#pending.get(number)?.abort(new Error('Message removed'))
  }

  #send({ topic, payload }: IPublishPacket, options: PublishOptions): PendingPublish {
    // MQTT.js takes everything that is falsy for an empty payload.
    return this.#port.client.publish(topic, payload || '', options)
  }

  #follow(
    published: PendingPublish,
    callback: PacketCallback | undefined,
    packet?: IPublishPacket | IPubrelPacket,
  ): void {
    if (!callback) return
    published.then(
      // As MQTT.js: nothing for QoS 0, and `null` for no error, although its types say `undefined`.
      () => (packet ? callback(null as never, packet) : callback()),
      (error: unknown) => callback(publishErrorOf(error), refusalOf(error, packet) ?? packet),
    )
  }

  /** All numbers may be in use: such a publish cannot be removed. */
  #number() {
    const { messageIds } = this.#port
    const controller = new AbortController()
    const number = messageIds.allocate() ?? 0
    this.#pending.set(number, controller)
    const release = () => {
      if (this.#pending.get(number) !== controller) return
      this.#pending.delete(number)
      messageIds.deallocate(number)
    }
    return { signal: controller.signal, number, release }
  }
}

/** The acknowledgement with which the broker refused a publish. */
function refusalOf(error: unknown, packet: IPublishPacket | IPubrelPacket | undefined): Packet | undefined {
  if (!(error instanceof PublishRefusedError)) return undefined
  const { reasonCode, reasonString } = error
  return {
    cmd: packet?.cmd === 'publish' ? 'puback' : 'pubrec',
    reasonCode,
    ...(packet?.messageId !== undefined && { messageId: packet.messageId }),
    ...(reasonString !== undefined && { properties: { reasonString } }),
  }
}

/** Unlike the promise's own `then`, this does not count as code that handles its rejection. */
function followQuietly(published: PendingPublish, onResolve: () => void, onReject: () => void): void {
  void Promise.prototype.then.call<Promise<PublishResult>, [() => void, () => void], Promise<void>>(
    published,
    onResolve,
    onReject,
  )
}
