import type { IClientPublishOptions, MqttClient } from 'mqtt'
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'

import type { Failure } from '../../machines/failure.ts'
import { ConnectionLostError } from '../api/errors.ts'
import type { Link, LinkEvents } from '../session/link.ts'
import { safeText } from '../shared/safe-text.ts'
import type { BrokerLimits, IncomingPublish, OutgoingPublish, SubscriptionRequest } from '../wire/packets.ts'
import { type Breach, RECEIVE_MAXIMUM_EXCEEDED } from './breach.ts'
import type { IncomingStore, SessionIds } from './stores.ts'

/**
 * How many bytes may wait for the socket before publishes wait in the outbox. This is more than the 16 KiB after which
 * Node's streams ask for a pause: they write all waiting bytes at once, and each write costs a system call.
 */
const MAX_BUFFERED = 65_536

/** Passed to MQTT.js, so that it continues with the next packet and leaves the acknowledgement to us. */
const heldBack = new Error('acknowledgement held back')

/** The parts of a link. */
export interface LinkInit {
  readonly client: MqttClient
  readonly ids: SessionIds
  readonly incomingStore: IncomingStore
  readonly events: LinkEvents
  readonly connack: IConnackPacket
  /** How many QoS 1 and 2 messages may be un-acked. */
  readonly receiveMaximum: number
  /** Ends the connection. */
  readonly fail: Link['fail']
}

/** The data path of one `MqttClient`. */
export class MqttLink implements Link {
  readonly server: string
  readonly protocolVersion: 3 | 4 | 5
  readonly limits: BrokerLimits
  readonly #client: MqttClient
  readonly #ids: SessionIds
  readonly #incomingStore: IncomingStore
  readonly #events: LinkEvents
  readonly #receiveMaximum: number
  readonly #fail: Link['fail']
  readonly #pings: (() => void)[] = []
  /** The callbacks of QoS 0 publishes that the socket has not taken yet. */
  #buffered: ((error?: Error) => void)[] = []
  /**
   * MQTT.js queues publishes until it has handled the CONNACK, so `opening` lasts until then. Acknowledgements bypass
   * MQTT.js.
   */
  #phase: 'opening' | 'open' | 'closed' = 'opening'
  /** How many acknowledgements are held back, by QoS. */
  readonly #heldBack: [none: number, puback: number, pubcomp: number] = [0, 0, 0]
  /** Lets MQTT.js handle the next packet, if it is being held back. */
  #goOn: (() => void) | undefined

  constructor({ client, ids, incomingStore, events, connack, receiveMaximum, fail }: LinkInit) {
    this.#client = client
    this.#incomingStore = incomingStore
    this.#ids = ids
    const { protocol, host, port } = client.options
    this.server = `${protocol}://${host}:${port}`
    this.protocolVersion = client.options.protocolVersion ?? 4
    this.limits = limitsOf(connack, this.protocolVersion)
    this.#events = events
    this.#receiveMaximum = receiveMaximum
    this.#fail = fail
    this.#listen(events)
  }

  get writable(): boolean {
    const { stream } = this.#client
    // A stream emits `drain` only if it asked for a pause.
    return this.#phase === 'open' && !(stream.writableNeedDrain && stream.writableLength >= MAX_BUFFERED)
  }

