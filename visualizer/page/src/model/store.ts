import { ourCommands } from '../../../chart/library-machines.ts'
import { parseChart, type Chart } from '../../../chart/model.ts'
import type {
  ActorMessage,
  CommandResultMessage,
  EventMessage,
  PastMessage,
  ServerMessage,
  ShownSnapshot,
  SnapshotMessage,
  StatsMessage,
  TakenTransition,
  Timer,
  TransitionMessage,
  WelcomeMessage,
} from '../../../protocol.ts'
import { downsample } from '../../../shared/downsample.ts'
import { familyOf, stateOf } from '../../../shared/family.ts'
import { isObject } from '../../../shared/json.ts'
import { enter } from './bands.ts'
import { Playback } from './playback.ts'
import { failureOf, isConnection, isOurs, rowsOf } from './steps.ts'
import { chattiest } from './trim.ts'
import type { Actor, Entry, FeedInfo, Link } from './types.ts'

/** How many entries are kept, with their snapshots: a tab may stay open for days. */
const MAX_ENTRIES = 12_000
const TRIM = 2_000
const MAX_SAMPLES = 20_000
/** How many events are remembered for one actor that have no snapshot yet. */
const MAX_WAITING = 200

/** The data of the page. It is changed in place, and `version` counts the changes. */
export class Store {
  version = 0
  link: Link = { status: 'connecting' }
  welcome: WelcomeMessage | null = null
  /** The server's clock minus the browser's, in milliseconds. */
  skew = 0
  forgotten = 0
  /** How many messages the server did not send to this page, because there were too many. */
  dropped = 0
  /** How many of them changed the state of an actor. */
  droppedTransitions = 0
  result: CommandResultMessage | null = null
  /** Set as soon as the page has all of a recording; `null` if it shows what happens now. */
  playback: Playback | null = null
  readonly actors = new Map<string, Actor>()
  readonly feeds = new Map<string, FeedInfo>()
  /** Oldest first. */
  entries: Entry[] = []
  /** Counts up when entries are removed. What was derived from them is then out of date. */
  generation = 0
  readonly #listeners = new Set<() => void>()
  /** Processes that the server has not introduced again since the page has connected again. */
  #missing = new Set<string>()
  readonly #charts = new Map<string, Chart | null>()
  readonly #waiting = new Map<string, EventMessage[]>()
  readonly #taken = new Map<string, TakenTransition[]>()
  #seq = 0
  #lastId = 0

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changed(): void {
    this.version++
    for (const listener of this.#listeners) listener()
  }

  setLink(link: Link): void {
    this.link = link
    this.changed()
  }

  /** The current time by the server's clock; of a recording, the moment that is shown. */
  now(): number {
    return this.playback?.time ?? Date.now() + this.skew
  }

  apply(message: ServerMessage): void {
    switch (message.type) {
      case '@xstate-mqtt.welcome':
        return this.#welcomed(message)
      case '@xstate-mqtt.live':
        this.forgotten = message.forgotten
        this.link = { status: 'live' }
        this.#forgetMissing()
        // For actors without recent events, the replay contains only their current state.
        for (const actor of this.actors.values()) {
          if (actor.bands.length === 0) this.#band(actor, actor.since, 0)
        }
        if (this.welcome?.recording) {
          this.playback = new Playback(this, this.welcome.recording, () => this.changed())
        }
        return
      case '@xstate-mqtt.feed': {
        const { feedId, name, pid, dropped, droppedTransitions, offlineSince = null, supersededAt = null } = message
        this.feeds.set(feedId, { feedId, name, pid, offlineSince, supersededAt, dropped, droppedTransitions })
        this.#missing.delete(feedId)
        return
      }
      case '@xstate-mqtt.forgotten':
        for (const id of message.sessionIds) this.#forget(id)
        if (message.feedId !== undefined) this.feeds.delete(message.feedId)
        return
      case '@xstate-mqtt.dropped':
        this.dropped = message.dropped
        this.droppedTransitions = message.droppedTransitions
        return
      case '@xstate-mqtt.past': {
        const actor = this.actors.get(message.sessionId)
        if (actor) this.#past(actor, message.stays)
        return
      }
      case '@xstate-mqtt.alive':
        return
      case '@xstate-mqtt.command-result':
        this.result = message
        return
      case '@xstate.actor':
        return this.#actor(message)
      case '@xstate-mqtt.stats':
        return this.#stats(message)
      case '@xstate.event':
      case '@xstate.snapshot':
      case '@xstate-mqtt.transition':
        return this.#history(message)
    }
  }

  #welcomed(message: WelcomeMessage): void {
    if (this.welcome && this.welcome.serverId !== message.serverId) this.#clear()
    this.welcome = message
    this.#missing = new Set(this.feeds.keys())
    this.skew = Number(message.createdAt) - Date.now()
    // A small difference is only the time that the message took.
    if (Math.abs(this.skew) < 500) this.skew = 0
    this.link = { status: 'replaying' }
    this.#waiting.clear()
    this.#taken.clear()
  }

