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

/** Describes why an answer does not fit the handshake of a publication (MQTT 5 §4.3); `undefined` if it fits. */
export function outOfTurn({ type }: Ack, { qos, phase }: Publication): string | undefined {
  if (qos === 1) return type === 'puback' ? undefined : `${type.toUpperCase()} for a publish of QoS 1`
  if (type === 'puback') return 'PUBACK for a publish of QoS 2'
  return type === 'pubcomp' && phase === 'sent' ? 'PUBCOMP before PUBREC' : undefined
}
