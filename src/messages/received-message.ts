import type { Message, PublishProperties, Qos } from '../api/message.ts'
import { textDecoder } from '../shared/text-coders.ts'
import type { IncomingPublish } from '../wire/packets.ts'

const decoder = textDecoder()

/** The message that handlers get. */
export class ReceivedMessage<Value> implements Message<Value> {
  readonly topic: string
  readonly payload: Uint8Array
  readonly value: Value
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: PublishProperties | undefined

  constructor({ topic, payload, qos, retain, dup, properties }: IncomingPublish, value: Value) {
    this.topic = topic
    this.payload = payload
    this.value = value
    this.qos = qos
    this.retain = retain
    this.dup = dup
    this.properties = properties
  }

  text(): string {
    return decoder().decode(this.payload)
  }
}
