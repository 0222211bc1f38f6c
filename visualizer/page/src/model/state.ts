import type { Json, ShownSnapshot } from '../../../protocol.ts'
import { isObject, type Fields } from '../../../shared/json.ts'
import type { Actor, Family } from './types.ts'

/** A state value as text, such as `connected.ready`. Parallel regions are separated by bars. */
function stateWords(value: Json | undefined): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return ''
  return Object.entries(value)
    .map(([key, below]) => {
      const inner = stateWords(below)
      return inner === '' ? key : `${key}.${inner}`
    })
    .join(' | ')
}

/** The state of a snapshot. For an actor that is not a machine, it is the status. */
export function stateOf(snapshot: ShownSnapshot): string {
  return stateWords(snapshot.value) || snapshot.status
}

export function topState(snapshot: ShownSnapshot): string {
  return stateOf(snapshot).split('.')[0] ?? ''
}

/** As long as this stays the same, the actor counts as being in one state: a connection that restores is connected too. */
export function placeOf({ connection }: Pick<Actor, 'connection'>, state: string): string {
  return connection ? (state.split('.')[0] ?? '') : state
}

export function familyOf(snapshot: ShownSnapshot): Family {
  const { status, tags = [] } = snapshot
  const state = stateOf(snapshot)
  if (status === 'stopped') return 'resting'
  if (status === 'error' || /^(failed|failure|error|deaf|refused)\b/.test(state)) return 'failed'
  if (status === 'done') return 'resting'
  for (const family of ['online', 'waiting', 'busy', 'resting'] as const) if (tags.includes(family)) return family
  return /^(idle|offline|paused|disconnected|settled|off|inactive)\b/.test(state) ? 'resting' : 'busy'
}

export function contextOf(snapshot: ShownSnapshot): Fields {
  return isObject(snapshot.context) ? snapshot.context : {}
}

export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function fields(value: unknown): Fields {
  return isObject(value) ? value : {}
}
