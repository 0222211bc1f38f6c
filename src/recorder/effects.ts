import type { Effect } from './format.ts'
import type { ExecutedAction } from './machine-tap.ts'

interface Params {
  readonly id?: string
  readonly input?: unknown
  readonly targetId?: string
  readonly delay?: number
  readonly event?: { readonly type: string }
}

/** What is shown of an actor's input. The rest of it is in the machine's context. */
const SHOWN_INPUT = ['attempt', 'cycle', 'generation', 'replaces', 'reason'] as const

/** Returns what the machine did, by the actions of a transition. */
export function effectsOf(actions: readonly ExecutedAction[]): readonly Effect[] {
  return actions.flatMap(({ type, params }) => effectOf(type, (params ?? {}) as Params) ?? [])
}

function effectOf(type: string, { id = '', input, targetId, delay, event }: Params): Effect | undefined {
  switch (type) {
    case 'xstate.spawnChild':
      return isInternal(id) ? undefined : started(id, input)
    case 'xstate.stopChild':
      return isInternal(id) || id === '' ? undefined : { stop: id }
    case 'xstate.sendTo':
      return { send: event?.type ?? '', to: targetId ?? '' }
    case 'xstate.raise':
      return delay === undefined || !event ? undefined : { timer: nameOfDelay(event.type), delay }
    case 'xstate.emit':
      return event && { emit: event }
    default:
      return type.startsWith('xstate.') ? undefined : { call: type }
  }
}

/** It starts with the first connection, and anew after an error: nothing else depends on that. */
function isInternal(id: string): boolean {
  return id === 'subscriptions'
}

function started(id: string, input: unknown): Effect {
  const given = (input ?? {}) as Readonly<Record<string, unknown>>
  const shown = SHOWN_INPUT.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]))
  return shown.length > 0 ? { start: id, with: Object.fromEntries(shown) } : { start: id }
}

/** Returns the name of a delay by the event that it sends, such as `xstate.after.reconnectDelay.reconnecting`. */
export function nameOfDelay(event: string): string {
  return /^xstate\.after\.([^.]*)\./.exec(event)?.[1] ?? event
}
