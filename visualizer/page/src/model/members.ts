import { type Condition, conditions, looks } from './condition.ts'
import type { Member } from './fleet.ts'
import { duration, shown } from './format.ts'

export const orders = ['worst', 'name', 'failure', 'longest', 'latest'] as const
export type Order = (typeof orders)[number]

/** What the reader has chosen to see. An empty choice is no filter. */
export interface Filter {
  readonly query: string
  readonly conditions: ReadonlySet<Condition>
  readonly failure: string
  readonly age: Age
}

/** How long a connection has been in its state. */
export const ages = ['any', 'a minute at most', '10 minutes at most', 'an hour at most', 'more than an hour'] as const
export type Age = (typeof ages)[number]

const MINUTE = 60_000

const isOfAge: Readonly<Record<Age, (age: number) => boolean>> = {
  any: () => true,
  'a minute at most': (age) => age <= MINUTE,
  '10 minutes at most': (age) => age <= 10 * MINUTE,
  'an hour at most': (age) => age <= 60 * MINUTE,
  'more than an hour': (age) => age > 60 * MINUTE,
}

/** @param now - the moment that is shown */
export function filtered(
  members: readonly Member[],
  { query, conditions: chosen, failure, age }: Filter,
  now: number,
): Member[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return members.filter((member) => {
    if (chosen.size > 0 && !chosen.has(member.condition)) return false
    if (failure !== '' && member.failure !== failure) return false
    if (!isOfAge[age](now - member.since)) return false
    const text = `${member.name} ${member.process} ${member.state} ${member.failure}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

const byName = (a: Member, b: Member) => a.name.localeCompare(b.name, 'en', { numeric: true }) || compare(a.id, b.id)
const rank = ({ condition }: Member) => conditions.indexOf(condition)

const comparisons: Readonly<Record<Order, (a: Member, b: Member) => number>> = {
  worst: (a, b) => rank(a) - rank(b) || compare(a.state, b.state) || byName(a, b),
  name: byName,
  // Those without a failure come last.
  failure: (a, b) =>
    compare(a.failure === '' ? '\uFFFF' : a.failure, b.failure === '' ? '\uFFFF' : b.failure) || byName(a, b),
  longest: (a, b) => a.since - b.since || byName(a, b),
  latest: (a, b) => b.since - a.since || byName(a, b),
}

export function sorted(members: readonly Member[], order: Order): Member[] {
  return members.toSorted(comparisons[order])
}

/** The failures of the fleet and how many connections have each, the most frequent first. */
export function failuresOf(members: readonly Member[]): (readonly [failure: string, count: number])[] {
  const counts = new Map<string, number>()
  for (const { failure } of members) if (failure !== '') counts.set(failure, (counts.get(failure) ?? 0) + 1)
  return [...counts].toSorted(([a, m], [b, n]) => n - m || compare(a, b))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** How large the cells are: a card has the name, the state and its age, a tile has the name, and a dot only the sign. */
export type Density = 'card' | 'tile' | 'dot'

export function densityOf(count: number): Density {
  if (count <= 60) return 'card'
  return count <= 200 ? 'tile' : 'dot'
}

export interface Group {
  readonly key: string
  /** Empty if the order has no groups. */
  readonly title: string
  readonly members: readonly Member[]
}

/** The groups of sorted members: by condition if the worst come first, and by failure in the order by failure. */
export function groupsOf(members: readonly Member[], order: Order): Group[] {
  if (order !== 'worst' && order !== 'failure') return [{ key: 'all', title: '', members }]
  const groups = new Map<string, Member[]>()
  for (const member of members) {
    const key = order === 'worst' ? member.condition : member.failure
    const group = groups.get(key)
    if (group) group.push(member)
    else groups.set(key, [member])
  }
  return [...groups].map(([key, group]) => ({ key: `in ${key}`, title: titleOf(key, order), members: group }))
}

function titleOf(key: string, order: Order): string {
  if (order === 'failure') return key === '' ? 'without a failure' : key
  const { sign, words } = looks[key as Condition]
  return `${sign} ${words}`
}

/** How long it has been in its state. */
export function ageOf({ since }: Member, now: number): string {
  return duration(now - since)
}

/** What a small cell does not show. It has no age, which would change all the time. */
export function restOf({ process, condition, state, failure }: Member): string {
  return [shown(process, 60), looks[condition].words, shown(state, 60), shown(failure, 160)].filter(Boolean).join(', ')
}
