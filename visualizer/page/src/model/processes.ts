import type { Store } from './store.ts'
import type { Actor } from './types.ts'

/** Since when an actor's process does not report it any more. What stopped before that has nothing to report. */
export function silentSince({ feeds }: Store, { feedId, stopped }: Actor): number | null {
  return stopped ? null : (feeds.get(feedId)?.offlineSince ?? null)
}

/** How actors are told apart. */
export interface Names {
  /** Of the process; empty if there is only one. */
  process(actor: Actor): string
  /** Of the actor, and which one it is if its system is called like another. */
  actor(actor: Actor): string
  /** Both, if one of them says something; else nothing. */
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
 * The chosen one; else the first connection, else whatever there is, of the processes that report.
 *
 * @param before - what was looked at: when its process goes silent, another one is not to take its place unnoticed
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

/** Whether its process was started anew: it is another one then, of the same name. */
function cameBack({ feeds, actors }: Store, { feedId, name }: Actor): boolean {
  const process = feeds.get(feedId)?.name
  return [...actors.values()].some((actor) => {
    const feed = feeds.get(actor.feedId)
    return actor.name === name && feed?.name === process && feed?.offlineSince === null
  })
}
