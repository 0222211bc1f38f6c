import { varintLength } from '../shared/byte-length.ts'
import { allocate, EMPTY } from './bytes.ts'
import type { AckType } from './decode-ack.ts'
import { MAX_REMAINING_LENGTH, publishRemainingLength } from './encoded-size.ts'
import { OutgoingTopicAliases } from './outgoing-topic-aliases.ts'
import type { OutgoingPublish } from './packets.ts'
import { utf8 } from './text.ts'
import { ALIAS_BYTES, TopicWriter } from './topic-writer.ts'
import { UnencodablePacketError } from './unencodable-packet.ts'
import { writeVariableByteInteger } from './variable-byte-integer.ts'
import { propertiesSize, writeProperties } from './write-properties.ts'

/** From this size on a payload becomes a part of its own: a copy would cost more than a further part in the write. */
const OWN_PART_FROM = 16_384

const SMALLEST_BUFFER = 128
const LARGEST_FIRST_BUFFER = 65_536

/** By how much a Topic Alias can make a PUBLISH longer than its content without one: fixed header, property, its length. */
const MOST_FOR_ALIAS = 5 + ALIAS_BYTES + 1

const ACK_HEADERS: Readonly<Record<AckType, number>> = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 }

/** What the server announced in its CONNACK. */
export interface ServerLimits {
  /** In bytes. @default no limit */
  readonly maximumPacketSize?: number
  /** How many Topic Aliases to use; MQTT 3.1.1 has none. @default 0 */
  readonly topicAliasMaximum?: number
}

/**
 * Gathers packets for one write. Small ones share a buffer, which is allocated with the first of them and given away by `take`:
 * an idle connection has none.
 */
export class PacketBuffer {
  readonly #protocolVersion: 3 | 4 | 5
  readonly #topic: TopicWriter
  /** The longest content of a PUBLISH to which a Topic Alias is added. */
  readonly #longestAliased: number
  /** Parts that are whole: they come before what the buffer has from `#partStart` on. */
  #parts: Uint8Array[] = []
  #partBytes = 0
  #buffer = EMPTY
  #partStart = 0
  #at = 0
  /** What the last write needed: the next is likely to need as much. */
  #firstSize = SMALLEST_BUFFER

  constructor(protocolVersion: 3 | 4 | 5, limits: ServerLimits = {}) {
    const { maximumPacketSize = MAX_REMAINING_LENGTH, topicAliasMaximum = 0 } = limits
    const hasAliases = protocolVersion === 5 && topicAliasMaximum > 0
    this.#protocolVersion = protocolVersion
    this.#topic = new TopicWriter(hasAliases ? new OutgoingTopicAliases(topicAliasMaximum) : undefined)
    this.#longestAliased = Math.min(maximumPacketSize, MAX_REMAINING_LENGTH) - MOST_FOR_ALIAS
  }

  /** How many bytes of packets wait for `take`. */
  get size(): number {
    return this.#partBytes + this.#at - this.#partStart
  }

