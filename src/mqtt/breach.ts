import type { IConnackPacket, Packet } from 'mqtt-packet'

/** A rule of MQTT that the server broke. */
export interface Breach {
  readonly message: string
  /** For our DISCONNECT (MQTT 5 §3.14.2.1). */
  readonly reasonCode: number
}

/** Reason codes of our DISCONNECT (MQTT 5 §3.14.2.1). */
const MALFORMED_PACKET = 0x81
export const PROTOCOL_ERROR = 0x82
export const RECEIVE_MAXIMUM_EXCEEDED = 0x93

/** The breach of MQTT 5 §4.12: the client has not begun an exchange, or MQTT 3.1.1 has no such packet. */
export const UNSOLICITED_AUTH: Breach = Object.freeze({
  message: 'AUTH that the client has not asked for',
  reasonCode: PROTOCOL_ERROR,
})

/** The breach of MQTT-3.2.0-1. @param packet - its name */
export function beforeConnack(packet: string): Breach {
  return { message: `${packet} before the CONNACK`, reasonCode: PROTOCOL_ERROR }
}

/**
 * Checks a packet of the server that does not carry data for what MQTT.js does not check.
 *
 * @param connected - whether the CONNACK has arrived
 */
export function breachOf(packet: Packet, connected: boolean): Breach | undefined {
  // mqtt-packet sets the id to -1 if the packet ends before it.
  if (packet.messageId !== undefined && packet.messageId < 1) {
    return { message: `${packet.cmd.toUpperCase()} without a packet identifier`, reasonCode: MALFORMED_PACKET }
  }
  if (!connected && packet.cmd !== 'connack') return beforeConnack(packet.cmd.toUpperCase())
  return packet.cmd === 'connack' ? wrongLimit(packet) : undefined
}

/** MQTT 5 §3.2.2.3.3 and §3.2.2.3.6: with 0, nothing could ever be sent. */
function wrongLimit({ properties }: IConnackPacket): Breach | undefined {
  const limit = properties?.receiveMaximum === 0 ? 'Receive Maximum' : 'Maximum Packet Size'
  if (properties?.receiveMaximum !== 0 && properties?.maximumPacketSize !== 0) return undefined
  return { message: `CONNACK with a ${limit} of 0`, reasonCode: PROTOCOL_ERROR }
}
