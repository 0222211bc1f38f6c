import type { Timer } from '../../src/shared/pending-timers.ts'
import type { Redactor } from './redact.ts'

/** Redacts the names of timers, like those of other events. */
export function showTimers(timers: readonly Timer[], redactor: Redactor): readonly Timer[] {
  return timers.map(({ event, name, state, ...times }) => ({
    event: redactor.text(event),
    ...(name !== undefined && { name: redactor.text(name) }),
    ...(state !== undefined && { state: redactor.text(state) }),
    ...times,
  }))
}
