import type { AnyActorRef, AnyEventObject, AnyTransitionDefinition, InspectionEvent } from 'xstate'

import { InspectedActor } from './actor.ts'
import { implementationName, text } from './definition.ts'
import type {
  ActorMessage,
  HistoryMessage,
  ShownEvent,
  SnapshotMessage,
  StatsMessage,
  TakenTransition,
} from './protocol.ts'
import { Redactor, type Hide } from './redact.ts'
import { sessionIdOf } from './session-id.ts'
import { figuresOf } from './stats.ts'
import { showTimers, type Timers } from './timers.ts'

/** The protocol wants a version in every message: `@statelyai/inspect` has its own there. */
export const INSPECTOR_VERSION = 'xstate-mqtt/1'

/** Something that happened, not yet put into words: most of it nobody ever looks at. */
export interface Recorded {
  readonly sessionId: string
  readonly type: HistoryMessage['type']
  /** What it is one of: `x:0/transport`. One connection has many transports, one after the other. */
  readonly kind: string
  /** Whether it is one that people look at first: a root, or a connection. */
  readonly main: boolean
  /** Whether the actor has stopped, if this tells. */
  readonly stopped?: boolean
  /** Puts it into words. May be called once only: secrets that are learned in between change the result. */
  read(): HistoryMessage
}

export interface RecorderOptions {
  readonly allowCommands: boolean
  readonly hide?: Hide | undefined
  readonly onRecorded: (recorded: Recorded) => void
}

const MAX_ACTORS = 5_000

/** How an actor begins. What it is by the time that somebody looks follows. */
const newborn = { last: { status: 'active' }, timers: { list: [] } } as const

/** Takes what XState tells an inspector and keeps as little of it as it takes to show it later. It never throws. */
export class Recorder {
  readonly redactor: Redactor
  readonly #allowCommands: boolean
  readonly #onRecorded: (recorded: Recorded) => void
  readonly #actors = new Map<string, InspectedActor>()
  /** Actors that are over: what is told of them afterwards is nothing new. */
  readonly #ended = new WeakSet<AnyActorRef>()
  /** Actors that got an event, and have no snapshot since. */
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
      // An actor must not notice that somebody looks at it.
    }
  }

  actor(sessionId: string): InspectedActor | undefined {
    return this.#actors.get(sessionId)
  }

  get actors(): Iterable<InspectedActor> {
    return this.#actors.values()
  }

  /** Every actor that lives, as it is now. */
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

  /** Also for one that was there before anybody looked, and told of late. */
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

  /** An actor that throws gets another snapshot, and XState tells nobody. */
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

// What follows is made outside of the class, so that nothing is kept alive but what is passed in.

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

/** An event without fields is kept as its type; one with fields is shown at once, for they may be secrets, or big. */
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
