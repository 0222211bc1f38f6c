import { errorCode, errorName, type Failure } from '../failure.ts'
import { WRONG_ACCOUNT } from '../policy/classify.ts'
import type { ConnectionEvent, RefreshedCredentials } from './types.ts'

/** XState's own events (timeouts and results of actors), which the union of a machine's events does not contain. */
interface ActorEvent {
  readonly type: string
  readonly error?: unknown
  readonly output?: Partial<RefreshedCredentials>
}

/** Returns the failure that an event reports: from the transport, a timeout, or a rejected refresh. */
export function failureOf(event: ConnectionEvent): Failure {
  if (event.type === 'transport.failed') return event.failure
  if (event.type === 'subscriptions.unanswered') return { kind: 'timeout', phase: 'restore' }
  if (event.type === 'xstate.error.actor.transport') return actorFailure('transport', event.error)
  if (event.type === 'xstate.error.actor.subscriptions') return actorFailure('subscriptions', event.error)
  const { type, error }: ActorEvent = event
  if (type.startsWith('xstate.after.connectTimeout.')) return { kind: 'timeout', phase: 'connect' }
  if (type.startsWith('xstate.after.refreshTimeout.')) return { kind: 'timeout', phase: 'refresh' }
  if (type.startsWith('xstate.after.authenticationTimeout.')) return { kind: 'timeout', phase: 'authentication' }
  if (type === 'xstate.error.actor.refresh') return refreshFailure(error)
  return { kind: 'closed' }
}

/** Returns the id of the periodic request that an event ends, by a command or because its actor threw. */
export function periodicIdOf(event: ConnectionEvent): string | null {
  if (event.type === 'PERIODIC.STOP') return event.id
  const actorFailed = 'xstate.error.actor.'
  return event.type.startsWith(actorFailed) ? event.type.slice(actorFailed.length) : null
}

/** Returns when the credentials from a refresh expire. */
export function expiresAtOf(event: ConnectionEvent): number | null {
  const { output }: ActorEvent = event
  return output?.expiresAt ?? null
}

/** Keeps only the name and code of the error, because its message may quote a token or a signed URL. */
function refreshFailure(error: unknown): Failure {
  const name = errorName(error)
  if (name === WRONG_ACCOUNT) return { kind: 'credentials' }
  const code = errorCode(error)
  return { kind: 'refresh', name, ...(code !== undefined && { code }) }
}

function actorFailure(actor: 'transport' | 'subscriptions', error: unknown): Failure {
  return { kind: 'internal', actor, message: error instanceof Error ? error.message : typeof error }
}
