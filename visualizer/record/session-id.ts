import type { AnyActorRef } from 'xstate'

/** The copies of XState in this process, by their actor classes, numbered in the order in which they were seen. */
const copies = new WeakMap<object, number>()
let seen = 0

/**
 * A session id that is unique in this process. Each copy of XState counts from `x:0`, so the ids of all copies but the
 * first get a prefix.
 */
export function sessionIdOf(ref: Pick<AnyActorRef, 'sessionId'>, sessionId = ref.sessionId): string {
  const { constructor } = ref
  if (typeof constructor !== 'function') return sessionId
  let copy = copies.get(constructor)
  if (copy === undefined) copies.set(constructor, (copy = seen++))
  return copy === 0 ? sessionId : `${copy + 1}.${sessionId}`
}
