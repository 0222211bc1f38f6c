import type { Store } from './store.ts'
import type { Actor } from './types.ts'

/**
 * When an actor's process stopped reporting, or the visualizer itself; `null` while they report, and for an actor that has
 * stopped.
 */
export function silentSince({ feeds, link, skew }: Store, { feedId, stopped }: Actor): number | null {
  if (stopped) return null
  const offlineSince = feeds.get(feedId)?.offlineSince ?? null
  return offlineSince ?? (link.status === 'lost' || link.status === 'refused' ? link.since + skew : null)
}

/** When another process took the place of an actor's process; `null` if none did. */
export function supersededAt({ feeds }: Store, { feedId }: Actor): number | null {
  return feeds.get(feedId)?.supersededAt ?? null
}

/** Names that distinguish the actors. */
export interface Names {
  /** The name of the actor's process; empty if there is only one process. */
  process(actor: Actor): string
  /** The name of the actor, with a number if another system of its process has the same name. */
  actor(actor: Actor): string
  /** Both names, as far as they distinguish the actor from others; otherwise empty. */
  whose(actor: Actor): string
}

export function namesOf(store: Store): Names {
  const processes = new Map<string, string>()
  const namesakes = new Map<string, number>()
  /** Each root's number among those with the same name, in the order in which they were created. */
  const numbers = new Map<string, number>()
  for (const { sessionId, feedId, parentId, name } of store.actors.values()) {
    if (!processes.has(feedId)) processes.set(feedId, processName(store, feedId))
    if (parentId !== undefined) continue
    const count = (namesakes.get(`${feedId}/${name}`) ?? 0) + 1
    namesakes.set(`${feedId}/${name}`, count)
    numbers.set(sessionId, count)
  }
  const process = ({ feedId }: Actor) => (processes.size > 1 ? (processes.get(feedId) ?? '') : '')
  const repeats = ({ feedId, rootId }: Actor) =>
    (namesakes.get(`${feedId}/${store.actors.get(rootId)?.name ?? ''}`) ?? 0) > 1
  const actorName = (actor: Actor) =>
    repeats(actor) ? `${actor.name} ${numbers.get(actor.rootId) ?? ''}`.trim() : actor.name
  return {
    process,
    actor: actorName,
    whose(actor) {
      if (process(actor) === '') return repeats(actor) ? actorName(actor) : ''
      return `${process(actor)} · ${actorName(actor)}`
    },
  }
}

function processName({ feeds }: Store, feedId: string): string {
  const { name = 'a process', pid, supersededAt: isOver = null } = feeds.get(feedId) ?? {}
  if (isOver !== null) return `${name} before its restart`
  const namesakes = [...feeds.values()].filter((feed) => feed.name === name && feed.supersededAt === null)
  return namesakes.length > 1 && pid !== undefined ? `${name} ${pid}` : name
}

/**
 * The chosen actor. Without a choice, it is the first connection of a process that reports, or else any other actor.
 *
 * @param before - the actor that was shown before. If its process stops reporting, no other actor takes its place,
 *   because the reader might not notice.
 */
export function chosenActor(store: Store, id: string | null, before: string | null): Actor | null {
  const chosen = id === null ? undefined : store.actors.get(id)
  if (chosen) return chosen
  const last = before === null ? undefined : store.actors.get(before)
  if (last && silentSince(store, last) !== null && !cameBack(store, last)) return last
  const actors = [...store.actors.values()]
  const reporting = actors.filter((actor) => !actor.stopped && silentSince(store, actor) === null)
  return first(reporting) ?? first(actors.filter(({ stopped }) => !stopped)) ?? actors[0] ?? null
}

/** The connection that an actor belongs to, or else the root of its system. */
export function rootOf(store: Store, actor: Actor): Actor {
  let root = actor
  for (let depth = 0; depth < 50 && !root.connection && root.parentId !== undefined; depth++) {
    root = store.actors.get(root.parentId) ?? root
  }
  return root
}

function first(actors: readonly Actor[]): Actor | undefined {
  return actors.find(({ connection }) => connection) ?? actors.find(({ chart, parentId }) => chart && !parentId)
}

/** Whether its process was restarted: then there is an actor with the same name in a new process with the same name. */
function cameBack({ feeds, actors }: Store, { feedId, name }: Actor): boolean {
  const process = feeds.get(feedId)?.name
  return [...actors.values()].some((actor) => {
    const feed = feeds.get(actor.feedId)
    return actor.name === name && feed?.name === process && feed?.offlineSince === null
  })
}
