import type { Failure } from '../../../machines/failure.ts'
import { objectsToPacket } from '../../../machines/policy/classify.ts'

/**
 * What the end of a connection says about the packets that were unacked:
 *
 * - `objection`: the broker gave a reason that concerns a packet
 * - `silence`: the broker closed or reset the connection, or sent something that is not MQTT
 * - `none`: no packet can be the cause
 */
export type Blame = 'objection' | 'silence' | 'none'

/** The socket errors after a reset by the broker. mosquitto resets on MQTT 3.1.1. */
const RESETS = new Set(['ECONNRESET', 'EPIPE'])

/** Unspecified error and implementation specific error. A broker may use them for a packet that it does not accept. */
const VAGUE_REASONS = new Set([0x80, 0x83])

export function blameOf(failure: Failure | undefined): Blame {
  if (!failure) return 'none'
  if (objectsToPacket(failure)) return 'objection'
  return isSilent(failure) ? 'silence' : 'none'
}

function isSilent(failure: Failure): boolean {
  switch (failure.kind) {
    case 'closed':
    case 'protocol':
      return true
    case 'socket':
      return failure.code !== undefined && RESETS.has(failure.code)
    case 'websocket':
      // With a status, the upgrade failed.
      return failure.status === undefined
    case 'disconnected':
      return VAGUE_REASONS.has(failure.reasonCode)
    default:
      return false
  }
}
