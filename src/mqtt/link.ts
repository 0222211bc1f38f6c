import type { IClientPublishOptions, MqttClient } from 'mqtt'
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'

import { ConnectionLostError } from '../errors.ts'
import type {
  BrokerLimits,
  IncomingPublish,
  Link,
  LinkEvents,
  OutgoingPublish,
  SubscriptionRequest,
} from '../session/link.ts'
import { publishSize } from './publish-size.ts'
import { serverText } from './server-text.ts'
import type { IncomingStore, SessionIds } from './stores.ts'

/**
 * How many bytes may wait for the socket before publishes wait in the outbox. More than the 16 KiB after which Node's
 * streams ask for a pause: they write what waits at once, and each write costs a system call.
 */
const MAX_BUFFERED = 65_536

/** MQTT.js then goes on with the next packet and sends no acknowledgement: that is ours to send. */
const heldBack = new Error('acknowledgement held back')

/** The data path of one `MqttClient`. */
export class MqttLink implements Link {
  readonly protocolVersion: 3 | 4 | 5
  readonly limits: BrokerLimits
  readonly #client: MqttClient
  readonly #ids: SessionIds
  readonly #incomingStore: IncomingStore
  readonly #events: LinkEvents
  readonly #pings: (() => void)[] = []
  /** QoS 0 publishes that the socket has yet to take. */
  #buffered: ((error?: Error) => void)[] = []
  /** Until MQTT.js has handled the CONNACK it would put off what it is given. Acknowledgements do not go through it. */
  #phase: 'opening' | 'open' | 'closed' = 'opening'

  constructor(
    client: MqttClient,
    ids: SessionIds,
    incomingStore: IncomingStore,
    events: LinkEvents,
    connack: IConnackPacket,
  ) {
    this.#client = client
    this.#incomingStore = incomingStore
    this.#ids = ids
    this.protocolVersion = client.options.protocolVersion ?? 4
    this.limits = limitsOf(connack, this.protocolVersion)
    this.#events = events
    this.#listen(events)
  }

  get writable(): boolean {
    const { stream } = this.#client
    // Only a stream that asked for a pause tells when it is over.
    return this.#phase === 'open' && !(stream.writableNeedDrain && stream.writableLength >= MAX_BUFFERED)
  }

  /** MQTT.js has handled the CONNACK. */
  open(): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    this.#events.writable()
  }

  publish(packet: OutgoingPublish, packetId: number, dup: boolean, written?: (error?: Error) => void): void {
    if (this.#phase === 'closed') return
    const { topic, payload, qos, retain, properties } = packet
    const options: IClientPublishOptions = { qos, retain, dup }
    if (properties && this.protocolVersion === 5) {
      options.properties = properties as NonNullable<typeof options.properties>
    }
    if (qos > 0) this.#ids.use(packetId)
    // MQTT.js would add a listener for each, and each takes itself off again among all others.
    const waits = written !== undefined && this.#client.stream.writableNeedDrain
    if (waits) this.#buffered.push(written)
    this.#client.publish(topic, payload as Buffer, options, waits ? undefined : written)
  }

  sizeOf(packet: OutgoingPublish): number {
    return publishSize(packet, this.protocolVersion)
  }

  pubrel(packetId: number): void {
    this.#write(0x62, packetId)
  }

  ping(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#phase === 'closed') return
      this.#pings.push(resolve)
      this.#client.sendPing()
    })
  }

  acknowledge({ qos, packetId }: IncomingPublish): void {
    if (this.#phase === 'closed') return
    if (qos === 2) {
      this.#incomingStore.delete(packetId)
      // MQTT.js counts it against our Receive Maximum until it is released, and has no public call for that.
      this.#client['_releaseIncomingQoS2Publish'](packetId)
    }
    this.#write(qos === 1 ? 0x40 : 0x70, packetId)
  }

  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]> {
    if (this.#phase === 'closed') return Promise.reject(new ConnectionLostError('the SUBACK came'))
    const [first] = requests
    if (!first) return Promise.resolve([])
    const filters = requests.map(({ filter }) => filter)
    const { qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh, identifier } = first
    const properties = this.limits.subscriptionIdentifiers && { properties: { subscriptionIdentifier: identifier } }
    return new Promise((resolve, reject) => {
      this.#client.subscribe(filters, { qos, nl, rap, rh, ...properties }, (error, _granted, suback) => {
        // With an error code for one filter MQTT.js calls it an error for all: the packet tells them apart.
        if (suback) resolve(suback.granted as readonly number[])
        else reject(error ?? new ConnectionLostError('the SUBACK came'))
      })
      // It holds back what is written until the end of the turn: in the meantime the broker can begin with this one.
      this.#client.stream.uncork()
    })
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    if (this.#phase === 'closed') return Promise.reject(new ConnectionLostError('the UNSUBACK came'))
    return new Promise((resolve, reject) => {
      this.#client.unsubscribe([...filters], (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Any packet but the CONNACK came, and MQTT.js is about to handle it. */
  received(packet: Packet): void {
    if (packet.cmd === 'pingresp') for (const answered of this.#pings.splice(0)) answered()
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
    const { reasonCode = 0, properties } = packet
    this.#events.acknowledged({
      type: packet.cmd,
      packetId: packet.messageId ?? 0,
      reasonCode,
      // Only a refusal needs one.
      reasonString:
        reasonCode >= 0x80 && properties?.reasonString !== undefined ? serverText(properties.reasonString) : undefined,
    })
  }

  /** From now on it swallows what it is given. */
  close(): void {
    this.#phase = 'closed'
    this.#ids.releaseAll()
  }

  #listen(events: LinkEvents): void {
    const client = this.#client
    const unacknowledged = new WeakSet<object>()

    client.on('message', (topic, payload, packet) => {
      if (events.received(incoming(topic, payload, packet))) unacknowledged.add(packet)
    })
    client.handleMessage = (packet, done) => done(unacknowledged.has(packet) ? heldBack : undefined)
    client.stream.on('drain', () => {
      const buffered = this.#buffered
      this.#buffered = []
      for (const written of buffered) written()
      events.writable()
    })
  }

  #write(type: number, packetId: number): void {
    if (this.#phase !== 'closed') this.#client.stream.write(Uint8Array.of(type, 2, packetId >> 8, packetId & 0xff))
  }
}

function limitsOf({ properties }: IConnackPacket, protocolVersion: number): BrokerLimits {
  return {
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumPacketSize: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    maximumQos: (properties?.maximumQoS ?? 2) as 0 | 1 | 2,
    retainAvailable: properties?.retainAvailable ?? true,
    subscriptionIdentifiers: protocolVersion === 5 && (properties?.subscriptionIdentifiersAvailable ?? true),
  }
}

function incoming(topic: string, payload: Uint8Array, packet: IPublishPacket): IncomingPublish {
  return {
    topic,
    payload,
    qos: packet.qos,
    retain: packet.retain,
    dup: packet.dup,
    packetId: packet.messageId ?? 0,
    properties: packet.properties,
  }
}
