import type { ActorMessage, HistoryMessage, PastMessage, SnapshotMessage, StatsMessage } from '../protocol.ts'
import { downsample } from '../shared/downsample.ts'
import { FairQueue } from './fair-queue.ts'
import { Past } from './past.ts'
import { INSPECTOR_VERSION, type Recorded } from './recorded.ts'

const MAX_ACTORS = 2_000
/** How many samples of figures are kept for one actor. */
const MAX_SAMPLES = 600
/** The minimum share of the history for actors that are not main actors. */
const OTHERS = 1 / 4

/** A message of the history. It is serialized once, when it is needed for the first time. */
export class Entry {
  readonly id: number
  readonly type: HistoryMessage['type']
  readonly actor: KnownActor
  readonly at = Date.now()
  /** As `Recorded.moves` and `stopped`. */
  readonly moves: boolean
  readonly stopped: boolean | undefined
  readonly #feedId: string
  #recorded: Recorded | undefined
  #text: string | undefined

  constructor(id: number, feedId: string, actor: KnownActor, recorded: Recorded) {
    this.id = id
    this.type = recorded.type
    this.moves = recorded.moves
    this.stopped = recorded.stopped
    this.actor = actor
    this.#feedId = feedId
    this.#recorded = recorded
  }

  /** The message as JSON. */
  get text(): string {
    if (this.#text === undefined) {
      this.#text = JSON.stringify(this.#recorded && qualified(this.#recorded.read(), this.#feedId, this.id))
      this.#recorded = undefined
    }
    return this.#text
  }
}

/** An actor that is alive or occurs in the history. */
export interface KnownActor {
  readonly key: string
  readonly feedId: string
  readonly sessionId: string
  /** Actors of the same kind share their part of the history. */
  readonly kind: string
  readonly main: boolean
  birth: Entry | undefined
  snapshot: Entry | undefined
  stats: Entry | undefined
  /** Samples of figures, oldest first. */
  samples: Entry[]
  /** The states of a main actor. They take little space, so they reach further back than its messages. */
  readonly past: Past
  stopped: boolean
  /** How many entries it has in the history. */
  entries: number
}

/**
 * The last messages, for viewers that connect later. In the morning, the history must still contain what the connections
 * did at night, however many events other actors had:
 * - Main actors (roots and connections) have one part of it. All other actors have another, which is at least a quarter.
 * - Within a part, each kind of actor (all transports of one connection, for example) has the same share, so an actor with
 *   many events first pushes out its own past.
 * - Figures, which are sampled once a second, are kept apart from the messages, and older ones are thinned out.
 */
export class History {
  readonly #limit: number
  readonly #onAdded: (entry: Entry) => void
  readonly #onForgotten: (sessionIds: readonly string[]) => void
  readonly #actors = new Map<string, KnownActor>()
  readonly #main = new FairQueue<Entry>()
  readonly #others = new FairQueue<Entry>()
  /** Actors that have figures. */
  readonly #watched = new Set<KnownActor>()
  /** The last actor that was looked up. Messages of the same actor often follow each other. */
  #latest: KnownActor | undefined
  #lastId = 0
  #forgotten = 0

  constructor(
    limit: number,
    onAdded: (entry: Entry) => void,
    onForgotten: (sessionIds: readonly string[]) => void = () => {},
  ) {
    this.#limit = limit
    this.#onAdded = onAdded
    this.#onForgotten = onForgotten
  }

  /** How many messages were forgotten. */
  get forgotten(): number {
    return this.#forgotten
  }

