import type { MqttClient } from 'mqtt'
import type { ISubackPacket } from 'mqtt-packet'

import type { Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import { ConnectionLostError } from '../api/errors.ts'
import type { UserProperties } from '../api/message.ts'
import type { BrokerStatus, TrafficStatus } from '../api/status.ts'
import type { Link, LinkEvents } from '../session/link.ts'
import { safeText } from '../shared/safe-text.ts'
import { checkPingresp } from '../wire/check-pingresp.ts'
import { decodeAck } from '../wire/decode-ack.ts'
import type { Frame, FrameKind } from '../wire/framer.ts'
import {
  FIRST_ERROR,
  type IncomingPublish,
  type OutgoingPublish,
  type Suback,
  type SubscriptionRequest,
} from '../wire/packets.ts'
import type { Breach } from './breach.ts'
import type { Attempt } from './client-options.ts'
import { Incoming } from './incoming.ts'
import type { Line } from './line.ts'
import { Outgoing } from './outgoing.ts'
import type { ControlPacketIds } from './packet-ids.ts'
import { Reading, type ReadingPort } from './reading.ts'

/** MQTT 5 §3.12. */
const PINGREQ = Uint8Array.of(0xc0, 0)

/** The parts of a link. */
export interface LinkInit {
  readonly client: MqttClient
  readonly packetIds: ControlPacketIds
  readonly events: LinkEvents
  readonly clock: Clock
  readonly attempt: Attempt
  /** What the CONNACK announced. */
  readonly limits: BrokerStatus
  readonly line: Line
  readonly port: LinkPort
}

export interface LinkPort {
  /** Ends the connection. */
  fail: Link['fail']
  /** The server broke a rule of MQTT. */
  breached(breach: Breach): void
}

/**
 * The session's side of one connection. Packets that carry data are written and read here. SUBSCRIBE and UNSUBSCRIBE go
 * through MQTT.js.
 */
export class MqttLink implements Link, ReadingPort {
  readonly server: string
  readonly protocolVersion: 3 | 4 | 5
  readonly connect: Link['connect']
  readonly clientId: string
  readonly limits: BrokerStatus
  readonly receiveMaximum: number
  readonly #client: MqttClient
  readonly #packetIds: ControlPacketIds
  readonly #events: LinkEvents
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  readonly #reading: Reading
  readonly #line: Line
  readonly #port: LinkPort
  #pings: (() => void)[] | undefined
  /** How many PINGREQ are not answered. */
  #unanswered = 0
  /** Whether an answer arrived in the chunk that is being handled. */
  #isAnswered = false
  #isAuthenticating = false
  #isClosed = false

  constructor({ client, packetIds, events, clock, attempt, limits, line, port }: LinkInit) {
    this.#client = client
    this.#packetIds = packetIds
    this.#events = events
    this.#line = line
    this.#port = port
    const { stream } = client
    const { protocol, host, port: tcpPort, protocolVersion = 4 } = client.options
    this.server = `${protocol}://${host}:${tcpPort}`
    this.protocolVersion = protocolVersion
    const { receiveMaximum, autoAssignTopicAlias, topicAliasMaximum } = attempt.connect
    this.connect = attempt.connect
    this.clientId = limits.assignedClientId ?? attempt.clientId
    this.limits = limits
    this.receiveMaximum = receiveMaximum
    this.#reading = new Reading(stream, clock, this)
    const { maximumPacketSize } = limits
    const outgoingLimits = { maximumPacketSize, topicAliasMaximum: autoAssignTopicAlias ? limits.topicAliasMaximum : 0 }
    const outgoing = new Outgoing({ stream, protocolVersion, limits: outgoingLimits, events, line })
    this.#outgoing = outgoing
    this.#incoming = new Incoming({ protocolVersion, receiveMaximum, topicAliasMaximum, events, outgoing, port })
  }

  get writable(): boolean {
    return this.#outgoing.writable
  }

  get flushed(): boolean {
    return this.#outgoing.isFlushed
  }

  get traffic(): TrafficStatus {
    return this.#line.bytes
  }

  publish(packet: OutgoingPublish, packetId: number, dup: boolean): void {
    this.#outgoing.publish(packet, packetId, dup)
    if (packet.qos > 0) this.#reading.listen()
    else this.#reading.sent()
  }

  pubrel(packetId: number): void {
    this.#outgoing.ack('pubrel', packetId)
    this.#reading.listen()
  }

  ping(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) return
      ;(this.#pings ??= []).push(resolve)
      this.pingreq()
    })
  }

  /** Sends PINGREQ. */
  pingreq(): void {
    if (this.#isClosed) return
    this.#outgoing.flush()
    this.#outgoing.write(PINGREQ)
    this.#unanswered++
    this.#reading.listen()
  }

  /** Sends AUTH, whose answer is awaited until `authenticated` is called. */
  authenticate(auth: Uint8Array): void {
    if (this.#isClosed) return
    this.#isAuthenticating = true
    this.#outgoing.flush()
    this.#outgoing.write(auth)
    this.#reading.listen()
  }

  /** The answer to AUTH has arrived. */
  authenticated(): void {
    this.#isAuthenticating = false
  }

  /** Whether a PINGRESP is awaited. */
  get isPinging(): boolean {
    return this.#unanswered > 0
  }

  isAwaitingAnswer(): boolean {
    return this.isPinging || this.#isAuthenticating || this.#events.isAwaitingAnswer()
  }

  acknowledge(packet: IncomingPublish, reasonCode?: number): void {
    this.#incoming.acknowledge(packet, reasonCode)
  }

  pauseReading(): void {
    this.#reading.pause()
  }

  resumeReading(): void {
    if (!this.#isClosed) this.#reading.resume()
  }

  fail(failure: Failure, reasonCode: number): void {
    if (!this.#isClosed) this.#port.fail(failure, reasonCode)
  }

  subscribe(requests: readonly SubscriptionRequest[]): Promise<Suback> {
    if (this.#isClosed) return Promise.reject(new ConnectionLostError('the SUBACK came'))
    const [first] = requests
    if (!first) return Promise.resolve({ granted: [], reasonString: undefined })
    const filters = requests.map(({ filter }) => filter)
    const { qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh, identifier, userProperties } = first
    const properties = {
      ...(this.limits.subscriptionIdentifiersAvailable && { subscriptionIdentifier: identifier }),
      ...propertiesOf(userProperties),
    }
    const stream = this.#beforeControlPacket()
    return new Promise((resolve, reject) => {
      this.#client.subscribe(filters, { qos, nl, rap, rh, properties }, (error, _granted, suback) => {
        // If one filter has an error code, MQTT.js reports an error for all. The packet has the individual codes.
        if (suback) resolve(toSuback(suback))
        else reject(error ?? new ConnectionLostError('the SUBACK came'))
      })
      // MQTT.js holds back packets until the end of the turn. Without that the broker can begin with this one earlier.
      stream?.uncork()
    })
  }

  unsubscribe(filters: readonly string[], userProperties?: UserProperties): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ConnectionLostError('the UNSUBACK came'))
    const stream = this.#beforeControlPacket()
    return new Promise((resolve, reject) => {
      const options = { properties: propertiesOf(userProperties) }
      this.#client.unsubscribe([...filters], options, (error) => (error ? reject(error) : resolve()))
      stream?.uncork()
    })
  }

  /**
   * A packet arrived that MQTT.js does not handle.
   *
   * @throws {InvalidPacketError}
   */
  received(kind: Exclude<FrameKind, 'control' | 'auth'>, frame: Frame): void {
    if (kind === 'publish') return this.#incoming.publish(frame)
    if (kind === 'ack') return this.#acknowledged(frame)
    checkPingresp(frame)
    this.#isAnswered = true
    const pings = this.#pings
    this.#pings = undefined
    this.#unanswered = 0
    if (pings) for (const answered of pings) answered()
  }

  /** Everything that had arrived is handled. */
  handled(): void {
    if (this.#isClosed) return
    if (this.#isAnswered && !this.isAwaitingAnswer()) this.#line.caughtUp()
    this.#isAnswered = false
    this.#reading.handled()
  }

  /** Writes what is gathered. */
  flush(): void {
    this.#outgoing.flush()
  }

  /** From now on the link ignores what it is given. */
  close(): void {
    this.#isClosed = true
    this.#reading.stop()
    this.#outgoing.close()
    this.#packetIds.releaseAll()
  }

  #acknowledged(frame: Frame): void {
    const { type, packetId, reasonCode, reasonString } = decodeAck(frame, this.protocolVersion)
    if (type === 'pubrel') return this.#incoming.pubrel(packetId)
    this.#isAnswered = true
    // The reason string is used only for refusals.
    const isTold = reasonString !== undefined && reasonCode >= FIRST_ERROR
    this.#events.acknowledged({
      type,
      packetId,
      reasonCode,
      reasonString: isTold ? safeText(reasonString) : undefined,
    })
  }

  /**
   * MQTT.js writes to the same socket, and packets must not overtake each other.
   *
   * @returns what holds the next packet back; `undefined` if something else holds it back as well, and will let it go
   */
  #beforeControlPacket(): MqttClient['stream'] | undefined {
    this.#outgoing.flush()
    this.#line.sent(0)
    this.#reading.listen()
    const { stream } = this.#client
    return stream.writableCorked > 0 ? undefined : stream
  }
}

/** In the type of mqtt-packet, whose lists could be changed. */
function propertiesOf(userProperties: UserProperties | undefined) {
  return userProperties ? { userProperties: userProperties as Record<string, string | string[]> } : {}
}

function toSuback({ granted, properties }: ISubackPacket): Suback {
  const reasonString = properties?.reasonString
  return {
    granted: granted as readonly number[],
    reasonString: reasonString === undefined ? undefined : safeText(reasonString),
  }
}
