import type { PublishProperties } from '../api/message.ts'
import type { Frame } from './framer.ts'
import { InvalidPacketError } from './invalid-packet.ts'
import type { IncomingPublish } from './packets.ts'
import { PropertyReader } from './property-reader.ts'
import { isTopicName, readTopic } from './topic.ts'

/** A PUBLISH as it came, with its Topic Alias. */
export interface DecodedPublish extends IncomingPublish {
  /** Empty if the packet has only an alias: `IncomingTopicAliases` puts the topic in. */
  topic: string
  /** 0 without one. */
  readonly topicAlias: number
}

type FoundProperties = { -readonly [Name in keyof PublishProperties]: PublishProperties[Name] }

interface Properties {
  readonly values: PublishProperties | undefined
  readonly topicAlias: number
  /** Where the payload starts. */
  readonly end: number
}

/**
 * Decodes a PUBLISH (MQTT 5 §3.3, MQTT 3.1.1 §3.3). The payload and Correlation Data are views of the frame.
 *
 * @param frame - of the kind `publish`
 * @throws {InvalidPacketError}
 */
export function decodePublish(frame: Frame, protocolVersion: 3 | 4 | 5): DecodedPublish {
  const { header, bytes, start, end } = frame
  const qos = ((header >> 1) & 3) as 0 | 1 | 2 | 3
  const dup = (header & 8) !== 0
  if (qos === 3) throw new InvalidPacketError('qos', header)
  if (dup && qos === 0) throw new InvalidPacketError('dupWithQos0', header)

  let at = start + 2
  if (at > end) throw new InvalidPacketError('truncated', header)
  const topicEnd = at + (((bytes[start] as number) << 8) | (bytes[start + 1] as number))
  if (topicEnd > end) throw new InvalidPacketError('truncated', header)
  const topic = readTopic(bytes, at, topicEnd, header)
  at = topicEnd

  let packetId = 0
  if (qos > 0) {
    if (at + 2 > end) throw new InvalidPacketError('truncated', header)
    packetId = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    if (packetId === 0) throw new InvalidPacketError('packetIdentifier', header)
    at += 2
  }

  let properties: PublishProperties | undefined
  let topicAlias = 0
  if (protocolVersion === 5) {
    // Most have none.
    if (at < end && bytes[at] === 0) at++
    else ({ values: properties, topicAlias, end: at } = readProperties(bytes, at, end, header))
  }
  if (topic === '' && topicAlias === 0) throw new InvalidPacketError('topicEmpty', header)

  return {
    topic,
    payload: bytes.subarray(at, end),
    qos,
    retain: (header & 1) !== 0,
    dup,
    packetId,
    properties,
    topicAlias,
  }
}

/** MQTT 5 §3.3.2.3. */
function readProperties(bytes: Uint8Array, at: number, end: number, header: number): Properties {
  const reader = new PropertyReader(bytes, at, end, header)
  const found: FoundProperties = {}
  let topicAlias = 0
  let isEmpty = true
  while (reader.hasMore) {
    const identifier = reader.byte()
    if (identifier === 0x23) {
      reader.once(topicAlias || undefined)
      topicAlias = reader.twoByteInteger()
      if (topicAlias === 0) reader.fail('topicAliasInvalid')
    } else {
      readProperty(reader, identifier, found)
      isEmpty = false
    }
  }
  return { values: isEmpty ? undefined : found, topicAlias, end: reader.end }
}

function readProperty(reader: PropertyReader, identifier: number, found: FoundProperties): void {
  switch (identifier) {
    case 0x01: {
      reader.once(found.payloadFormatIndicator)
      const indicator = reader.byte()
      if (indicator > 1) reader.fail('payloadFormatIndicator')
      found.payloadFormatIndicator = indicator === 1
      break
    }
    case 0x02:
      reader.once(found.messageExpiryInterval)
      found.messageExpiryInterval = reader.fourByteInteger()
      break
    case 0x03:
      reader.once(found.contentType)
      found.contentType = reader.text()
      break
    case 0x08:
      reader.once(found.responseTopic)
      found.responseTopic = reader.text()
      if (!isTopicName(found.responseTopic)) reader.fail('responseTopicWildcard')
      break
    case 0x09:
      reader.once(found.correlationData)
      found.correlationData = reader.binary()
      break
    case 0x0b: {
      // One for each subscription that matched.
      const subscription = reader.variableByteInteger()
      if (subscription === 0) reader.fail('subscriptionIdentifier')
      const before = found.subscriptionIdentifier
      if (before === undefined) found.subscriptionIdentifier = subscription
      else if (typeof before === 'number') found.subscriptionIdentifier = [before, subscription]
      else (before as number[]).push(subscription)
      break
    }
    case 0x26:
      found.userProperties = reader.userProperty(found.userProperties)
      break
    default:
      reader.fail('propertyNotAllowed')
  }
}
