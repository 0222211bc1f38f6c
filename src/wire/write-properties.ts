import type { PublishProperties, UserProperties } from '../api/message.ts'
import { utf8 } from './text.ts'
import { checkedLength, UnencodablePacketError } from './unencodable-packet.ts'

/**
 * How many bytes the properties of a PUBLISH take behind their length (MQTT 5 §3.3.2.3). A client sends no Subscription
 * Identifier (MQTT-3.3.4-6): it is left out.
 *
 * @throws {UnencodablePacketError}
 */
export function propertiesSize(properties: PublishProperties): number {
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } = properties
  let size = 0
  if (payloadFormatIndicator !== undefined) size += 2
  if (messageExpiryInterval !== undefined) {
    if (messageExpiryInterval >>> 0 !== messageExpiryInterval) {
      throw new UnencodablePacketError('the Message Expiry Interval is no Four Byte Integer', '3.3.2.3.3')
    }
    size += 5
  }
  if (responseTopic !== undefined) size += 1 + textSize(responseTopic, 'the Response Topic')
  if (correlationData !== undefined) size += 3 + checkedLength(correlationData.byteLength, 'the Correlation Data')
  if (contentType !== undefined) size += 1 + textSize(contentType, 'the Content Type')
  if (properties.userProperties) size += userPropertiesSize(properties.userProperties)
  return size
}

/**
 * Writes the properties of a PUBLISH behind their length. Their order is that of `parseProperties`, in which MQTT.js wrote
 * them as well.
 *
 * @returns where they end
 */
export function writeProperties(properties: PublishProperties, into: Uint8Array, start: number): number {
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } = properties
  let at = start
  if (payloadFormatIndicator !== undefined) {
    into[at++] = 0x01
    into[at++] = payloadFormatIndicator ? 1 : 0
  }
  if (messageExpiryInterval !== undefined) {
    into[at++] = 0x02
    at = writeTwoBytes(messageExpiryInterval >>> 16, into, at)
    at = writeTwoBytes(messageExpiryInterval, into, at)
  }
  if (responseTopic !== undefined) at = writeTextProperty(0x08, responseTopic, into, at)
  if (correlationData !== undefined) {
    into[at++] = 0x09
    at = writeTwoBytes(correlationData.byteLength, into, at)
    into.set(correlationData, at)
    at += correlationData.byteLength
  }
  if (contentType !== undefined) at = writeTextProperty(0x03, contentType, into, at)
  return properties.userProperties ? writeUserProperties(properties.userProperties, into, at) : at
}

/** Each value is a property by itself, with its name before it (MQTT 5 §3.3.2.3.7). */
function userPropertiesSize(properties: UserProperties): number {
  let size = 0
  for (const [name, values] of Object.entries(properties)) {
    const nameSize = textSize(name, 'the name of a User Property')
    for (const value of listOf(values)) size += 1 + nameSize + textSize(value, 'a User Property')
  }
  return size
}

function writeUserProperties(properties: UserProperties, into: Uint8Array, start: number): number {
  let at = start
  for (const [name, values] of Object.entries(properties)) {
    for (const value of listOf(values)) {
      at = writeTextProperty(0x26, name, into, at)
      at = writeTextField(value, into, at)
    }
  }
  return at
}

function listOf(values: string | readonly string[]): readonly string[] {
  return typeof values === 'string' ? [values] : values
}

function textSize(text: string, what: string): number {
  return 2 + checkedLength(utf8.lengthOf(text), what)
}

function writeTextProperty(identifier: number, text: string, into: Uint8Array, at: number): number {
  into[at] = identifier
  return writeTextField(text, into, at + 1)
}

/** A text behind its length, which is known when it is written. */
function writeTextField(text: string, into: Uint8Array, at: number): number {
  const end = utf8.write(text, into, at + 2)
  writeTwoBytes(end - at - 2, into, at)
  return end
}

function writeTwoBytes(value: number, into: Uint8Array, at: number): number {
  into[at] = value >>> 8
  into[at + 1] = value
  return at + 2
}
