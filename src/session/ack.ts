import type { Ack } from './link.ts'

/** Reason codes from here on are errors (MQTT 5 §2.4). */
const FIRST_ERROR = 0x80

/** Packet Identifier not found: as an answer to PUBREL no error after a reconnect (MQTT 5 §3.7.2.1). */
const NOT_FOUND = 0x92

/** Whether the broker did not take the message. */
export function isRefusal({ type, reasonCode }: Ack): boolean {
  return reasonCode >= FIRST_ERROR && !(type === 'pubcomp' && reasonCode === NOT_FOUND)
}
