import type { Ack } from '../../wire/packets.ts'
import type { Publication } from './publication.ts'

/** The reason code of our DISCONNECT then (MQTT 5 §3.14.2.1). */
export const PROTOCOL_ERROR = 0x82

/** Reason codes from here on are errors (MQTT 5 §2.4). */
const FIRST_ERROR = 0x80

/** Packet Identifier not found: as an answer to PUBREL no error after a reconnect (MQTT 5 §3.7.2.1). */
const NOT_FOUND = 0x92

/** Whether the broker did not take the message. */
export function isRefusal({ type, reasonCode }: Ack): boolean {
  return reasonCode >= FIRST_ERROR && !(type === 'pubcomp' && reasonCode === NOT_FOUND)
}

/** Why an answer is none to a publish that is where it is (MQTT 5 §4.3); `undefined` if it is one. */
export function outOfTurn({ type }: Ack, { qos, phase }: Publication): string | undefined {
  if (qos === 1) return type === 'puback' ? undefined : `${type.toUpperCase()} for a publish of QoS 1`
  if (type === 'puback') return 'PUBACK for a publish of QoS 2'
  return type === 'pubcomp' && phase === 'sent' ? 'PUBCOMP before PUBREC' : undefined
}
