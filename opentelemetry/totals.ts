import { noCounters } from '../machines/connection/context.ts'
import type { ClientStatus, ConnectionCounters, ConnectionState, TrafficStatus } from '../src/index.ts'

/** What only grows. */
export interface Totals {
  readonly counters: ConnectionCounters
  readonly traffic: TrafficStatus
  /** Messages that were dropped. */
  readonly inbox: { readonly dropped: number }
  /** How long clients were in each state, in milliseconds. */
  readonly states: Readonly<Partial<Record<ConnectionState, number>>>
}

export const none: Totals = {
  counters: noCounters,
  traffic: { sent: 0, received: 0 },
  inbox: { dropped: 0 },
  states: {},
}

export function totalsOf({ counters, traffic, inbox }: ClientStatus, states: Totals['states']): Totals {
  return { counters, traffic, inbox: { dropped: inbox.dropped }, states }
}

/** @param sign - 1 adds the other to the one, -1 subtracts it */
export function sum(one: Totals, other: Totals, sign: 1 | -1 = 1): Totals {
  return {
    counters: add(one.counters, other.counters, sign),
    traffic: add(one.traffic, other.traffic, sign),
    inbox: add(one.inbox, other.inbox, sign),
    states: add(one.states, other.states, sign),
  }
}

function add<Numbers extends object>(one: Numbers, other: Numbers, sign: 1 | -1): Numbers {
  const sums = { ...one } as Record<string, number>
  for (const [name, value] of Object.entries(other) as [string, number][]) sums[name] = (sums[name] ?? 0) + sign * value
  return sums as Numbers
}
