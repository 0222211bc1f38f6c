import type { MqttClient } from 'mqtt'

import type { LinkEvents } from '../session/link.ts'
import { decodePublish } from '../wire/decode-publish.ts'
import type { Frame } from '../wire/framer.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { TopicAliases } from '../wire/topic-aliases.ts'
import { type Breach, RECEIVE_MAXIMUM_EXCEEDED } from './breach.ts'
import type { Outgoing } from './outgoing.ts'

/** How many bytes of messages may wait here. The socket is read on until then, so that other packets are heard. */
const READ_AHEAD = 65_536

export interface IncomingOptions {
  readonly stream: MqttClient['stream']
  readonly protocolVersion: 3 | 4 | 5
  /** How many QoS 1 and 2 messages may be un-acked. */
  readonly receiveMaximum: number
  readonly events: Pick<LinkEvents, 'received' | 'released'>
  readonly outgoing: Pick<Outgoing, 'ack'>
  /** The server broke a rule of MQTT. */
  readonly onBreach: (breach: Breach) => void
}

/** A message, or the packet identifier of a PUBREL. */
type Item = IncomingPublish | number

/**
 * Passes the messages of one connection on to the session, and answers them. When the session asks for a pause, and on
 * MQTT 3.1.1 when too many messages are un-acked, the messages wait in their order and the other packets overtake them.
 * If too many bytes wait, the socket is not read.
 */
export class Incoming {
  readonly #options: IncomingOptions
  #aliases: TopicAliases | undefined
  /** How many messages of QoS 1 are un-acked. */
  #unacked = 0
  /** The un-acked messages of QoS 2, by packet identifier, and whether their PUBCOMP is held back. */
  #exactlyOnce: Map<number, 'received' | 'heldBack'> | undefined
  /** How many acknowledgements are held back. */
  #heldBack = 0
  #waiting: { readonly item: Item; readonly bytes: number }[] = []
  #waitingBytes = 0
  #isPaused = false
  #isSocketPaused = false
  #isDelivering = false
  #isClosed = false

  constructor(options: IncomingOptions) {
    this.#options = options
  }

  /** Whether the socket is not read, because too much waits. */
  get isSocketPaused(): boolean {
    return this.#isSocketPaused
  }

  /** PUBLISH arrived. @throws {InvalidPacketError} */
  publish(frame: Frame): void {
    const packet = decodePublish(frame, this.#options.protocolVersion)
    if (packet.topicAlias > 0) (this.#aliases ??= new TopicAliases(0)).resolve(packet)
    if (packet.qos === 0 || this.#mayAdd(packet)) this.#add(packet, frame.end - frame.start)
  }

  /** PUBREL arrived. */
  pubrel(packetId: number): void {
    this.#add(packetId, 0)
  }

  /** Sends the acknowledgement of a message that was held back. */
  acknowledge({ qos, packetId }: IncomingPublish): void {
    if (this.#isClosed) return
    this.#heldBack--
    if (qos === 1) this.#puback(packetId)
    else this.#pubcomp(packetId)
    this.#goOn()
  }

  /** Messages wait until `resume`. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#goOn()
  }

  /**
   * From now on nothing is passed on.
   *
   * @param isLost - whether the connection failed. The broker does not send the waiting QoS 0 messages again, so they
   *   are passed on now
   */
  close(isLost: boolean): void {
    this.#isClosed = true
    const waiting = this.#waiting
    this.#waiting = []
    if (!isLost) return
    for (const { item } of waiting) if (typeof item !== 'number' && item.qos === 0) this.#options.events.received(item)
  }

  /** Whether messages have to wait. MQTT 3.1.1 has no Receive Maximum, by which the broker would wait. */
  get #isBlocked(): boolean {
    if (this.#isPaused) return true
    const { protocolVersion, receiveMaximum } = this.#options
    return protocolVersion !== 5 && this.#heldBack >= receiveMaximum
  }

  /** Counts a message of QoS 1 or 2. @returns whether the broker may send that many (MQTT 5 §4.9) */
  #mayAdd({ qos, packetId }: IncomingPublish): boolean {
    const { protocolVersion, receiveMaximum, onBreach } = this.#options
    const isKnown = qos === 2 && this.#exactlyOnce?.has(packetId)
    const unacked = this.#unacked + (this.#exactlyOnce?.size ?? 0)
    if (!isKnown && protocolVersion === 5 && unacked >= receiveMaximum) {
      const message = `more than ${receiveMaximum} un-acked messages at a time, our Receive Maximum`
      onBreach({ message, reasonCode: RECEIVE_MAXIMUM_EXCEEDED })
      return false
    }
    if (qos === 1) this.#unacked++
    else if (!isKnown) (this.#exactlyOnce ??= new Map()).set(packetId, 'received')
    return true
  }

  #add(item: Item, bytes: number): void {
    if (this.#waiting.length === 0 && !this.#isBlocked) return this.#deliver(item)
    this.#waiting.push({ item, bytes })
    this.#waitingBytes += bytes
    if (this.#waitingBytes < READ_AHEAD || this.#isSocketPaused) return
    this.#isSocketPaused = true
    this.#options.stream.pause()
  }

  /** Passes on what waits, as far as it may. A handler may cause a nested call, which leaves this to the outer one. */
  #goOn(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (!this.#isClosed && !this.#isBlocked) {
      const next = this.#waiting.shift()
      if (!next) break
      this.#waitingBytes -= next.bytes
      this.#deliver(next.item)
    }
    this.#isDelivering = false
    if (this.#isClosed || !this.#isSocketPaused || this.#waitingBytes >= READ_AHEAD / 2) return
    this.#isSocketPaused = false
    this.#options.stream.resume()
  }

  #deliver(item: Item): void {
    if (typeof item === 'number') return this.#release(item)
    const { events, outgoing } = this.#options
    const isHeldBack = events.received(item)
    if (item.qos === 2) outgoing.ack('pubrec', item.packetId)
    else if (isHeldBack) this.#heldBack++
    else if (item.qos === 1) this.#puback(item.packetId)
  }

  #release(packetId: number): void {
    // A second PUBREL shares the answer to the first.
    if (this.#exactlyOnce?.get(packetId) === 'heldBack') return
    if (!this.#options.events.released(packetId)) return this.#pubcomp(packetId)
    ;(this.#exactlyOnce ??= new Map()).set(packetId, 'heldBack')
    this.#heldBack++
  }

  #puback(packetId: number): void {
    this.#unacked--
    this.#options.outgoing.ack('puback', packetId)
  }

  #pubcomp(packetId: number): void {
    this.#exactlyOnce?.delete(packetId)
    this.#options.outgoing.ack('pubcomp', packetId)
  }
}
