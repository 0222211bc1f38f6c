import { mayRecover } from '../../machines/connection/guards.ts'
import type { ConnectionContext, ConnectionTag } from '../../machines/connection/types.ts'
import type { ConnectionState } from '../api/status.ts'

/** The part of the machine's snapshot that the client reads. */
export interface ConnectionSnapshot {
  readonly value: unknown
  readonly context: ConnectionContext
  hasTag(tag: ConnectionTag): boolean
}

/** The name of the top-level state. */
export function stateOf({ value }: ConnectionSnapshot): ConnectionState {
  return (typeof value === 'string' ? value : Object.keys(value as object)[0]) as ConnectionState
}

/** Whether messages flow. */
export function isReady(snapshot: ConnectionSnapshot): boolean {
  return snapshot.hasTag('ready')
}

/** Whether the machine rests in `failed`: no recovery follows by itself. */
export function gaveUp(snapshot: ConnectionSnapshot): boolean {
  return snapshot.value === 'failed' && !mayRecover(snapshot.context)
}

/** Whether nothing happens until the application asks for it. */
export function isResting(snapshot: ConnectionSnapshot): boolean {
  return snapshot.value === 'idle' || snapshot.value === 'disconnected' || gaveUp(snapshot)
}
