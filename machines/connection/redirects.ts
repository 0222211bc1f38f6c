import { rulesOf } from '../config.ts'
import type { Failure } from '../failure.ts'
import { referencesOf, targetOf } from '../policy/server-reference.ts'
import { dispositionOf, serverReferenceOf } from './guards.ts'
import type { ConnectionContext, RedirectRefusal, ServerChoice } from './types.ts'

/** A Server Reference that is followed, or the reason why it is not. */
export type Redirect =
  | {
      readonly follows: true
      /** One Server Reference. */
      readonly to: string
      /** Whether the server has moved there for good (0x9D). */
      readonly isPermanent: boolean
    }
  | { readonly follows: false; readonly refusal: RedirectRefusal }

/**
 * Returns what becomes of the Server Reference of a failure: the first one is followed that is allowed and leads to no
 * server of this row of redirects. `null` if the failure redirects to no server.
 */
export function redirectOf(context: ConnectionContext, failure: Failure): Redirect | null {
  const { config, server } = context
  const serverReference = serverReferenceOf(failure)
  if (serverReference === null || dispositionOf(context, failure) !== 'redirect') return null
  if (server.hops >= config.redirect.maxHops) return { follows: false, refusal: 'max-hops' }
  const allowed = referencesOf(serverReference).filter((each) => allows(rulesOf(config).allow, each))
  const to = allowed.find((each) => !isVisited(server, each))
  if (to === undefined) return { follows: false, refusal: allowed.length > 0 ? 'loop' : 'not-allowed' }
  return { follows: true, to, isPermanent: isPermanent(failure) }
}

/** Returns whether the failure redirects to another server, and the client follows. */
export function redirects(context: ConnectionContext, failure: Failure): boolean {
  return redirectOf(context, failure)?.follows === true
}

/** Returns the servers of a row of redirects after it was continued. */
export function visitedWith({ visited, address }: ServerChoice, reference: string): readonly string[] {
  const places = [address?.toLowerCase(), targetOf(reference, address)].filter((each) => each !== undefined)
  return Array.from(new Set([...visited, ...places]))
}

function isVisited({ visited, address }: ServerChoice, reference: string): boolean {
  const target = targetOf(reference, address)
  return target !== undefined && (visited.includes(target) || target === address?.toLowerCase())
}

function isPermanent(failure: Failure): boolean {
  return (failure.kind === 'refused' || failure.kind === 'disconnected') && failure.reasonCode === 0x9d
}

/** A function of the application that throws allows nothing. */
function allows(allow: (serverReference: string) => boolean, reference: string): boolean {
  try {
    return allow(reference)
  } catch {
    return false
  }
}
