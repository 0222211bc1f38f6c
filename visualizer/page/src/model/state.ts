import type { ShownSnapshot } from '../../../protocol.ts'
import { stateOf } from '../../../shared/family.ts'
import { isObject, type Fields } from '../../../shared/json.ts'
import type { Actor } from './types.ts'

export function topState(snapshot: ShownSnapshot): string {
  return stateOf(snapshot).split('.')[0] ?? ''
}

/** As long as this stays the same, the actor counts as being in one state: a connection that restores is connected too. */
export function placeOf({ connection }: Pick<Actor, 'connection'>, state: string): string {
  return connection ? (state.split('.')[0] ?? '') : state
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
