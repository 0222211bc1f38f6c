import type { MqttClientEventCallbacks } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { PacketEvent } from '../src/api/packet-event.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import type { PacketTrace } from '../src/mqtt/packet-trace.ts'
import type { IncomingPublish } from '../src/wire/packets.ts'
import { publishPacket } from './publish-packet.ts'

type PacketEventName = Extract<keyof MqttClientEventCallbacks, 'packetsend' | 'packetreceive'>

/** These are known as a whole: see `received`. */
const WHOLE = new Set(['connack', 'disconnect', 'suback', 'unsuback'])

export interface PacketEventsPort {
  readonly client: ResilientMqttClient
  /** Has the whole PUBLISH packets. */
  readonly trace: PacketTrace | undefined
  readonly emit: (name: PacketEventName, packet: Packet) => void
  /** The application's Subscription Identifiers of the subscriptions that match. */
  readonly identifiersOf: (packet: IncomingPublish) => readonly number[]
}

/** Emits `packetsend` and `packetreceive` once the application listens to one of them. */
export class PacketEvents {
  readonly #port: PacketEventsPort
  #isOn = false

  constructor(port: PacketEventsPort) {
    this.#port = port
  }

  /** The application listens to an event. */
  heard(name: string | symbol): void {
    if (this.#isOn || (name !== 'packetsend' && name !== 'packetreceive')) return
    this.#isOn = true
    const { client, trace, emit } = this.#port
    trace?.keepPublishes()
    client.on('packetsend', (event) => emit('packetsend', this.#packetOf(event)))
    client.on('packetreceive', (event) => {
      if (!WHOLE.has(event.type)) emit('packetreceive', this.#packetOf(event))
    })
  }

  /** MQTT.js has parsed a packet. */
  received(packet: Packet): void {
    if (this.#isOn && WHOLE.has(packet.cmd)) this.#port.emit('packetreceive', packet)
  }

  #packetOf(event: PacketEvent): Packet {
    const { trace, identifiersOf } = this.#port
    const publish = trace?.publishOf(event)
    if (!publish) return packetOf(event)
    const isIdentified = publish.properties?.subscriptionIdentifier !== undefined
    const packet = publishPacket(publish, isIdentified ? identifiersOf(publish) : [])
    const { topicAlias } = event
    const properties = topicAlias === undefined ? packet.properties : { ...packet.properties, topicAlias }
    return { ...packet, length: event.size, ...(properties && { properties }) }
  }
}

/** What is known of a packet, in the shape of mqtt-packet. */
function packetOf({
  type,
  size,
  packetId,
  filters,
  topicAlias: _topicAlias,
  direction: _direction,
  ...others
}: PacketEvent): Packet {
  const subscriptions = type === 'subscribe' && filters?.map((topic) => ({ topic }))
  const unsubscriptions = type === 'unsubscribe' && filters
  const packet = {
    cmd: type,
    length: size,
    ...(packetId !== undefined && { messageId: packetId }),
    ...others,
    ...(subscriptions && { subscriptions }),
    ...(unsubscriptions && { unsubscriptions }),
  }
  return packet as unknown as Packet
}
