import type { Failure } from '../../../machines/failure.ts'
import { objectsToPacket } from '../../../machines/policy/classify.ts'

/**
 * How a connection ended, for what was un-acked then:
 *
 * - `objection`: the broker said that it minds a packet
 * - `silence`: it closed or reset the connection, or answered with what is no MQTT
 * - `none`: no packet can be the cause
 */
export type Blame = 'objection' | 'silence' | 'none'

/** How a broker that resets is seen, by what the socket was doing: mosquitto does so on MQTT 3.1.1. */
const RESETS = new Set(['ECONNRESET', 'EPIPE'])

/** Unspecified error, implementation specific error: a broker that has no better word for a packet. */
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
      // With a status it is the upgrade that failed.
      return failure.status === undefined
    case 'disconnected':
      return VAGUE_REASONS.has(failure.reasonCode)
    default:
      return false
  }
}
