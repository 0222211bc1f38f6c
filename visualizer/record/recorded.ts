import type { AnyActorRef, AnyEventObject, AnyTransitionDefinition } from 'xstate'

import type { Timers } from '../../src/shared/pending-timers.ts'
import type { ActorMessage, Family, HistoryMessage, ShownEvent, SnapshotMessage, TakenTransition } from '../protocol.ts'
import { familyOf, stateOf } from '../shared/family.ts'
import type { InspectedActor } from './actor.ts'
import { implementationName, text } from './definition.ts'
import type { Redactor } from './redact.ts'
import { sessionIdOf } from './session-id.ts'
import { showTimers } from './shown-timers.ts'

/** The version in every message. The protocol requires one; `@statelyai/inspect` sends its own. */
export const INSPECTOR_VERSION = 'xstate-mqtt/1'

/** Something that happened. It is serialized only when it is needed, because most of it is never shown. */
export interface Recorded {
  readonly sessionId: string
  readonly type: HistoryMessage['type']
  /** The kind of the actor, such as `x:0/transport`: one connection has many transports, one after another. */
  readonly kind: string
  /** Whether the actor is a root or a connection, of which more is kept. */
  readonly main: boolean
  /** Whether the actor has stopped; `undefined` if the message does not say. */
  readonly stopped?: boolean
  /** Whether the actor begins, ends or enters a state with it. Such messages are kept when others have to be dropped. */
  readonly moves: boolean
  /** The state that a main actor has from now on, if it is another one than before. */
  readonly stay?: Stay
  /** Makes the message. Call it only once, because secrets that are learned later would change the result. */
  read(): HistoryMessage
}

/** From `at` on, an actor is in a state. */
export interface Stay {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly state: string
  readonly family: Family
}

const MAX_STATE = 300

// The closures of these functions keep only their arguments in memory.

export function sent(actor: InspectedActor, event: KeptEvent, source: unknown, redactor: Redactor): Recorded {
  const { sessionId, rootId, group: kind, main } = actor
  const now = Date.now()
  const sourceId = source ? sessionIdOf(source as AnyActorRef) : undefined
  return {
    sessionId,
    kind,
    main,
    type: '@xstate.event',
    moves: false,
    read: () => ({
      type: '@xstate.event',
      ...base(sessionId, rootId, String(now)),
      event: showEvent(event, redactor),
      sourceId,
    }),
  }
}

export function stepped(
  actor: InspectedActor,
  eventType: string,
  taken: readonly AnyTransitionDefinition[],
  redactor: Redactor,
): Recorded {
  const { sessionId, rootId, group: kind, main } = actor
  const now = Date.now()
  return {
    sessionId,
    kind,
    main,
    type: '@xstate-mqtt.transition',
    moves: movesBy(taken),
    read: () => ({
      type: '@xstate-mqtt.transition',
      ...base(sessionId, rootId, String(now)),
      eventType: redactor.text(eventType),
      transitions: taken.map((transition) => takenTransition(transition, redactor)),
    }),
  }
}

export function changed(
  actor: InspectedActor,
  kept: InspectedActor['last'],
  event: KeptEvent,
  accepts: SnapshotMessage['accepts'],
  moves: boolean,
  redactor: Redactor,
): Recorded {
  const { sessionId, rootId, group: kind, main } = actor
  const now = Date.now()
  const timers = actor.timers.list
  return {
    sessionId,
    kind,
    main,
    type: '@xstate.snapshot',
    stopped: kept.status !== 'active',
    moves,
    ...(moves && main && { stay: { at: now, state: stateOf(kept).slice(0, MAX_STATE), family: familyOf(kept) } }),
    read: () => ({
      type: '@xstate.snapshot',
      ...base(sessionId, rootId, String(now)),
      snapshot: actor.show(kept, redactor),
      event: showEvent(event, redactor),
      timers: showTimers(timers, redactor),
      ...(accepts && { accepts }),
    }),
  }
}

export function actorMessage(
  actor: InspectedActor,
  createdAt: string,
  redactor: Redactor,
  state: Pick<InspectedActor, 'last'> & { readonly timers: Pick<Timers, 'list'> } = actor,
): ActorMessage {
  const { sessionId, rootId, name, parentId, kind, commands, bornAt } = actor
  return {
    type: '@xstate.actor',
    ...base(sessionId, rootId, createdAt),
    name: redactor.text(name),
    parentId,
    definition: actor.definition(redactor),
    snapshot: actor.show(state.last, redactor),
    kind,
    bornAt: String(bornAt),
    timers: showTimers(state.timers.list, redactor),
    ...(commands.length > 0 && { commands }),
  }
}

export function base(sessionId: string, rootId: string | undefined, createdAt: string) {
  return { sessionId, rootId, createdAt, id: null, _version: INSPECTOR_VERSION }
}

/** Of an event without fields, only the type is kept. Fields are redacted at once, because they may be secret or large. */
export type KeptEvent = string | ShownEvent

export function keepEvent(event: AnyEventObject, redactor: Redactor): KeptEvent {
  for (const key in event) {
    if (key !== 'type' && event[key] !== undefined) return redactor.eventOnce(event)
  }
  return event.type
}

function showEvent(event: KeptEvent, redactor: Redactor): ShownEvent {
  return typeof event === 'string' ? { type: redactor.text(event) } : event
}

/** Whether one of the transitions leads to a state, perhaps the same one. */
export function movesBy(taken: readonly AnyTransitionDefinition[]): boolean {
  return taken.some(({ target }) => target !== undefined && target.length > 0)
}

/** A transition as it is shown. */
export function takenTransition(taken: AnyTransitionDefinition, redactor: Redactor): TakenTransition {
  const { source, target, eventType, guard, reenter } = taken
  const candidates = candidatesOf(taken)
  return {
    source: text(source.id),
    targets: target?.map(({ id }) => text(id)) ?? [],
    eventType: redactor.text(eventType),
    ...(guard !== undefined && { guard: implementationName(guard) }),
    index: Math.max(0, candidates.indexOf(taken)),
    reenter,
  }
}

function candidatesOf({ source, eventType }: AnyTransitionDefinition): readonly AnyTransitionDefinition[] {
  if (eventType === '') return source.always ?? []
  return source.transitions.get(eventType) ?? []
}
