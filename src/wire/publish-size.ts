import { byteLength, varintLength } from '../shared/byte-length.ts'
import type { OutgoingPublish } from './packets.ts'
import type { PublishProperties } from '../api/message.ts'

/** How many bytes a PUBLISH takes on the wire (MQTT 5 §3.3). */
export function publishSize({ topic, payload, qos, properties }: OutgoingPublish, protocolVersion: 3 | 4 | 5): number {
  const propertyBytes = protocolVersion === 5 ? sizeOfProperties(properties) : undefined
  const propertyLength = propertyBytes === undefined ? 0 : varintLength(propertyBytes) + propertyBytes
  const rest = text(topic) + (qos > 0 ? 2 : 0) + propertyLength + byteLength(payload)
  return 1 + varintLength(rest) + rest
}

/** One byte for the identifier of each property, then its value (MQTT 5 §2.2.2.2). */
function sizeOfProperties(properties: PublishProperties = {}): number {
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } = properties
  let size = 0
  if (payloadFormatIndicator !== undefined) size += 2
  if (messageExpiryInterval !== undefined) size += 5
  if (responseTopic !== undefined) size += 1 + text(responseTopic)
  if (correlationData !== undefined) size += 1 + text(correlationData)
  if (contentType !== undefined) size += 1 + text(contentType)
  for (const [name, values] of Object.entries(properties.userProperties ?? {})) {
    for (const value of [values].flat()) size += 1 + text(name) + text(value)
  }
  return size
}

/** A string, or binary data, after its length in two bytes. */
function text(value: string | Uint8Array): number {
  return 2 + byteLength(value)
}
