import { familyOf, stateOf } from '../../../shared/family.ts'
import { bandAt } from './bands.ts'
import { type Condition, conditions } from './condition.ts'
import { namesOf, silentSince, supersededAt } from './processes.ts'
import { contextOf } from './state.ts'
import type { Store } from './store.ts'
import type { Actor } from './types.ts'
import { failureWords } from './words.ts'

/** With more connections than this, the page begins with all of them and not with one. */
export const FLEET_ABOVE = 10

/** One connection of the fleet, at a moment. */
export interface Member {
  readonly id: string
  readonly name: string
  /** The name of its process; empty if there is only one process. */
  readonly process: string
  readonly state: string
  readonly condition: Condition
  /** Why it is not connected, in words; empty if it is connected, or not known. */
  readonly failure: string
  /** When it entered its state, or stopped reporting. */
  readonly since: number
}

/** The connections that the page shows: those that run, and those that crashed. */
export function connectionsOf(store: Store): Actor[] {
  return everyConnectionOf(store).filter((actor) => supersededAt(store, actor) === null)
}

/** Also those of processes whose place was taken by others: they are part of the past alone. */
export function everyConnectionOf({ actors }: Store): Actor[] {
  return [...actors.values()].filter(
    ({ connection, stopped, snapshot }) => connection && (!stopped || snapshot.status === 'error'),
  )
}

/** @param at - a past moment; `null` for now */
export function fleetOf(store: Store, at: number | null): Member[] {
  const names = namesOf(store)
  return (at === null ? connectionsOf(store) : everyConnectionOf(store)).flatMap((actor) => {
    const who = { id: actor.sessionId, name: names.actor(actor), process: names.process(actor) }
    const what = at === null ? present(store, actor) : past(store, actor, at)
    return what ? [{ ...who, ...what }] : []
  })
}

type What = Omit<Member, 'id' | 'name' | 'process'>

function present(store: Store, actor: Actor): What {
  const { snapshot, since } = actor
  const state = stateOf(snapshot)
  const silent = silentSince(store, actor)
  if (silent !== null) return { state, condition: 'silent', failure: '', since: silent }
  const condition = familyOf(snapshot)
  const isTrouble = condition !== 'online' && condition !== 'resting'
  return { state, condition, failure: isTrouble ? failureWords(contextOf(snapshot).failure) : '', since }
}

/** `undefined` if the actor did not exist then, or another process had taken its place. */
function past(store: Store, actor: Actor, at: number): What | undefined {
  const band = bandAt(actor.bands, at)
  if (!band || (supersededAt(store, actor) ?? Infinity) <= at) return undefined
  const silent = silentSince(store, actor)
  if (silent !== null && silent <= at) return { state: band.state, condition: 'silent', failure: '', since: silent }
  const entry = actor.entries.findLast(({ time }) => time <= at)
  const isTrouble = band.family !== 'online' && band.family !== 'resting'
  const failure = isTrouble && entry ? failureWords(contextOf(entry.snapshot).failure) : ''
  return { state: band.state, condition: band.family, failure, since: band.start }
}

export type Counts = Readonly<Record<Condition, number>>

export function countsOf(members: readonly Member[]): Counts {
  const counts = Object.fromEntries(conditions.map((condition) => [condition, 0])) as Record<Condition, number>
  for (const { condition } of members) counts[condition] += 1
  return counts
}

/** The counts in a sentence. A connection that is not reported is neither up nor down. */
export function headline(counts: Counts): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const { online, silent } = counts
  const down = all - online - silent
  const of = `of ${all.toLocaleString('en')} connections`
  if (all === 0) return 'No connection'
  if (online === all) return `All ${all.toLocaleString('en')} connections are up`
  const words = [
    down > 0 && `${down.toLocaleString('en')} ${of} are not up`,
    silent > 0 && `${silent.toLocaleString('en')} ${down > 0 ? '' : `${of} `}do not report`,
  ]
  return words.filter(Boolean).join(', ')
}
