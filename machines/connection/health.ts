import { mayRecover } from './guards.ts'
import type { ConnectionContext, ConnectionStateName, ConnectionTag } from './types.ts'

/** The health of a connection, for the probes of an orchestrator. */
export interface ConnectionHealth {
  /** Whether it can still become ready by itself. If not, only the application, or a restart, can help. */
  readonly live: boolean
  /** Whether messages flow. */
  readonly ready: boolean
  readonly reason: HealthReason
}

/** Why a connection is live or not, and ready or not. */
export type HealthReason =
  /** Messages flow. Also while credentials are renewed as planned. */
  | 'ready'
  /** The application has not asked for a connection yet. */
  | 'idle'
  /** A connection is being opened. */
  | 'connecting'
  /** The gate, such as that of a fleet, has not admitted the attempt yet. */
  | 'waiting-for-admission'
  /** The connection is open, and subscriptions are being restored. */
  | 'restoring'
  /** The next attempt of the fast tier follows after a delay. */
  | 'reconnecting'
  /** The next recovery cycle follows after a delay. */
  | 'recovering'
  /** The credentials source is asked for credentials, and there is no connection. */
  | 'refreshing-credentials'
  | 'disconnecting'
  /** The application has disconnected. */
  | 'disconnected'
  /** Not live: the failure is fatal, or no attempts and cycles are left. */
  | 'gave-up'
  /** Not live: an error ended the machine. */
  | 'internal-error'
  /** Not live: the client is disposed, or its actor was stopped. */
  | 'stopped'

/** The part of the machine's snapshot that its health depends on. */
export interface HealthSnapshot {
  readonly value: unknown
  readonly status: string
  readonly context: ConnectionContext
  hasTag(tag: ConnectionTag): boolean
}

const reasons: Readonly<Record<ConnectionStateName, HealthReason>> = {
  idle: 'idle',
  connecting: 'connecting',
  // Its substate `ready` has the tag of that name.
  connected: 'restoring',
  reconnecting: 'reconnecting',
  // Recovery follows at once, or else `reasonOf` finds that the machine gave up.
  failed: 'recovering',
  recovering: 'recovering',
  refreshingToken: 'refreshing-credentials',
  disconnecting: 'disconnecting',
  disconnected: 'disconnected',
}

/** Returns the health of a connection machine with this snapshot. */
export function connectionHealth(snapshot: HealthSnapshot): ConnectionHealth {
  const reason = reasonOf(snapshot)
  const live = reason !== 'gave-up' && reason !== 'internal-error' && reason !== 'stopped'
  return { live, ready: reason === 'ready', reason }
}

function reasonOf(snapshot: HealthSnapshot): HealthReason {
  const { status, value, context } = snapshot
  if (status === 'stopped') return 'stopped'
  if (status === 'error') return 'internal-error'
  if (snapshot.hasTag('ready')) return 'ready'
  const state = (typeof value === 'string' ? value : Object.keys(value as object)[0]) as ConnectionStateName
  if (state === 'failed' && !mayRecover(context)) return isInternal(context) ? 'internal-error' : 'gave-up'
  if (state === 'connecting' && context.admission === 'awaited') return 'waiting-for-admission'
  return reasons[state]
}

/** Whether an error ended the machine, and not only one of its actors. */
function isInternal({ failure }: HealthSnapshot['context']): boolean {
  return failure?.kind === 'internal' && failure.actor === 'machine'
}