  #clear(): void {
    this.actors.clear()
    this.feeds.clear()
    this.entries = []
    this.playback = null
    this.generation++
    this.#lastId = 0
  }

  #actor(message: ActorMessage): void {
    const { sessionId } = message
    const id = Number(message.id) || 0
    const known = this.actors.get(sessionId)
    const definition = message.definition ?? this.actors.get(message.definedLike ?? '')?.definition
    const chart = this.#chart(definition)
    const actor: Actor = known ?? {
      sessionId,
      name: message.name,
      parentId: message.parentId,
      rootId: message.rootId ?? sessionId,
      feedId: message.feedId ?? '',
      kind: message.kind ?? (chart ? 'machine' : 'unknown'),
      definition,
      chart,
      connection: isConnection(chart),
      bornAt: Number(message.bornAt ?? message.createdAt),
      snapshot: message.snapshot,
      timers: undefined,
      accepts: undefined,
      commands: [],
      lastId: 0,
      stopped: message.snapshot.status === 'stopped',
      since: Number(message.createdAt),
      entries: [],
      bands: [],
      samples: [],
      counts: new Map(),
      stats: null,
      statsAt: 0,
    }
    actor.commands = message.commands ?? []
    if (!known) this.actors.set(sessionId, actor)
    if (id < actor.lastId) return
    // The replay begins with the last snapshots. The history that led to them follows.
    actor.snapshot = message.snapshot
    actor.timers = ending(message.timers)
    actor.stopped = message.snapshot.status !== 'active'
    const { accepts } = message as ActorMessage & Pick<SnapshotMessage, 'accepts'>
    if (accepts) actor.accepts = accepts
    if (this.link.status !== 'live') return
    actor.lastId = id
    this.#band(actor, Number(message.createdAt), 0)
  }

  #chart(definition: string | undefined): Chart | null {
    if (definition === undefined) return null
    let chart = this.#charts.get(definition)
    if (chart === undefined) {
      chart = parseChart(definition)
      if (chart && isOurs(chart)) chart = parseChart(definition, ourCommands)
      this.#charts.set(definition, chart)
    }
    return chart
  }

  #history(message: EventMessage | SnapshotMessage | TransitionMessage): void {
    const id = Number(message.id) || 0
    // After a reconnect, the replay repeats messages that the page already has.
    if (id !== 0 && id <= this.#lastId) return
    this.#lastId = Math.max(this.#lastId, id)
    const { sessionId } = message
    if (message.type === '@xstate.event') {
      const waiting = this.#waiting.get(sessionId) ?? []
      waiting.push(message)
      if (waiting.length > MAX_WAITING) waiting.shift()
      this.#waiting.set(sessionId, waiting)
    } else if (message.type === '@xstate-mqtt.transition') {
      this.#taken.set(sessionId, [...(this.#taken.get(sessionId) ?? []), ...message.transitions])
    } else {
      const actor = this.actors.get(sessionId)
      if (actor) this.#step(actor, message, id)
    }
  }

  #step(actor: Actor, message: SnapshotMessage, id: number): void {
    const { sessionId, event } = message
    const snapshot = message.partial ? completed(message.snapshot, actor.snapshot) : message.snapshot
    const timers = ending(message.timers)
    const waiting = this.#waiting.get(sessionId)
    const place = waiting?.findIndex((candidate) => candidate.event.type === event.type) ?? -1
    const sent = place < 0 ? undefined : waiting?.splice(0, place + 1).at(-1)
    const before = actor.entries.at(-1)?.snapshot
    const time = Number(message.createdAt)
    const from = before ? stateOf(before) : ''
    const to = stateOf(snapshot)
    const transitions = this.#taken.get(sessionId) ?? []
    this.#taken.delete(sessionId)
    const rows = rowsOf(actor.chart, transitions, event.type, before?.value, snapshot.value)
    const entry: Entry = {
      seq: ++this.#seq,
      time,
      actor,
      event: sent?.event ?? event,
      sourceId: sent?.sourceId,
      transitions,
      from,
      to,
      // Actors that are not machines have no states, only a status.
      changed: actor.chart !== null && from !== to,
      guards: transitions.flatMap(({ guard }) => (guard === undefined ? [] : [guard])),
      failure: failureOf(event, snapshot, before),
      family: familyOf(snapshot),
      rows,
      snapshot,
      timers,
      search: undefined,
    }
    for (const row of rows) actor.counts.set(row, (actor.counts.get(row) ?? 0) + 1)
    actor.entries.push(entry)
    this.entries.push(entry)
    actor.snapshot = snapshot
    actor.timers = timers
    actor.stopped = snapshot.status !== 'active'
    actor.lastId = Math.max(id, actor.lastId)
    if (message.accepts) actor.accepts = message.accepts
    this.#band(actor, time, entry.seq)
    if (!this.welcome?.recording) this.#trim()
  }

  /** The states that an actor had before the messages that follow. */
  #past(actor: Actor, stays: PastMessage['stays']): void {
    const known = actor.bands.at(-1)?.start ?? Number.NEGATIVE_INFINITY
    for (const [start, state, family] of stays) if (start > known) enter(actor, { start, state, family, seq: 0 })
  }

  #band(actor: Actor, start: number, seq: number): void {
    const { snapshot } = actor
    const most = this.welcome?.recording ? Number.POSITIVE_INFINITY : undefined
    enter(actor, { start, state: stateOf(snapshot), family: familyOf(snapshot), seq }, most)
  }

  #stats({ sessionId, createdAt, stats }: StatsMessage): void {
    const actor = this.actors.get(sessionId)
    if (!actor) return
    const time = Number(createdAt)
    const { samples } = actor
    // The replay begins with the last figures. Earlier ones follow.
    if (time >= actor.statsAt) {
      actor.stats = { ...actor.stats, ...stats }
      actor.statsAt = time
    }
    const { published, received } = stats
    if (published === undefined && received === undefined) return
    const place = samples.findLastIndex((sample) => sample.time <= time)
    if (samples[place]?.time === time) return
    samples.splice(place + 1, 0, { time, total: (published ?? 0) + (received ?? 0) })
    if (samples.length > MAX_SAMPLES) actor.samples = downsample(samples, (sample) => sample.time, MAX_SAMPLES)
  }

  #trim(): void {
    if (this.entries.length <= MAX_ENTRIES) return
    const trimmed = chattiest(this.entries, TRIM)
    this.entries = this.entries.filter((entry) => !trimmed.has(entry))
    this.generation++
    for (const actor of new Set([...trimmed].map((entry) => entry.actor))) {
      actor.entries = actor.entries.filter((entry) => !trimmed.has(entry))
    }
  }

  /** Forgets the processes that the server forgot while the page was away. */
  #forgetMissing(): void {
    for (const { sessionId, feedId } of this.actors.values()) if (this.#missing.has(feedId)) this.#forget(sessionId)
    for (const feedId of this.#missing) this.feeds.delete(feedId)
    this.#missing.clear()
  }

  #forget(sessionId: string): void {
    this.actors.delete(sessionId)
    this.#waiting.delete(sessionId)
    this.#taken.delete(sessionId)
  }
}

/** Adds the fields of the context that have not changed. */
function completed(snapshot: ShownSnapshot, before: ShownSnapshot): ShownSnapshot {
  const { context } = snapshot
  return isObject(context) && isObject(before.context)
    ? { ...snapshot, context: { ...before.context, ...context } }
    : snapshot
}

/** The longest possible delay, 24 days. A machine uses it for a delay that never ends. */
const NEVER = 2 ** 31 - 1

function ending(timers: readonly Timer[] | undefined): readonly Timer[] | undefined {
  return timers?.filter(({ delay }) => delay < NEVER)
}
