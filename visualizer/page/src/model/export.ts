import type { Names } from './processes.ts'
import type { Entry } from './types.ts'
import { eventTitle } from './words.ts'

/** The log as JSON Lines: one step a line, oldest first. It contains only what the page shows, which is redacted. */
export function logLines(entries: readonly Entry[], names: Names): string {
  return entries.map((entry) => `${JSON.stringify(lineOf(entry, names))}\n`).join('')
}

function lineOf({ time, actor, event, from, to, changed, guards, failure, snapshot }: Entry, names: Names) {
  const process = names.process(actor)
  return {
    time: new Date(time).toISOString(),
    ...(process !== '' && { process }),
    actor: names.actor(actor),
    sessionId: actor.sessionId,
    what: eventTitle(event),
    event,
    ...(from !== '' && { from }),
    to,
    changed,
    ...(guards.length > 0 && { guards }),
    ...(failure !== '' && { failure }),
    snapshot,
  }
}

/** The name of the file, such as `xstate-mqtt-pump-7-2026-01-31T03-14-15.jsonl`. */
export function fileName(of: string, time: number): string {
  const safe = of.replaceAll(/[^\w.-]+/g, '-').slice(0, 60)
  return `${['xstate-mqtt', safe, new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')].filter(Boolean).join('-')}.jsonl`
}
