import { varintLength } from '../shared/byte-length.ts'
import type { OutgoingPublish } from './packets.ts'
import { utf8 } from './text.ts'
import { checkedLength, UnencodablePacketError } from './unencodable-packet.ts'
import { propertiesSize } from './write-properties.ts'

/** The largest Variable Byte Integer (MQTT 5 §1.5.5). */
export const MAX_REMAINING_LENGTH = 268_435_455

/**
 * How many bytes a PUBLISH takes on the wire (MQTT 5 §3.3), with its topic: it may have to be sent again on a connection
 * where no Topic Alias stands for that.
 *
 * @throws {UnencodablePacketError}
 */
export function publishSize(packet: OutgoingPublish, protocolVersion: 3 | 4 | 5): number {
  const { topic, payload, qos, properties } = packet
  const topicSize = 2 + checkedLength(utf8.lengthOf(topic), 'the topic')
  const propertyBytes = protocolVersion === 5 && properties ? propertiesSize(properties) : 0
  const payloadLength = typeof payload === 'string' ? utf8.lengthOf(payload) : payload.byteLength
  const remainingLength = publishRemainingLength(topicSize, qos, protocolVersion, propertyBytes, payloadLength)
  return 1 + varintLength(remainingLength) + remainingLength
}

/**
 * Adds up what a PUBLISH has behind its fixed header.
 *
 * @param topicSize - with its length
 * @param propertyBytes - without their length
 * @throws {UnencodablePacketError} the packet is too long for a Remaining Length
 */
export function publishRemainingLength(
  topicSize: number,
  qos: 0 | 1 | 2,
  protocolVersion: 3 | 4 | 5,
  propertyBytes: number,
  payloadLength: number,
): number {
  const propertiesWithLength = protocolVersion === 5 ? varintLength(propertyBytes) + propertyBytes : 0
  const length = topicSize + (qos > 0 ? 2 : 0) + propertiesWithLength + payloadLength
  if (length > MAX_REMAINING_LENGTH) {
    throw new UnencodablePacketError(`the packet is longer than ${MAX_REMAINING_LENGTH} bytes`, '2.1.4')
  }
  return length
}
