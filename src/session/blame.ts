import type { Failure } from '../../machines/failure.ts'
import { objectsToPacket } from '../../machines/policy/classify.ts'

/**
 * How a connection ended, for what was un-acked then: the broker objected to a packet, or closed without a word, or it
 * is nobody's fault.
 */
export type Blame = 'objection' | 'silence' | 'none'

export function blameOf(failure: Failure | undefined): Blame {
  if (!failure) return 'none'
  if (objectsToPacket(failure)) return 'objection'
  return failure.kind === 'closed' ? 'silence' : 'none'
}

/** From so many closes in a row on, a packet is a suspect, and is sent only when no other is under way. */
export const SUSPECT_FROM = 2

/**
 * How many closes in a row, the last of them on this packet alone, make it poison. A close without a word can be a
 * broker that was restarted, so it takes one more.
 */
export const POISON_FROM: Readonly<Record<Exclude<Blame, 'none'>, number>> = { objection: 2, silence: 3 }
