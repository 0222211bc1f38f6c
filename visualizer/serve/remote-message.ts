import { withoutSecrets } from '../../src/shared/redaction.ts'
import type { ActorMessage, Command, HistoryMessage, ShownSnapshot, TakenTransition, Timer } from '../protocol.ts'
import { commandEvents } from '../protocol.ts'
import { definitionOf } from '../record/definition.ts'
import { figuresOf } from '../record/figures.ts'
import { INSPECTOR_VERSION, type Recorded } from '../record/recorded.ts'
import type { Redactor } from '../record/redact.ts'
import { showTimers } from '../record/shown-timers.ts'
import { isObject, parseJson, type Fields } from '../shared/json.ts'
import type { RemoteActors } from './remote-actors.ts'

const MAX_ID = 200

/**
 * Checks a message of an app field by field and redacts it again, because any app with any inspector may connect.
 *
 * @param actors - of the app, which are updated
 */
export function received(message: Fields, redactor: Redactor, actors: RemoteActors): Recorded | undefined {
  const sessionId = id(message.sessionId)
  const type = message.type as HistoryMessage['type']
  if (sessionId === undefined) return undefined
  const base = {
    sessionId,
    rootId: id(message.rootId),
    createdAt: time(message.createdAt),
    id: null,
    _version: id(message._version) ?? INSPECTOR_VERSION,
  }
  const built = build(type, message, base, redactor)
  if (!built) return undefined
  const { moves, stay } = actors.follow(built)
  const kind = `${base.rootId ?? ''}/${actors.nameOf(sessionId) ?? sessionId}`
  const stopped = 'snapshot' in built ? { stopped: built.snapshot.status !== 'active' } : undefined
  const main = sessionId === base.rootId
  return { sessionId, type, kind, main, moves, ...(main && stay && { stay }), ...stopped, read: () => built }
}

type Base = Pick<ActorMessage, 'sessionId' | 'rootId' | 'createdAt' | '_version'> & { readonly id: null }

function build(
  type: HistoryMessage['type'],
  message: Fields,
  base: Base,
  redactor: Redactor,
): HistoryMessage | undefined {
  switch (type) {
    case '@xstate.actor':
      return {
        type,
        ...base,
        name: redactor.text(id(message.name) ?? base.sessionId),
        parentId: id(message.parentId),
        definition: definition(message.definition),
        snapshot: snapshot(message.snapshot, redactor),
        ...(isOneOf(message.kind, ['machine', 'transition', 'other']) && { kind: message.kind }),
        ...(message.bornAt !== undefined && { bornAt: time(message.bornAt) }),
        ...timers(message.timers, redactor),
        ...(Array.isArray(message.commands) && { commands: commands(message.commands) }),
      }
    case '@xstate.event':
      return { type, ...base, event: redactor.event(message.event), sourceId: id(message.sourceId) }
    case '@xstate.snapshot':
      return {
        type,
        ...base,
        snapshot: snapshot(message.snapshot, redactor),
        event: redactor.event(message.event),
        ...timers(message.timers, redactor),
        ...(Array.isArray(message.accepts) && { accepts: commands(message.accepts) }),
      }
    case '@xstate-mqtt.transition':
      return {
        type,
        ...base,
        eventType: shownText(message.eventType, redactor),
        transitions: transitions(message.transitions, redactor),
      }
    case '@xstate-mqtt.stats':
      return { type, ...base, stats: figuresOf(message.stats) }
    default:
      return undefined
  }
}

function snapshot(value: unknown, redactor: Redactor): ShownSnapshot {
  if (!isObject(value)) return { status: 'active' }
  const { status, tags, children, output, error } = value
  return {
    status: isOneOf(status, ['active', 'done', 'error', 'stopped']) ? status : 'active',
    ...(value.value !== undefined && { value: redactor.state(value.value) }),
    ...(value.context !== undefined && { context: redactor.show(value.context) }),
    ...(Array.isArray(tags) && { tags: strings(tags).map((tag) => redactor.text(tag)) }),
    ...(isObject(children) && { children: shownChildren(children, redactor) }),
    ...(output !== undefined && { output: redactor.shape(output) }),
    ...(error !== undefined && error !== null && { error: redactor.error(error) }),
  }
}

function shownChildren(children: Fields, redactor: Redactor): NonNullable<ShownSnapshot['children']> {
  const entries = Object.entries(children).flatMap(([key, child]) => {
    if (!isObject(child)) return []
    const sessionId = id(child.sessionId)
    const shown = { id: shownText(child.id ?? key, redactor), ...(sessionId !== undefined && { sessionId }) }
    return [[shownText(key, redactor), shown]]
  })
  return Object.fromEntries(entries.slice(0, MAX_ID)) as NonNullable<ShownSnapshot['children']>
}

function definition(text: unknown): string | undefined {
  return typeof text === 'string' ? definitionOf(parseJson(text)) : undefined
}

function transitions(value: unknown, redactor: Redactor): readonly TakenTransition[] {
  if (!Array.isArray(value)) return []
  return value
    .slice(0, 50)
    .filter(isObject)
    .map(({ source, targets, eventType, guard, index, reenter }) => ({
      source: id(source) ?? '',
      targets: strings(Array.isArray(targets) ? targets : []).map(cut),
      eventType: shownText(eventType, redactor),
      ...(typeof guard === 'string' && { guard: shownText(guard, redactor) }),
      index: typeof index === 'number' ? index : 0,
      reenter: reenter === true,
    }))
}

function timers(value: unknown, redactor: Redactor): { timers?: readonly Timer[] } {
  if (!Array.isArray(value)) return {}
  const shown = value.slice(0, 50).flatMap((timer: unknown): Timer[] => {
    if (!isObject(timer)) return []
    const { event, name, state, delay, startedAt } = timer
    if (typeof event !== 'string' || typeof delay !== 'number' || typeof startedAt !== 'number') return []
    const after = typeof name === 'string' && typeof state === 'string' ? { name, state } : {}
    return [{ event, ...after, delay, startedAt }]
  })
  return { timers: showTimers(shown, redactor) }
}

function commands(value: readonly unknown[]): readonly Command[] {
  return (Object.keys(commandEvents) as Command[]).filter((command) => value.includes(command))
}

/** A time by the app's clock. If it is invalid, it is the current time. */
function time(value: unknown): string {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return String(Number.isFinite(number) && number > 0 ? Math.round(number) : Date.now())
}

function id(value: unknown): string | undefined {
  return typeof value === 'string' ? cut(value) : undefined
}

/** Shortens a session id or a name in code. Learned secrets are not hidden in these, because they must still match. */
function cut(text: string): string {
  return withoutSecrets(text).slice(0, MAX_ID)
}

function shownText(value: unknown, redactor: Redactor): string {
  return typeof value === 'string' ? redactor.text(value) : ''
}

function strings(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string').slice(0, 50)
}

function isOneOf<const Value extends string>(value: unknown, values: readonly Value[]): value is Value {
  return (values as readonly unknown[]).includes(value)
}
