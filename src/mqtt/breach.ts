import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'

/** What the server did that MQTT forbids. */
export interface Breach {
  readonly message: string
  /** For our DISCONNECT (MQTT 5 §3.14.2.1). */
  readonly reasonCode: number
}

/** Reason codes of our DISCONNECT (MQTT 5 §3.14.2.1). */
const MALFORMED_PACKET = 0x81
const PROTOCOL_ERROR = 0x82
const TOPIC_NAME_INVALID = 0x90
export const RECEIVE_MAXIMUM_EXCEEDED = 0x93
export const PACKET_TOO_LARGE = 0x95

/**
 * What is wrong with a packet of the server's by itself, where MQTT.js does not mind.
 *
 * @param connected - whether the CONNACK came
 */
export function breachOf(packet: Packet, connected: boolean): Breach | undefined {
  // mqtt-packet gives the id -1 to one that is cut off before it.
  if (packet.messageId !== undefined && packet.messageId < 1) {
    return { message: `${packet.cmd.toUpperCase()} without a packet identifier`, reasonCode: MALFORMED_PACKET }
  }
  // MQTT-3.2.0-1. With AUTH they agree on how to go on before (MQTT 5 §4.12).
  if (!connected && packet.cmd !== 'connack' && packet.cmd !== 'auth') {
    return { message: `${packet.cmd.toUpperCase()} before the CONNACK`, reasonCode: PROTOCOL_ERROR }
  }
  if (packet.cmd === 'publish') return wrongTopic(packet)
  return packet.cmd === 'connack' ? wrongLimit(packet) : undefined
}

function wrongTopic({ topic, properties }: IPublishPacket): Breach | undefined {
  if (topic === '' && properties?.topicAlias === undefined) {
    return { message: 'PUBLISH without a topic', reasonCode: PROTOCOL_ERROR }
  }
  // It is not quoted: a topic may be of any length.
  if (!isTopicName(topic)) return { message: 'PUBLISH to an invalid topic', reasonCode: TOPIC_NAME_INVALID }
  return undefined
}

/** MQTT 5 §3.2.2.3.3 and §3.2.2.3.6: with 0 nothing could be sent, ever. */
function wrongLimit({ properties }: IConnackPacket): Breach | undefined {
  const limit = properties?.receiveMaximum === 0 ? 'Receive Maximum' : 'Maximum Packet Size'
  if (properties?.receiveMaximum !== 0 && properties?.maximumPacketSize !== 0) return undefined
  return { message: `CONNACK with a ${limit} of 0`, reasonCode: PROTOCOL_ERROR }
}

/**
 * MQTT 5 §4.7. Whether it was sent as UTF-8 can't be seen here: mqtt-packet has decoded it. This is on the path of each
 * message, where a regular expression takes twice as long.
 */
function isTopicName(topic: string): boolean {
  return !topic.includes('+') && !topic.includes('#') && !topic.includes('\0')
}
