import { bandCountAt } from './bands.ts'
import { placeOf } from './state.ts'
import type { Actor, Band, Entry, FeedInfo } from './types.ts'

/** The part of the page's store that says what has happened. */
export interface Happened {
  /** Oldest first. */
  readonly entries: Entry[]
  /** Counts up when entries are removed. */
  generation: number
  readonly actors: Map<string, Actor>
  readonly feeds: Map<string, FeedInfo>
}

/** All that a recording has of one actor, whatever moment the page shows. */
export interface Track {
  readonly actor: Actor
  readonly bands: readonly Band[]
  /** When another process took the place of its own; `null` if none did. */
  readonly supersededAt: number | null
}

/**
 * Lets a store that has all of a recording show any moment of it: it then contains what had happened until then, as if it
 * had just happened. Going forwards and backwards both cost as much as there is between the two moments.
 */
export class Rewinder {
  readonly tracks: readonly Track[]
  readonly #store: Happened
  /** Oldest first. */
  readonly #entries: readonly Entry[]
  readonly #feeds: readonly FeedInfo[]
  /** How many entries the store has. */
  #shown: number

  /** @param store - which has all of the recording */
  constructor(store: Happened) {
    this.#store = store
    this.#entries = [...store.entries]
    this.#shown = this.#entries.length
    this.#feeds = [...store.feeds.values()]
    this.tracks = Array.from(store.actors.values(), (actor) => ({
      actor,
      bands: [...actor.bands],
      supersededAt: store.feeds.get(actor.feedId)?.supersededAt ?? null,
    }))
  }

  /** The times of all entries, or of those of one actor, before and after a moment; `null` if there is none. */
  neighbours(time: number, actor: Actor | null): { readonly before: number | null; readonly after: number | null } {
    const entries = actor ? this.#entries.filter((entry) => entry.actor === actor) : this.#entries
    const before = entries.findLast((entry) => entry.time < time)?.time ?? null
    const after = entries.find((entry) => entry.time > time)?.time ?? null
    return { before, after }
  }

  show(time: number): void {
    const count = countUntil(this.#entries, time)
    const changed = count >= this.#shown ? this.#forwards(count) : this.#backwards(count)
    this.#shown = count
    for (const track of this.tracks) if (changed.has(track.actor)) update(track, time)
    this.#showActors(time)
    this.#showFeeds(time)
  }

  #forwards(count: number): Set<Actor> {
    const changed = new Set<Actor>()
    for (let index = this.#shown; index < count; index++) {
      const entry = this.#entries[index]
      if (!entry) continue
      const { actor } = entry
      this.#store.entries.push(entry)
      actor.entries.push(entry)
      count1(actor, entry, 1)
      changed.add(actor)
    }
    return changed
  }

  #backwards(count: number): Set<Actor> {
    const changed = new Set<Actor>()
    for (let index = this.#shown - 1; index >= count; index--) {
      const entry = this.#entries[index]
      if (!entry) continue
      const { actor } = entry
      actor.entries.pop()
      count1(actor, entry, -1)
      changed.add(actor)
    }
    this.#store.entries.length = count
    // What was derived from the entries that are gone is out of date.
    this.#store.generation++
    return changed
  }

  #showActors(time: number): void {
    const { actors } = this.#store
    const existing = this.tracks.filter(({ actor }) => actor.bornAt <= time)
    if (existing.length === actors.size) return
    actors.clear()
    for (const { actor } of existing) actors.set(actor.sessionId, actor)
  }

  #showFeeds(time: number): void {
    for (const feed of this.#feeds) {
      const isOver = feed.supersededAt !== null && feed.supersededAt <= time
      this.#store.feeds.set(feed.feedId, isOver ? feed : { ...feed, offlineSince: null, supersededAt: null })
    }
  }
}

/** What follows from the last entry. */
function update({ actor, bands }: Track, time: number): void {
  const last = actor.entries.at(-1)
  if (!last) return
  actor.snapshot = last.snapshot
  actor.timers = last.timers
  actor.stopped = last.snapshot.status !== 'active'
  actor.bands.length = 0
  actor.bands.push(...bands.slice(0, bandCountAt(bands, time)))
  const place = placeOf(actor, last.to)
  actor.since = last.time
  for (let index = actor.bands.length - 1; index >= 0; index--) {
    const band = actor.bands[index]
    if (!band || placeOf(actor, band.state) !== place) break
    actor.since = band.start
  }
}

function count1({ counts }: Actor, { rows }: Entry, step: 1 | -1): void {
  for (const row of rows) {
    const next = (counts.get(row) ?? 0) + step
    if (next > 0) counts.set(row, next)
    else counts.delete(row)
  }
}

/** How many entries there are until a time. */
function countUntil(entries: readonly Entry[], time: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.time ?? Infinity) <= time) low = middle + 1
    else high = middle
  }
  return low
}
