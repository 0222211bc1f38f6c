import { ConnectionLostError, NotSupportedByBrokerError, PublishRefusedError } from '../errors.ts'
import type { Ack, Link } from './link.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'
import { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'

/** Reason codes from here on are errors (MQTT 5 §2.4). */
const FIRST_ERROR = 0x80

/** The largest PUBLISH header: fixed header, topic length, packet id, property length. */
const HEADER_BYTES = 13

export interface SessionOptions {
  readonly outbox: OutboxOptions
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** The outbox is empty and nothing is in flight. */
  readonly onDrained: () => void
  /** Bytes of a PUBLISH as it would go to the wire. */
  readonly packetSize: (publication: Publication, link: Link) => number
}

/**
 * The publishes that outlive a connection: the outbox, what is in flight, and the packet ids. Each new connection
 * attaches its link; what is un-acked is then resent, or sent anew if the broker lost the session.
 */
export class Session {
  readonly packetIds = new PacketIds()
  readonly outbox: Outbox
  readonly #options: SessionOptions
  /** Un-acked QoS 1 and 2 publishes by packet id, in the order in which they were sent. */
  readonly #inFlight = new Map<number, Publication>()
  /** QoS 0 publishes that the socket has not taken yet. */
  readonly #writing = new Set<Publication>()
  #link: Link | undefined
  /** Whether the outbox may flow: the connection is ready. */
  #gateOpen = false
  /** How many publishes of QoS 1 and 2 the broker holds un-acked on this connection. */
  #onWire = 0
  /** How many in-flight publishes have yet to be resent on this connection. */
  #toResend = 0
  #pumping = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.outbox = new Outbox(options.outbox)
  }

  /** How many QoS 1 and 2 publishes are sent and not acknowledged. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Nothing waits, and nothing is in flight. */
  get drained(): boolean {
    return this.outbox.size === 0 && this.#inFlight.size === 0 && this.#writing.size === 0
  }

  /**
   * Accepts a publication: sends it at once if nothing stands before it, else puts it into the outbox.
   *
   * @throws {OutboxOverflowError} if there is no room
   */
  publish(publication: Publication): void {
    if (this.#gateOpen && this.outbox.size === 0 && this.#roomFor(publication)) this.#send(publication)
    else this.outbox.add(publication)
  }

  /** Sends only if it can go at once: what must never wait, such as a periodic request. */
  publishNow(publication: Publication): boolean {
    if (!this.#gateOpen || this.outbox.size > 0 || !this.#roomFor(publication)) return false
    this.#send(publication)
    return true
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    this.#onWire = 0
    if (sessionPresent) this.#toResend = this.#inFlight.size
    else this.#startAnew()
    this.#pump()
  }

  detached(link: Link): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#gateOpen = false
    this.#onWire = 0
    this.#toResend = 0
    for (const publication of this.#inFlight.values()) publication.onWire = false
    for (const publication of this.#writing) this.#fail(publication, new ConnectionLostError('the publish was written'))
    this.#writing.clear()
  }

  openGate(): void {
    if (!this.#link) return
    this.#gateOpen = true
    this.#pump()
  }

  closeGate(): void {
    this.#gateOpen = false
  }

  writable(): void {
    this.#pump()
  }

  acknowledged(ack: Ack): void {
    const publication = this.#inFlight.get(ack.packetId)
    if (!publication?.onWire) return
    if (ack.type === 'pubrec' && ack.reasonCode < FIRST_ERROR) {
      publication.phase = 'released'
      return
    }
    // MQTT.js still has to handle this packet: the id may be used again only after that, so sending waits.
    this.#inFlight.delete(ack.packetId)
    this.#onWire--
    this.packetIds.release(ack.packetId)
    this.#settle(publication, ack)
    this.#pumpSoon()
  }

  /** Rejects everything that waits or is in flight. Nothing is accepted afterwards by who calls this. */
  dispose(error: (publication: Publication) => unknown): void {
    this.closeGate()
    this.outbox.clear(error)
    for (const publication of [...this.#inFlight.values(), ...this.#writing]) {
      this.#fail(publication, error(publication))
    }
    this.#inFlight.clear()
    this.#writing.clear()
  }

  /** The broker does not know our session: what it has not acknowledged becomes new publishes, in front of all others. */
  #startAnew(): void {
    const unsent: Publication[] = []
    for (const publication of this.#inFlight.values()) {
      this.packetIds.release(publication.packetId)
      if (publication.phase === 'released') {
        // It took the message with its PUBREC; only the handshake's end is missing (MQTT 5 §4.3.3).
        this.#settle(publication, {
          type: 'pubcomp',
          packetId: publication.packetId,
          reasonCode: 0,
          reasonString: undefined,
        })
        continue
      }
      publication.phase = 'waiting'
      publication.packetId = 0
      unsent.push(publication)
    }
    this.#inFlight.clear()
    this.#toResend = 0
    if (unsent.length > 0) this.outbox.addFirst(unsent)
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.#pump()
      if (this.drained) this.#options.onDrained()
    })
  }

  #pump(): void {
    if (this.#toResend > 0) this.#resend()
    while (this.#gateOpen && this.#toResend === 0) {
      const publication = this.outbox.peek(this.#options.now())
      if (!publication || !this.#roomFor(publication)) return
      this.outbox.shift(publication)
      this.#send(publication)
    }
  }

  /** Resends in a pipeline what was in flight, in its order (MQTT-4.4.0-1, MQTT-4.6.0-1). */
  #resend(): void {
    const link = this.#link
    if (!link) return
    for (const publication of this.#inFlight.values()) {
      if (publication.onWire) continue
      if (!link.writable || this.#onWire >= link.limits.receiveMaximum) return
      this.#toResend--
      this.#onWire++
      publication.onWire = true
      if (publication.phase === 'released') link.pubrel(publication.packetId)
      else link.publish(publication, publication.packetId, true)
    }
    this.#toResend = 0
  }

  #roomFor(publication: Publication): boolean {
    const link = this.#link
    if (!link?.writable || this.#toResend > 0) return false
    return publication.qos === 0 || (this.#onWire < link.limits.receiveMaximum && this.packetIds.available)
  }

  #send(publication: Publication): void {
    const link = this.#link
    if (!link) return
    const unsupported = this.#beyondLimits(publication, link)
    if (unsupported) return this.#fail(publication, unsupported)
    if (publication.qos === 0) return this.#sendAtMostOnce(publication, link)

    const packetId = this.packetIds.allocate()
    if (packetId === null) return this.outbox.addFirst([publication])
    publication.phase = 'sent'
    publication.packetId = packetId
    publication.onWire = true
    this.#onWire++
    this.#inFlight.set(packetId, publication)
    link.publish(publication, packetId, false)
  }

  #sendAtMostOnce(publication: Publication, link: Link): void {
    publication.phase = 'sent'
    this.#writing.add(publication)
    link.publish(publication, 0, false, () => {
      if (!this.#writing.delete(publication)) return
      publication.phase = 'settled'
      publication.resolve({ reasonCode: 0 })
      if (this.drained) this.#pumpSoon()
    })
  }

  #settle(publication: Publication, ack: Ack): void {
    if (ack.reasonCode >= FIRST_ERROR) {
      const error = new PublishRefusedError(publication.topic, ack.reasonCode, ack.reasonString)
      return this.#fail(publication, error)
    }
    publication.phase = 'settled'
    publication.resolve({ reasonCode: ack.reasonCode })
  }

  #fail(publication: Publication, error: unknown): void {
    publication.phase = 'settled'
    publication.reject(error)
  }

  #beyondLimits(publication: Publication, link: Link): NotSupportedByBrokerError | undefined {
    const { topic, qos, retain, bytes } = publication
    const { maximumQos, retainAvailable, maximumPacketSize } = link.limits
    if (qos > maximumQos) {
      return new NotSupportedByBrokerError(topic, 'maximumQos', `QoS ${qos}, but it takes at most ${maximumQos}`)
    }
    if (retain && !retainAvailable) {
      return new NotSupportedByBrokerError(topic, 'retainAvailable', 'it takes no retained messages')
    }
    // Exact sizes cost time: they are needed only where the message alone does not fit well below the limit.
    if (publication.properties === undefined && bytes + HEADER_BYTES <= maximumPacketSize) return undefined
    if (maximumPacketSize === Number.POSITIVE_INFINITY) return undefined
    const size = this.#options.packetSize(publication, link)
    if (size <= maximumPacketSize) return undefined
    const rule = `${size} bytes, but it takes packets of at most ${maximumPacketSize}`
    return new NotSupportedByBrokerError(topic, 'maximumPacketSize', rule)
  }
}
