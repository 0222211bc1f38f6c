import type { Store } from './store.ts'
import type { Actor } from './types.ts'

/** When an actor's process stopped reporting; `null` while it reports, and for an actor that has stopped. */
export function silentSince({ feeds }: Store, { feedId, stopped }: Actor): number | null {
  return stopped ? null : (feeds.get(feedId)?.offlineSince ?? null)
}

/** Names that distinguish the actors. */
export interface Names {
  /** The name of the actor's process; empty if there is only one process. */
  process(actor: Actor): string
  /** The name of the actor, with its session id if another system has the same name. */
  actor(actor: Actor): string
  /** Both names, as far as they distinguish the actor from others; otherwise empty. */
  whose(actor: Actor): string
}

export function namesOf(store: Store): Names {
  const processes = new Set<string>()
  const roots = new Map<string, number>()
  for (const { feedId, parentId, name } of store.actors.values()) {
    processes.add(feedId)
    if (parentId === undefined) roots.set(`${feedId}/${name}`, (roots.get(`${feedId}/${name}`) ?? 0) + 1)
  }
  const process = ({ feedId }: Actor) => (processes.size > 1 ? processName(store, feedId) : '')
  const repeats = ({ feedId, rootId }: Actor) =>
    (roots.get(`${feedId}/${store.actors.get(rootId)?.name ?? ''}`) ?? 0) > 1
  const actorName = (actor: Actor) =>
    repeats(actor) ? `${actor.name} ${actor.rootId.slice(actor.feedId.length + 1)}` : actor.name
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
  const { name = 'a process', pid } = feeds.get(feedId) ?? {}
  const namesakes = [...feeds.values()].filter((feed) => feed.name === name)
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
