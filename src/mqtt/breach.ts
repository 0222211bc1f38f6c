import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'

/** A rule of MQTT that the server broke. */
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
 * Checks one packet of the server for what MQTT.js does not check.
 *
 * @param connected - whether the CONNACK has arrived
 */
export function breachOf(packet: Packet, connected: boolean): Breach | undefined {
  // mqtt-packet sets the id to -1 if the packet ends before it.
  if (packet.messageId !== undefined && packet.messageId < 1) {
    return { message: `${packet.cmd.toUpperCase()} without a packet identifier`, reasonCode: MALFORMED_PACKET }
  }
  // MQTT-3.2.0-1. AUTH may come before the CONNACK (MQTT 5 §4.12).
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
  // The topic is not quoted, because it may be very long.
  if (!isTopicName(topic)) return { message: 'PUBLISH to an invalid topic', reasonCode: TOPIC_NAME_INVALID }
  return undefined
}

/** MQTT 5 §3.2.2.3.3 and §3.2.2.3.6: with 0, nothing could ever be sent. */
function wrongLimit({ properties }: IConnackPacket): Breach | undefined {
  const limit = properties?.receiveMaximum === 0 ? 'Receive Maximum' : 'Maximum Packet Size'
  if (properties?.receiveMaximum !== 0 && properties?.maximumPacketSize !== 0) return undefined
  return { message: `CONNACK with a ${limit} of 0`, reasonCode: PROTOCOL_ERROR }
}

/**
 * Checks a topic name (MQTT 5 §4.7). Invalid UTF-8 can't be detected here, because mqtt-packet has decoded the topic.
 * This runs for each message, and a regular expression would take twice as long.
 */
function isTopicName(topic: string): boolean {
  return !topic.includes('+') && !topic.includes('#') && !topic.includes('\0')
}