  /**
   * Adds a PUBLISH (MQTT 5 §3.3). A payload of 16 KiB or more is not copied: it must not change until it is written.
   *
   * @param packetId - 0 for QoS 0
   * @param dup - whether it is sent again: it has its topic then, in any case
   * @throws {UnencodablePacketError} nothing was added
   */
  publish(packet: OutgoingPublish, packetId: number, dup: boolean): void {
    const { qos, retain, properties } = packet
    const isVersion5 = this.#protocolVersion === 5
    if (qos > 0) checkPacketId(packetId)
    const topicSize = this.#topic.prepare(packet.topic, dup)
    const ownBytes = isVersion5 && properties ? propertiesSize(properties) : 0
    const payload = isLongText(packet.payload) ? utf8.encode(packet.payload) : packet.payload
    const payloadLength = typeof payload === 'string' ? utf8.lengthOf(payload) : payload.byteLength
    const ownLength = publishRemainingLength(topicSize, qos, this.#protocolVersion, ownBytes, payloadLength)
    if (ownLength > this.#longestAliased) this.#topic.assignNone()
    const propertyBytes = ownBytes + this.#topic.aliasSize
    const length = propertyBytes === ownBytes ? ownLength : ownLength + growth(ownBytes, propertyBytes)

    const ownPart = typeof payload !== 'string' && payloadLength >= OWN_PART_FROM ? payload : undefined
    const buffer = this.#reserve(1 + varintLength(length) + length - (ownPart ? payloadLength : 0))
    let at = this.#at
    buffer[at] = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
    at = writeVariableByteInteger(length, buffer, at + 1)
    at = this.#topic.write(buffer, at)
    if (qos > 0) {
      buffer[at++] = packetId >>> 8
      buffer[at++] = packetId
    }
    if (isVersion5) {
      at = writeVariableByteInteger(propertyBytes, buffer, at)
      if (propertyBytes > ownBytes) at = this.#topic.writeAlias(buffer, at)
      if (properties && ownBytes > 0) at = writeProperties(properties, buffer, at)
    }
    if (ownPart) {
      this.#at = at
      this.#addPart(ownPart)
    } else {
      this.#at = writePayload(payload, payloadLength, buffer, at)
    }
    if (propertyBytes > ownBytes) this.#topic.assign()
  }

  /**
   * Adds a PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5 §3.4 to §3.7).
   *
   * @param reasonCode - MQTT 3.1.1 has none: it is left out there
   * @throws {UnencodablePacketError} nothing was added
   */
  ack(type: AckType, packetId: number, reasonCode = 0): void {
    checkPacketId(packetId)
    const isShort = reasonCode === 0 || this.#protocolVersion !== 5
    const buffer = this.#reserve(isShort ? 4 : 6)
    let at = this.#at
    buffer[at++] = ACK_HEADERS[type]
    buffer[at++] = isShort ? 2 : 4
    buffer[at++] = packetId >>> 8
    buffer[at++] = packetId
    if (!isShort) {
      buffer[at++] = reasonCode
      // No properties. Their length could be left out as well (MQTT 5 §3.4.2.2.1); mqtt-packet writes it.
      buffer[at++] = 0
    }
    this.#at = at
  }

  /** Gives away what was added, for one write: one part, or several if there are large payloads. The buffer is empty then. */
  take(): readonly Uint8Array[] {
    this.#endPart()
    const parts = this.#parts
    this.#firstSize = Math.min(Math.max(this.#at, SMALLEST_BUFFER), LARGEST_FIRST_BUFFER)
    this.#parts = []
    this.#partBytes = 0
    // Never written again: the socket may hold on to it.
    this.#buffer = EMPTY
    this.#partStart = 0
    this.#at = 0
    return parts
  }

  /** Makes room for more bytes behind `#at`. */
  #reserve(size: number): Uint8Array {
    const end = this.#at + size
    if (end <= this.#buffer.length) return this.#buffer
    const begun = this.#buffer.subarray(this.#partStart, this.#at)
    const buffer = allocate(Math.max(begun.length + size, this.#firstSize, this.#buffer.length * 2))
    buffer.set(begun)
    this.#at = begun.length
    this.#partStart = 0
    this.#buffer = buffer
    return buffer
  }

  #endPart(): void {
    if (this.#at === this.#partStart) return
    this.#addWhole(this.#buffer.subarray(this.#partStart, this.#at))
    this.#partStart = this.#at
  }

  #addPart(part: Uint8Array): void {
    this.#endPart()
    this.#addWhole(part)
  }

  #addWhole(part: Uint8Array): void {
    this.#parts.push(part)
    this.#partBytes += part.byteLength
  }
}

/** By how much a packet grows with its properties, whose length is written before them. */
function growth(propertyBytes: number, newBytes: number): number {
  return newBytes + varintLength(newBytes) - propertyBytes - varintLength(propertyBytes)
}

function checkPacketId(packetId: number): void {
  if (packetId >= 1 && packetId <= 0xffff) return
  throw new UnencodablePacketError(`the Packet Identifier is ${packetId}`, '2.2.1')
}

/** It is encoded once, and not to learn its length first. */
function isLongText(payload: string | Uint8Array): payload is string {
  return typeof payload === 'string' && payload.length >= OWN_PART_FROM
}

function writePayload(payload: string | Uint8Array, length: number, into: Uint8Array, at: number): number {
  if (typeof payload === 'string') return utf8.write(payload, into, at)
  into.set(payload, at)
  return at + length
}
