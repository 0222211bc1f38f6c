import { errorName } from '../../machines/failure.ts'
import type { RecordedEvent } from './format.ts'

interface Received {
  readonly type: string
  readonly error?: unknown
  readonly output?: unknown
  readonly [field: string]: unknown
}

const ACTOR_ERROR = 'xstate.error.actor.'

/** Events of the application, such as WAKE, have no fields. Those that it adds may contain anything, too. */
const COMMAND = /^[A-Z]+$/

/**
 * Returns what is recorded of an event: everything if the machine knows it, and only its type otherwise, because it may contain
 * anything. Of an error it is the name, and the message where the machine uses it; of new credentials, when they expire.
 *
 * @param known - the events of the machine
 */
export function recordedEvent(event: Received, known: readonly string[]): RecordedEvent {
  const { type, error, output } = event
  if (type.startsWith(ACTOR_ERROR)) {
    const message = type === `${ACTOR_ERROR}refresh` || !(error instanceof Error) ? {} : { message: error.message }
    return { type, error: { name: errorName(error), ...message } }
  }
  if (type === 'xstate.done.actor.refresh') {
    return { type, output: { expiresAt: (output as { readonly expiresAt?: unknown } | undefined)?.expiresAt ?? null } }
  }
  return known.includes(type) && !COMMAND.test(type) ? event : { type }
}

/** Returns an event that the machine handles like the recorded one. */
export function replayedEvent({ error, ...event }: RecordedEvent): { readonly type: string } {
  if (error === undefined) return event
  const { name, message } = error as { readonly name: string; readonly message?: string }
  return { ...event, error: Object.assign(new Error(message ?? name), { name }) } as never
}
