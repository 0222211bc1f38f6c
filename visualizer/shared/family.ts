import type { Family } from '../protocol.ts'
import { isObject } from './json.ts'

/** The parts of a snapshot that say what an actor is doing. */
export interface Doing {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly value?: unknown
  readonly tags?: Iterable<string>
}

/** The state of a snapshot. For an actor that is not a machine, it is the status. */
export function stateOf({ value, status }: Doing): string {
  return stateWords(value) || status
}

export function familyOf({ status, value, tags = [] }: Doing): Family {
  const state = stateOf({ status, value })
  if (status === 'stopped') return 'resting'
  if (status === 'error' || /^(failed|failure|error|deaf|refused)\b/.test(state)) return 'failed'
  if (status === 'done') return 'resting'
  const given = new Set(tags)
  for (const family of ['online', 'waiting', 'busy', 'resting'] as const) if (given.has(family)) return family
  return /^(idle|offline|paused|disconnected|settled|off|inactive)\b/.test(state) ? 'resting' : 'busy'
}

/** A state value as text, such as `connected.ready`. Parallel regions are separated by bars. */
function stateWords(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return ''
  return Object.entries(value)
    .map(([key, below]) => {
      const inner = stateWords(below)
      return inner === '' ? key : `${key}.${inner}`
    })
    .join(' | ')
}
