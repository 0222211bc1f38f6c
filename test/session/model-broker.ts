import type { Failure } from '../../machines/failure.ts'
import type { Link } from '../../src/session/link.ts'
import type { Sender } from '../../src/session/outgoing/sender.ts'
import type { Ack, OutgoingPublish } from '../../src/wire/packets.ts'

type Sent =
  | { readonly cmd: 'publish'; readonly packet: OutgoingPublish; readonly id: number; readonly dup: boolean }
  | { readonly cmd: 'pubrel'; readonly id: number }

/** A broker that follows the specification, one packet at a time, with a network that loses packets under way. */
export class ModelBroker {
  /** The payloads of the accepted messages, in order. Those of QoS 1 may occur more than once. */
  readonly delivered: string[] = []
  /** Violations of the protocol by the client. */
  readonly violations: string[] = []
  readonly receiveMaximum: number
  mostInFlight = 0
  #hasSession = false
  /** QoS 2 messages between PUBLISH and PUBREL. */
  readonly #held = new Map<number, string>()
  #connection: Connection | undefined

  constructor(receiveMaximum: number) {
    this.receiveMaximum = receiveMaximum
  }

  get connected(): boolean {
    return this.#connection !== undefined
  }

  connect(sender: Sender, keepSession: boolean): void {
    if (this.#connection) return
    const present = this.#hasSession && keepSession
    if (!present) this.#held.clear()
    this.#hasSession = true
    this.#connection = new Connection(this, sender)
    sender.attached(this.#connection, present)
  }

  drop(sender: Sender, failure: Failure): void {
    const connection = this.#connection
    if (!connection) return
    this.#connection = undefined
    connection.closed = true
    sender.detached(failure, false)
  }

  setWritable(sender: Sender, writable: boolean): void {
    if (!this.#connection) return
    this.#connection.writable = writable
    if (writable) this.#connection.wrote()
    if (writable) sender.writable()
  }

  /** Receives packets from the network, and sends its answers. */
  receive(count: number): void {
    const connection = this.#connection
    for (const sent of connection?.sent.splice(0, count) ?? []) {
      const ack = this.#take(sent)
      if (ack) connection?.acks.push(ack)
    }
  }

  /** Delivers answers to the client. */
  answer(sender: Sender, count: number): void {
    const connection = this.#connection
    for (const ack of connection?.acks.splice(0, count) ?? []) {
      if (connection?.closed) return
      if (ack.type !== 'pubrec') connection?.inFlight.delete(ack.packetId)
      sender.acknowledged(ack)
    }
    connection?.pong()
  }

  #take(sent: Sent): Ack | undefined {
    const ack = { packetId: sent.id, reasonCode: 0, reasonString: undefined }
    if (sent.cmd === 'pubrel') {
      this.#held.delete(sent.id)
      return { type: 'pubcomp', ...ack }
    }
    const { packet, id } = sent
    const payload = String(packet.payload)
    if (packet.qos === 2) {
      const held = this.#held.get(id)
      if (held !== undefined && held !== payload) this.violations.push(`id ${id} of ${held} is used for ${payload}`)
      if (held === undefined) this.delivered.push(payload)
      this.#held.set(id, payload)
      return { type: 'pubrec', ...ack }
    }
    this.delivered.push(payload)
    return packet.qos === 1 ? { type: 'puback', ...ack } : undefined
  }
}

class Connection implements Link {
  readonly server = 'model'
  readonly protocolVersion = 5
  readonly connect = { clean: false, sessionExpiry: Number.POSITIVE_INFINITY }
  readonly clientId = 'model'
  readonly limits: Link['limits']
  readonly receiveMaximum = 65_535
  readonly traffic = { sent: 0, received: 0 }
  readonly sent: Sent[] = []
  readonly acks: Ack[] = []
  /** The ids of unacknowledged PUBLISH packets of this connection. */
  readonly inFlight = new Set<number>()
  closed = false
  writable = true
  readonly #broker: ModelBroker
  readonly #sender: Sender
  /** How many publishes of QoS 0 wait for the socket. */
  #unwritten = 0
  readonly #pings: (() => void)[] = []

  constructor(broker: ModelBroker, sender: Sender) {
    this.#broker = broker
    this.#sender = sender
    const { receiveMaximum } = broker
    this.limits = {
      receiveMaximum,
      maximumPacketSize: Number.POSITIVE_INFINITY,
      maximumQos: 2,
      retainAvailable: true,
      wildcardSubscriptionAvailable: true,
      sharedSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      topicAliasMaximum: 0,
      sessionExpiry: Number.POSITIVE_INFINITY,
      keepalive: 60_000,
      assignedClientId: undefined,
      responseInformation: undefined,
      serverReference: undefined,
    }
  }

  publish(packet: OutgoingPublish, packetId: number, dup: boolean): void {
    const { violations } = this.#broker
    if (this.closed) return
    if (!this.writable) violations.push('written although it is not writable')
    this.sent.push({ cmd: 'publish', packet, id: packetId, dup })
    if (packet.qos === 0) {
      if (this.writable) this.#sender.written(1)
      else this.#unwritten++
      return
    }
    if (this.inFlight.has(packetId)) violations.push(`id ${packetId} is in flight twice`)
    this.inFlight.add(packetId)
    this.#broker.mostInFlight = Math.max(this.#broker.mostInFlight, this.inFlight.size)
    if (packetId < 1 || packetId > 65_535) violations.push(`id ${packetId}`)
    if (this.#sender.onWire < this.inFlight.size) violations.push('it miscounts')
  }

  pubrel(packetId: number): void {
    if (this.closed) return
    this.sent.push({ cmd: 'pubrel', id: packetId })
  }

  wrote(): void {
    const count = this.#unwritten
    this.#unwritten = 0
    this.#sender.written(count)
  }

  ping(): Promise<void> {
    return new Promise((resolve) => this.#pings.push(resolve))
  }

  pong(): void {
    for (const answered of this.#pings.splice(0)) answered()
  }

  get flushed(): boolean {
    return this.writable
  }

  acknowledge(): void {}

  pauseReading(): void {}

  resumeReading(): void {}

  fail(): void {
    this.#broker.violations.push('it ended the connection')
  }

  subscribe(): ReturnType<Link['subscribe']> {
    return Promise.resolve({ granted: [], reasonString: undefined })
  }

  unsubscribe(): Promise<void> {
    return Promise.resolve()
  }
}
