import type { MqttClientEventCallbacks } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { PacketEvent } from '../src/api/packet-event.ts'
import type { ResilientMqttClient } from '../src/client.ts'

type PacketEventName = Extract<keyof MqttClientEventCallbacks, 'packetsend' | 'packetreceive'>

/** These are known as a whole: see `received`. */
const WHOLE = new Set(['connack', 'disconnect', 'suback', 'unsuback'])

/** Emits `packetsend` and `packetreceive` once the application listens to one of them. */
export class PacketEvents {
  readonly #client: ResilientMqttClient
  readonly #emit: (name: PacketEventName, packet: Packet) => void
  #isOn = false

  constructor(client: ResilientMqttClient, emit: (name: PacketEventName, packet: Packet) => void) {
    this.#client = client
    this.#emit = emit
  }

  /** The application listens to an event. */
  heard(name: string | symbol): void {
    if (this.#isOn || (name !== 'packetsend' && name !== 'packetreceive')) return
    this.#isOn = true
    this.#client.on('packetsend', (event) => this.#emit('packetsend', packetOf(event)))
    this.#client.on('packetreceive', (event) => {
      if (!WHOLE.has(event.type)) this.#emit('packetreceive', packetOf(event))
    })
  }

  /** MQTT.js has parsed a packet. */
  received(packet: Packet): void {
    if (this.#isOn && WHOLE.has(packet.cmd)) this.#emit('packetreceive', packet)
  }
}

/** What is known of a packet, in the shape of mqtt-packet. */
function packetOf({
  type,
  size,
  packetId,
  filters,
  topicAlias,
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
    ...(topicAlias !== undefined && { properties: { topicAlias } }),
  }
  return packet as unknown as Packet
}
