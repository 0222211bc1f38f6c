import type { AnyActorRef } from 'xstate'

/** The class of actors that a copy of XState has for itself, and the place in which it was seen. */
const copies = new WeakMap<object, number>()
let seen = 0

/**
 * An actor's session id, unique in this process: every copy of XState counts from `x:0`. Those of the first copy that is
 * seen stay as they are.
 */
export function sessionIdOf(ref: Pick<AnyActorRef, 'sessionId'>, sessionId = ref.sessionId): string {
  const { constructor } = ref
  if (typeof constructor !== 'function') return sessionId
  let copy = copies.get(constructor)
  if (copy === undefined) copies.set(constructor, (copy = seen++))
  return copy === 0 ? sessionId : `${copy + 1}.${sessionId}`
}