  add(feedId: string, recorded: Recorded): void {
    const actor = this.#actor(feedId, recorded)
    const entry = new Entry(++this.#lastId, feedId, actor, recorded)
    if (entry.type === '@xstate.actor') {
      actor.birth = entry
      // A repeated message belongs to a feed's replay, and contains the newest snapshot.
      actor.snapshot = undefined
    }
    if (entry.type === '@xstate.snapshot') actor.snapshot = entry
    if (recorded.stopped !== undefined) actor.stopped = recorded.stopped
    if (recorded.stay) actor.past.enter(recorded.stay)
    if (entry.type === '@xstate-mqtt.stats') this.#sample(entry, actor)
    else this.#keep(entry, actor)
    this.#onAdded(entry)
  }

  /** Called when a feed has reconnected. All actors of the feed that are not listed have stopped. */
  retain(feedId: string, sessionIds: ReadonlySet<string>): void {
    for (const actor of this.#actors.values()) {
      if (actor.feedId !== feedId || actor.stopped || sessionIds.has(actor.sessionId)) continue
      this.add(feedId, stoppedUnseen(actor))
    }
  }

  /** @returns the session ids of all actors of a feed, which it has forgotten */
  forgetFeed(feedId: string): string[] {
    const actors = [...this.#actors.values()].filter((actor) => actor.feedId === feedId)
    for (const actor of actors) this.#remove(actor)
    return actors.map(({ key }) => key)
  }

  /** All actors with their last snapshots, and the history, oldest first. */
  replay(): { readonly actors: readonly string[]; readonly entries: readonly Entry[] } {
    const actors = [...this.#actors.values()].flatMap((actor) => {
      const birth = actor.birth && (JSON.parse(actor.birth.text) as ActorMessage)
      if (!birth) return []
      const last = actor.snapshot && (JSON.parse(actor.snapshot.text) as SnapshotMessage)
      const now = last && {
        snapshot: last.snapshot,
        timers: last.timers,
        accepts: last.accepts,
        createdAt: last.createdAt,
      }
      const message = JSON.stringify({ ...birth, bornAt: birth.bornAt ?? birth.createdAt, ...now })
      return [message, ...pastOf(actor), ...(actor.stats ? [actor.stats.text] : [])]
    })
    const samples = [...this.#watched].flatMap((actor) => actor.samples)
    const entries = [...this.#main.all, ...this.#others.all, ...samples].toSorted((a, b) => a.id - b.id)
    return { actors, entries }
  }

  #actor(feedId: string, recorded: Recorded): KnownActor {
    if (this.#latest?.sessionId !== recorded.sessionId || this.#latest.feedId !== feedId) {
      this.#latest = this.#find(feedId, recorded)
    }
    return this.#latest
  }

  #find(feedId: string, { sessionId, kind, main }: Recorded): KnownActor {
    const key = `${feedId}/${sessionId}`
    const known = this.#actors.get(key)
    if (known) return known
    const nothing = { birth: undefined, snapshot: undefined, stats: undefined }
    const actor: KnownActor = {
      key,
      feedId,
      sessionId,
      kind: `${feedId}/${kind}`,
      main,
      ...nothing,
      samples: [],
      past: new Past(),
      stopped: false,
      entries: 0,
    }
    this.#actors.set(key, actor)
    if (this.#actors.size > MAX_ACTORS) this.#forgetActor()
    return actor
  }

  #keep(entry: Entry, actor: KnownActor): void {
    this.#partOf(actor).push(actor.kind, entry)
    actor.entries += 1
    if (this.#main.size + this.#others.size > this.#limit) this.#forgetEntry(actor.kind)
  }

  #partOf({ main }: KnownActor): FairQueue<Entry> {
    return main ? this.#main : this.#others
  }

  #forgetEntry(latest: string): void {
    const part = this.#others.size > this.#limit * OTHERS ? this.#others : this.#main
    const entry = part.shift(latest)
    if (!entry) return
    this.#forgotten += 1
    entry.actor.entries -= 1
    if (entry.actor.stopped && entry.actor.entries === 0) this.#forget(entry.actor)
  }

