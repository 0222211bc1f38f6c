import type { Failure } from '../../machines/failure.ts'
import { objectsToPacket } from '../../machines/policy/classify.ts'

/**
 * How a connection ended, for what was un-acked then: the broker objected to a packet, or it closed without a word or
 * answered with what nobody understands, or it is nobody's fault.
 */
export type Blame = 'objection' | 'silence' | 'none'

export function blameOf(failure: Failure | undefined): Blame {
  if (!failure) return 'none'
  if (objectsToPacket(failure)) return 'objection'
  return failure.kind === 'closed' || failure.kind === 'protocol' ? 'silence' : 'none'
}

/** What speaks against a packet. */
export interface Suspect {
  /** How often in a row the connection was closed while it was un-acked. */
  suspicions: number
  /** How often in a row it was alone then, on a connection on which the broker had answered before. */
  accusations: number
}

/** From so many closes in a row on a packet is a suspect: it is sent only when no other is under way. */
const SUSPECT_FROM = 2

/** Before a packet is quarantined for closes without a word, it has to be caught so often: brokers are killed, too. */
const SILENT_ACCUSATIONS = 3

export function accuse(suspect: Suspect, blame: Blame, alone: boolean): void {
  if (blame === 'none') {
    suspect.suspicions = 0
    suspect.accusations = 0
    return
  }
  suspect.suspicions++
  if (alone) suspect.accusations++
}

export function isSuspect({ suspicions }: Suspect): boolean {
  return suspicions >= SUSPECT_FROM
}

/** Whether a packet that was alone when the connection was closed is the cause: an objection needs less evidence. */
export function isPoison({ suspicions, accusations }: Suspect, blame: Blame): boolean {
  if (blame === 'objection') return suspicions >= SUSPECT_FROM
  return blame === 'silence' && suspicions > SUSPECT_FROM && accusations >= SILENT_ACCUSATIONS
}
