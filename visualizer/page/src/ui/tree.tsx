import { familyOf, stateOf } from '../../../shared/family.ts'
import { entryAt } from '../model/entries.ts'
import { shown } from '../model/format.ts'
import { namesOf, silentSince } from '../model/processes.ts'
import type { Store } from '../model/store.ts'
import type { Actor, Entry, FeedInfo } from '../model/types.ts'

interface TreeProps {
  readonly store: Store
  readonly selected: Actor | null
  /** The only system to show; `null` for all. */
  readonly only: string | null
  readonly at: Entry | null
  readonly version: number
  readonly onSelect: (actor: Actor) => void
}

/** The tree of actors, by process. */
export function Tree({ store, selected, only, at, onSelect }: TreeProps) {
  const names = namesOf(store)
  const children = new Map<string, Actor[]>()
  const roots = new Map<string, Actor[]>()
  for (const actor of store.actors.values()) {
    if (only !== null && actor.rootId !== only) continue
    if (actor.stopped && actor.parentId !== undefined && actor !== selected) continue
    const parent = actor.parentId !== undefined && store.actors.has(actor.parentId) ? actor.parentId : null
    if (parent === null) roots.set(actor.feedId, [...(roots.get(actor.feedId) ?? []), actor])
    else children.set(parent, [...(children.get(parent) ?? []), actor])
  }
  const branch = (actors: readonly Actor[]) => (
    <ul>
      {actors.map((actor) => {
        const below = children.get(actor.sessionId) ?? []
        const snapshot = entryAt(actor, at)?.snapshot ?? actor.snapshot
        const family = at === null && silentSince(store, actor) !== null ? 'resting' : familyOf(snapshot)
        return (
          <li key={actor.sessionId}>
            <button
              type="button"
              class={`actor family-${family}`}
              aria-current={actor === selected ? 'true' : undefined}
              onClick={() => onSelect(actor)}
            >
              <span class="dot" aria-hidden="true" />
              <span class="actor-name">{shown(names.actor(actor), 60)}</span>{' '}
              <span class="actor-state">{shown(stateOf(snapshot), 60)}</span>
            </button>
            {below.length > 0 && branch(below)}
          </li>
        )
      })}
    </ul>
  )
  const isOffline = (feedId: string) => Number((store.feeds.get(feedId)?.offlineSince ?? null) !== null)
  const several =
    roots.size > 1 ||
    [...store.feeds.values()].some(({ offlineSince, dropped }) => offlineSince !== null || dropped > 0)
  return (
    <nav class={only === null ? 'tree' : 'tree only'} aria-label="Actors">
      {[...roots]
        .toSorted(([a], [b]) => isOffline(a) - isOffline(b))
        .map(([feedId, actors]) => {
          const feed = store.feeds.get(feedId)
          return (
            <div key={feedId} class="tree-feed">
              {several && (
                <h3>
                  {shown(feed?.name ?? 'a process', 60)}
                  {feed?.pid !== undefined && <small> pid {feed.pid}</small>}
                  {feed && feed.offlineSince !== null && <small class="offline"> not reporting</small>}
                  {feed && <Dropped feed={feed} />}
                </h3>
              )}
              {branch(actors)}
            </div>
          )
        })}
      {store.actors.size === 0 && <p class="empty">No actor has reported yet.</p>}
    </nav>
  )
}

/** What the page does not have of a process. Only lost changes of state are a reason for concern. */
function Dropped({
  feed: { dropped, droppedTransitions },
}: {
  feed: Pick<FeedInfo, 'dropped' | 'droppedTransitions'>
}) {
  if (droppedTransitions > 0) {
    return <small class="offline"> {droppedTransitions.toLocaleString('en')} changes of state are missing</small>
  }
  return dropped > 0 ? <small> {dropped.toLocaleString('en')} details left out</small> : null
}
