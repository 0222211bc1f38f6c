import type { LinkEvents } from '../session/link.ts'
import { type DecodedPublish, decodePublish } from '../wire/decode-publish.ts'
import type { Frame } from '../wire/framer.ts'
import { IncomingTopicAliases } from '../wire/incoming-topic-aliases.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { type Breach, RECEIVE_MAXIMUM_EXCEEDED } from './breach.ts'
import type { Outgoing } from './outgoing.ts'

/**
 * A broker may send ten times as many unacked messages as our Receive Maximum allows, or this number, if that is more.
 * mosquitto 2.0.11 exceeds it as long as it has queued messages, by a whole window for each acknowledgement. If we ended the
 * connection, the same would happen on the next one. The session stops reading at about 1,000 messages beyond the limit, and
 * the last chunk brings 16,384 others at most. More come only if it has to read on, because the broker owes it an answer.
 */
const LEAST_TOLERATED = 20_000

export interface IncomingOptions {
  readonly protocolVersion: 3 | 4 | 5
  /** How many QoS 1 and 2 messages may be unacked. */
  readonly receiveMaximum: number
  /** How many Topic Aliases the broker may use. */
  readonly topicAliasMaximum: number
  readonly events: Pick<LinkEvents, 'received' | 'released'>
  readonly outgoing: Pick<Outgoing, 'ack'>
  readonly port: {
    /** The server broke a rule of MQTT. */
    breached(breach: Breach): void
  }
}

/** Passes the messages of one connection on to the session, and answers them. */
export class Incoming {
  readonly #options: IncomingOptions
  #aliases: IncomingTopicAliases | undefined
  /** How many messages of QoS 1 that this connection brought are unacked. */
  #unacked = 0
  /** The unacked messages of QoS 2 that this connection brought, by packet identifier. */
  #exactlyOnce: Set<number> | undefined
  /** The packet identifiers of which the PUBCOMP is held back. */
  #releasing: Set<number> | undefined

  constructor(options: IncomingOptions) {
    this.#options = options
  }

  /** PUBLISH arrived. @throws {InvalidPacketError} */
  publish(frame: Frame): void {
    const { protocolVersion, events, outgoing } = this.#options
    const packet = decodePublish(frame, protocolVersion)
    if (packet.topicAlias > 0) this.#resolve(packet)
    if (packet.qos === 0) events.received(packet)
    else if (this.#mayAdd(packet)) {
      const isHeldBack = events.received(packet)
      if (packet.qos === 2) outgoing.ack('pubrec', packet.packetId)
      else if (!isHeldBack) this.acknowledge(packet)
    }
  }

  /** PUBREL arrived. */
  pubrel(packetId: number): void {
    // A second PUBREL shares the answer to the first.
    if (this.#releasing?.has(packetId)) return
    if (this.#options.events.released(packetId)) (this.#releasing ??= new Set()).add(packetId)
    else this.#pubcomp(packetId)
  }

  /** Sends the acknowledgement of a message. @param reasonCode - of a PUBACK */
  acknowledge({ qos, packetId }: IncomingPublish, reasonCode = 0): void {
    if (qos === 2) return this.#pubcomp(packetId)
    this.#unacked--
    this.#options.outgoing.ack('puback', packetId, reasonCode)
  }

  #resolve(packet: DecodedPublish): void {
    this.#aliases ??= new IncomingTopicAliases(this.#options.topicAliasMaximum)
    this.#aliases.resolve(packet)
  }

  /** Counts a message of QoS 1 or 2. @returns whether the broker may send that many (MQTT 5 §4.9) */
  #mayAdd({ qos, packetId }: IncomingPublish): boolean {
    const { protocolVersion, receiveMaximum, port } = this.#options
    const isKnown = qos === 2 && this.#exactlyOnce?.has(packetId)
    const unacked = this.#unacked + (this.#exactlyOnce?.size ?? 0)
    const tolerated = Math.max(10 * receiveMaximum, LEAST_TOLERATED)
    if (!isKnown && protocolVersion === 5 && unacked >= tolerated) {
      const message = `more than ${unacked} unacked messages at a time, with a Receive Maximum of ${receiveMaximum}`
      port.breached({ message, reasonCode: RECEIVE_MAXIMUM_EXCEEDED })
      return false
    }
    if (qos === 1) this.#unacked++
    else (this.#exactlyOnce ??= new Set()).add(packetId)
    return true
  }

  #pubcomp(packetId: number): void {
    this.#exactlyOnce?.delete(packetId)
    this.#releasing?.delete(packetId)
    this.#options.outgoing.ack('pubcomp', packetId)
  }
}
