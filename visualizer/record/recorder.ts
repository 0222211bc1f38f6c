import type { AnyActorRef, AnyEventObject, AnyTransitionDefinition, InspectionEvent } from 'xstate'

import type { Timers } from '../../src/shared/pending-timers.ts'
import type {
  ActorMessage,
  HistoryMessage,
  ShownEvent,
  SnapshotMessage,
  StatsMessage,
  TakenTransition,
} from '../protocol.ts'
import { InspectedActor } from './actor.ts'
import { implementationName, text } from './definition.ts'
import { figuresOf } from './figures.ts'
import { Redactor, type Hide } from './redact.ts'
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
  /** Makes the message. Call it only once, because secrets that are learned later would change the result. */
  read(): HistoryMessage
}

export interface RecorderOptions {
  readonly allowCommands: boolean
  readonly hide?: Hide | undefined
  readonly onRecorded: (recorded: Recorded) => void
}

const MAX_ACTORS = 5_000

/** The snapshot of a new actor. Later snapshots follow. */
const newborn = { last: { status: 'active' }, timers: { list: [] } } as const

/** Records XState's inspection events, and keeps only as much as is needed to show them later. It never throws. */
export class Recorder {
  readonly redactor: Redactor
  readonly #allowCommands: boolean
  readonly #onRecorded: (recorded: Recorded) => void
  readonly #actors = new Map<string, InspectedActor>()
  /** Actors that have stopped. Later events about them are ignored. */
  readonly #ended = new WeakSet<AnyActorRef>()
  /** Actors that received an event and have had no snapshot since. */
  readonly #unsettled = new Set<InspectedActor>()

  constructor({ allowCommands, hide, onRecorded }: RecorderOptions) {
    this.redactor = new Redactor(hide)
    this.#allowCommands = allowCommands
    this.#onRecorded = onRecorded
  }

  /** For XState's option `inspect`. */
  readonly inspect = (event: InspectionEvent): void => {
    try {
      this.#inspect(event)
    } catch {
      // Inspection must not affect the actor.
    }
  }

  actor(sessionId: string): InspectedActor | undefined {
    return this.#actors.get(sessionId)
  }

  get actors(): Iterable<InspectedActor> {
    return this.#actors.values()
  }

  /** All live actors in their current state. */
  replay(): ActorMessage[] {
    const createdAt = String(Date.now())
    return [...this.#actors.values()].map((actor) => actorMessage(actor, createdAt, this.redactor))
  }

  stats(ref: AnyActorRef, stats: StatsMessage['stats'], at = Date.now()): void {
    const sessionId = sessionIdOf(ref)
    const { rootId, group: kind = sessionId, main = true } = this.#actors.get(sessionId) ?? {}
    const createdAt = String(at)
    const message = {
      type: '@xstate-mqtt.stats' as const,
      ...base(sessionId, rootId, createdAt),
      stats: figuresOf(stats),
    }
    this.#onRecorded({ sessionId, kind, main, type: message.type, read: () => message })
  }

  #inspect(event: InspectionEvent): void {
    const ref = event.actorRef as AnyActorRef
    const actor = this.#actors.get(sessionIdOf(ref)) ?? this.#born(ref, event.rootId)
    if (!actor) return
    switch (event.type) {
      case '@xstate.action':
        return actor.timers.acted(event.action.type, event.action.params, Date.now())
      case '@xstate.event':
        this.#expectSnapshot(actor)
        actor.timers.received(event.event.type)
        return this.#onRecorded(sent(actor, keepEvent(event.event, this.redactor), event.sourceRef, this.redactor))
      case '@xstate.microstep':
        if (event._transitions.length === 0) return
        return this.#onRecorded(stepped(actor, event.event.type, event._transitions, this.redactor))
      case '@xstate.snapshot':
        return this.#changed(actor, event.snapshot, event.event)
      default:
    }
  }

  /** Also registers an actor that existed before the inspection began. */
  #born(ref: AnyActorRef, rootId: string): InspectedActor | undefined {
    if (this.#actors.size >= MAX_ACTORS || this.#ended.has(ref)) return undefined
    const actor = new InspectedActor(ref, rootId, this.#allowCommands)
    this.#actors.set(actor.sessionId, actor)
    this.redactor.named(actor.name)
    const { redactor } = this
    const read = () => actorMessage(actor, String(actor.bornAt), redactor, newborn)
    const { group: kind, sessionId, main } = actor
    this.#onRecorded({ sessionId, kind, main, type: '@xstate.actor', stopped: false, read })
    return actor
  }

  #changed(actor: InspectedActor, snapshot: unknown, event: AnyEventObject): void {
    this.#unsettled.delete(actor)
    const kept = actor.keep(snapshot, this.redactor, event.type === 'xstate.stop')
    if (kept.status !== 'active') {
      actor.timers.stopped()
      this.#actors.delete(actor.sessionId)
      if (actor.ref) this.#ended.add(actor.ref)
    }
    const recorded = changed(actor, kept, keepEvent(event, this.redactor), actor.accepts(snapshot), this.redactor)
    this.#onRecorded(recorded)
  }

  /** Looks for a snapshot that XState does not report: that of an actor which throws. */
  #expectSnapshot(actor: InspectedActor): void {
    if (this.#unsettled.size === 0) queueMicrotask(() => this.#settle())
    this.#unsettled.add(actor)
  }

  #settle(): void {
    for (const actor of this.#unsettled) {
      const snapshot = actor.ref?.getSnapshot() as { readonly status?: string } | undefined
      if (snapshot?.status === 'error') this.#changed(actor, snapshot, { type: 'xstate.error' })
    }
    this.#unsettled.clear()
  }
}

// These functions are outside the class so that their closures keep only their arguments in memory.

function sent(actor: InspectedActor, event: KeptEvent, source: unknown, redactor: Redactor): Recorded {
  const { sessionId, rootId, group: kind, main } = actor
  const now = Date.now()
  const sourceId = source ? sessionIdOf(source as AnyActorRef) : undefined
  return {
    sessionId,
    kind,
    main,
    type: '@xstate.event',
    read: () => ({
      type: '@xstate.event',
      ...base(sessionId, rootId, String(now)),
      event: showEvent(event, redactor),
      sourceId,
    }),
  }
}

function stepped(
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
    read: () => ({
      type: '@xstate-mqtt.transition',
      ...base(sessionId, rootId, String(now)),
      eventType: redactor.text(eventType),
      transitions: taken.map((transition) => takenTransition(transition, redactor)),
    }),
  }
}

function changed(
  actor: InspectedActor,
  kept: InspectedActor['last'],
  event: KeptEvent,
  accepts: SnapshotMessage['accepts'],
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

function actorMessage(
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

function base(sessionId: string, rootId: string | undefined, createdAt: string) {
  return { sessionId, rootId, createdAt, id: null, _version: INSPECTOR_VERSION }
}

/** Of an event without fields, only the type is kept. Fields are redacted at once, because they may be secret or large. */
type KeptEvent = string | ShownEvent

function keepEvent(event: AnyEventObject, redactor: Redactor): KeptEvent {
  for (const key in event) {
    if (key !== 'type' && event[key] !== undefined) return redactor.eventOnce(event)
  }
  return event.type
}

function showEvent(event: KeptEvent, redactor: Redactor): ShownEvent {
  return typeof event === 'string' ? { type: redactor.text(event) } : event
}

function takenTransition(taken: AnyTransitionDefinition, redactor: Redactor): TakenTransition {
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
