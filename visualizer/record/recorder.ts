import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate'

import { soon } from '../../src/shared/soon.ts'
import type { ActorMessage, StatsMessage } from '../protocol.ts'
import { stateOf } from '../shared/family.ts'
import { InspectedActor } from './actor.ts'
import { figuresOf } from './figures.ts'
import { actorMessage, base, changed, keepEvent, movesBy, type Recorded, sent, stepped } from './recorded.ts'
import { Redactor, type Hide } from './redact.ts'
import { sessionIdOf } from './session-id.ts'

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
    this.#onRecorded({ sessionId, kind, main, type: message.type, moves: false, read: () => message })
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
        // The snapshot that follows belongs to it, even if the state stays the same.
        actor.moved ||= movesBy(event._transitions)
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
    this.#onRecorded({ sessionId, kind, main, type: '@xstate.actor', stopped: false, moves: true, read })
    return actor
  }

  #changed(actor: InspectedActor, snapshot: unknown, event: AnyEventObject): void {
    this.#unsettled.delete(actor)
    const before = stateOf(actor.last)
    const kept = actor.keep(snapshot, this.redactor, event.type === 'xstate.stop')
    const moves = actor.moved || kept.status !== 'active' || stateOf(kept) !== before
    actor.moved = false
    if (kept.status !== 'active') {
      actor.timers.stopped()
      this.#actors.delete(actor.sessionId)
      if (actor.ref) this.#ended.add(actor.ref)
    }
    const accepts = actor.accepts(snapshot)
    this.#onRecorded(changed(actor, kept, keepEvent(event, this.redactor), accepts, moves, this.redactor))
  }

  /** Looks for a snapshot that XState does not report: that of an actor which throws. */
  #expectSnapshot(actor: InspectedActor): void {
    if (this.#unsettled.size === 0) soon(() => this.#settle())
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