  #sample(entry: Entry, actor: KnownActor): void {
    actor.stats = entry
    actor.samples.push(entry)
    this.#watched.add(actor)
    const most = Math.min(MAX_SAMPLES, Math.ceil(this.#limit / this.#watched.size))
    if (actor.samples.length > most) actor.samples = downsample(actor.samples, ({ at }) => at, most)
  }

  /** Forgets the oldest actor that has stopped. If none has stopped, the oldest that is no main actor, or else of all. */
  #forgetActor(): void {
    let oldest: KnownActor | undefined
    for (const actor of this.#actors.values()) {
      if (actor.stopped) return this.#forget(actor)
      if (!oldest || (oldest.main && !actor.main)) oldest = actor
    }
    if (oldest) this.#forget(oldest)
  }

  #forget(actor: KnownActor): void {
    this.#remove(actor)
    this.#onForgotten([actor.key])
  }

  #remove(actor: KnownActor): void {
    this.#actors.delete(actor.key)
    if (this.#latest === actor) this.#latest = undefined
    this.#watched.delete(actor)
    this.#partOf(actor).remove(actor.kind, (entry) => entry.actor === actor)
    this.#forgotten += actor.entries
  }
}

function pastOf({ key, past }: KnownActor): string[] {
  if (past.stays.length === 0) return []
  const stays = past.stays.map(({ at, state, family }) => [at, state, family] as const)
  const message: PastMessage = { type: '@xstate-mqtt.past', createdAt: String(Date.now()), sessionId: key, stays }
  return [JSON.stringify(message)]
}

/** The message that an actor has stopped while its feed was offline. */
function stoppedUnseen({ sessionId, kind, main, feedId, snapshot, birth, past }: KnownActor): Recorded {
  const createdAt = String(Date.now())
  const read = (): SnapshotMessage => {
    const { rootId } = birth ? (JSON.parse(birth.text) as ActorMessage) : {}
    const last = snapshot ?? birth
    const { value, context } = last ? (JSON.parse(last.text) as ActorMessage | SnapshotMessage).snapshot : {}
    return {
      type: '@xstate.snapshot',
      sessionId,
      rootId: rootId?.slice(feedId.length + 1),
      createdAt,
      id: null,
      _version: INSPECTOR_VERSION,
      snapshot: { status: 'stopped', ...(value !== undefined && { value }), ...(context !== undefined && { context }) },
      event: { type: 'xstate.stop' },
      timers: [],
    }
  }
  const stay = main && {
    stay: { at: Number(createdAt), state: past.stays.at(-1)?.state ?? 'stopped', family: 'resting' as const },
  }
  const facts = { kind: kind.slice(feedId.length + 1), main, moves: true, stopped: true, ...stay }
  return { sessionId, type: '@xstate.snapshot', ...facts, read }
}

type Qualified = HistoryMessage | (ActorMessage & { readonly feedId: string })

/** Makes the session ids unique: within each process they begin with `x:0`. */
function qualified(message: HistoryMessage, feedId: string, id: number): Qualified {
  const at = <Id extends string | undefined>(sessionId: Id) =>
    sessionId === undefined ? sessionId : `${feedId}/${sessionId}`
  const base = { id: String(id), sessionId: `${feedId}/${message.sessionId}`, rootId: at(message.rootId) }
  switch (message.type) {
    case '@xstate.actor':
      return {
        ...message,
        ...base,
        parentId: at(message.parentId),
        feedId,
        snapshot: children(message.snapshot, feedId),
      }
    case '@xstate.event':
      return { ...message, ...base, sourceId: at(message.sourceId) }
    case '@xstate.snapshot':
      return { ...message, ...base, snapshot: children(message.snapshot, feedId) }
    case '@xstate-mqtt.transition':
    case '@xstate-mqtt.stats':
      return { ...message, ...base } satisfies HistoryMessage | StatsMessage
  }
}

function children(snapshot: ActorMessage['snapshot'], feedId: string): ActorMessage['snapshot'] {
  if (!snapshot.children) return snapshot
  const shown = Object.entries(snapshot.children).map(([id, child]) => [
    id,
    child.sessionId === undefined ? child : { ...child, sessionId: `${feedId}/${child.sessionId}` },
  ])
  return { ...snapshot, children: Object.fromEntries(shown) as NonNullable<ActorMessage['snapshot']['children']> }
}
