import { type Ack, FIRST_ERROR } from '../../wire/packets.ts'
import type { Publication } from './publication.ts'

/** The reason code of our DISCONNECT after an answer that is out of turn (MQTT 5 §3.14.2.1). */
export const PROTOCOL_ERROR = 0x82

/** Packet Identifier not found. As an answer to PUBREL after a reconnect it is not an error (MQTT 5 §3.7.2.1). */
const NOT_FOUND = 0x92

/** Whether the broker refused the message. */
export function isRefusal({ type, reasonCode }: Ack): boolean {
  return reasonCode >= FIRST_ERROR && !(type === 'pubcomp' && reasonCode === NOT_FOUND)
}

/**
 * Describes why an answer does not fit the handshake of a publication (MQTT 5 §4.3); `undefined` if it fits.
 *
 * PUBACK for QoS 2 does not fit, but RabbitMQ 3.10 has no QoS 2 and answers so: it has taken the message with QoS 1. If
 * that ended the connection, the publish could never succeed.
 */
export function outOfTurn({ type }: Ack, { qos, phase }: Publication): string | undefined {
  if (qos === 1) return type === 'puback' ? undefined : `${type.toUpperCase()} for a publish of QoS 1`
  if (type === 'pubrec') return undefined
  if (type === 'puback') return phase === 'sent' ? undefined : 'PUBACK after PUBREC'
  return phase === 'sent' ? 'PUBCOMP before PUBREC' : undefined
}
