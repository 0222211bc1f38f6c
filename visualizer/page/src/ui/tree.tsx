import { shown } from '../model/format.ts'
import { familyOf, stateOf } from '../model/state.ts'
import { entryAt, type Store } from '../model/store.ts'
import type { Actor, Entry } from '../model/types.ts'

interface TreeProps {
  readonly store: Store
  readonly selected: Actor | null
  readonly at: Entry | null
  readonly version: number
  readonly onSelect: (actor: Actor) => void
}

/** Who runs in which process, below whom. */
export function Tree({ store, selected, at, onSelect }: TreeProps) {
  const children = new Map<string, Actor[]>()
  const roots = new Map<string, Actor[]>()
  for (const actor of store.actors.values()) {
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
        const state = actor.kind === 'machine' || actor.chart ? stateOf(snapshot) : ''
        return (
          <li key={actor.sessionId}>
            <button
              type="button"
              class={`actor family-${familyOf(snapshot)}`}
              aria-current={actor === selected ? 'true' : undefined}
              onClick={() => onSelect(actor)}
            >
              <span class="dot" aria-hidden="true" />
              <span class="actor-name">{shown(actor.name, 60)}</span>{' '}
              <span class="actor-state">{shown(state || actor.kind, 60)}</span>
            </button>
            {below.length > 0 && branch(below)}
          </li>
        )
      })}
    </ul>
  )
  const several = roots.size > 1 || [...store.feeds.values()].some(({ online, dropped }) => !online || dropped > 0)
  return (
    <nav class="tree" aria-label="Actors">
      {[...roots].map(([feedId, actors]) => {
        const feed = store.feeds.get(feedId)
        return (
          <div key={feedId} class="tree-feed">
            {several && (
              <h3>
                {shown(feed?.name ?? 'a process', 60)}
                {feed?.pid !== undefined && <small> pid {feed.pid}</small>}
                {feed && !feed.online && <small class="offline"> not reporting</small>}
                {feed && feed.dropped > 0 && <small class="offline"> {feed.dropped} messages dropped</small>}
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