  /** MQTT.js has handled the CONNACK. */
  open(): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'open'
    this.#events.writable()
  }

  get flushed(): boolean {
    return this.#client.stream.writableLength === 0
  }

  publish(packet: OutgoingPublish, packetId: number, dup: boolean, written?: (error?: Error) => void): void {
    if (this.#phase === 'closed') return
    const { topic, payload, qos, retain, properties } = packet
    const options: IClientPublishOptions = { qos, retain, dup }
    if (properties && this.protocolVersion === 5) {
      options.properties = properties as NonNullable<typeof options.properties>
    }
    if (qos > 0) this.#ids.use(packetId)
    // MQTT.js would add a listener for each publish. Removing one of many listeners is slow.
    const waits = written !== undefined && this.#client.stream.writableNeedDrain
    if (waits) this.#buffered.push(written)
    const { stream } = this.#client
    const { writableLength, errored } = stream
    try {
      this.#client.publish(topic, payload as Buffer, options, waits ? undefined : written)
    } catch (error) {
      this.#ids.forget()
      // The broker would read the next packet as the rest of this one.
      if (stream.writableLength > writableLength) stream.destroy(error as Error)
      throw error
    }
    // For some values, mqtt-packet destroys the stream instead. Errors of the socket have a code.
    if (stream.errored && stream.errored !== errored && !('code' in stream.errored)) throw stream.errored
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
    this.#heldBack[qos]--
    if (qos === 2) {
      this.#incomingStore.delete(packetId)
      // MQTT.js counts it against our Receive Maximum until it is released. There is no public method for that.
      this.#client['_releaseIncomingQoS2Publish'](packetId)
    }
    this.#write(qos === 1 ? 0x40 : 0x70, packetId)
    if (this.#goOn && this.#mayGoOn) this.#release()
  }

  fail(failure: Failure, reasonCode: number): void {
    if (this.#phase !== 'closed') this.#fail(failure, reasonCode)
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
        // If one filter has an error code, MQTT.js reports an error for all. The packet has the individual codes.
        if (suback) resolve(suback.granted as readonly number[])
        else reject(error ?? new ConnectionLostError('the SUBACK came'))
      })
      // MQTT.js holds back packets until the end of the turn. Without that the broker can begin with this one earlier.
      this.#client.stream.uncork()
    })
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    if (this.#phase === 'closed') return Promise.reject(new ConnectionLostError('the UNSUBACK came'))
    return new Promise((resolve, reject) => {
      this.#client.unsubscribe([...filters], (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Called with every packet except the CONNACK, before MQTT.js handles it. */
  received(packet: Packet): void {
    if (packet.cmd === 'pingresp') for (const answered of this.#pings.splice(0)) answered()
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
    const { reasonCode = 0, properties } = packet
    this.#events.acknowledged({
      type: packet.cmd,
      packetId: packet.messageId ?? 0,
      reasonCode,
      // The reason string is used only for refusals.
      reasonString:
        reasonCode >= 0x80 && properties?.reasonString !== undefined ? safeText(properties.reasonString) : undefined,
    })
  }

  /**
   * Checks whether the broker sends more un-acked messages than it may (MQTT 5 §4.9). Called before the next one is
   * handled.
   */
  breach({ qos }: IPublishPacket): Breach | undefined {
    if (qos === 0 || this.protocolVersion !== 5) return undefined
    // MQTT.js counts those of QoS 2, but does not publish the number.
    const unacknowledged = this.#heldBack[1] + this.#client['_incomingQoS2Ids'].size
    if (unacknowledged < this.#receiveMaximum) return undefined
    const message = `more than ${this.#receiveMaximum} un-acked messages at a time, our Receive Maximum`
    return { message, reasonCode: RECEIVE_MAXIMUM_EXCEEDED }
  }

  /** From now on the link ignores what it is given. */
  close(): void {
    this.#phase = 'closed'
    this.#ids.releaseAll()
    // Otherwise the end of the stream would wait behind unread bytes.
    this.#release()
  }

  /**
   * MQTT 3.1.1 has no Receive Maximum. There, not reading from the socket is the only way to slow the broker down.
   * PUBACK and PINGRESP then wait as well, so after 1.5 × keep alive MQTT.js considers the connection half-open, and
   * the broker sends the un-acked messages again on the next one. Reading acknowledgements meanwhile would need a
   * parser of our own.
   */
  get #mayGoOn(): boolean {
    return this.protocolVersion === 5 || this.#heldBack[1] + this.#heldBack[2] < this.#receiveMaximum
  }

  #release(): void {
    const goOn = this.#goOn
    this.#goOn = undefined
    goOn?.()
  }

  #listen(events: LinkEvents): void {
    const client = this.#client
    const unacknowledged = new WeakSet<object>()

    client.on('message', (topic, payload, packet) => {
      if (!events.received(incoming(topic, payload, packet))) return
      // A second PUBREL makes MQTT.js emit the message a second time.
      if (unacknowledged.has(packet)) return
      unacknowledged.add(packet)
      this.#heldBack[packet.qos]++
    })
    client.handleMessage = (packet, done) => {
      if (!unacknowledged.has(packet)) done()
      else if (this.#mayGoOn) done(heldBack)
      else this.#goOn = () => done(heldBack)
    }
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
