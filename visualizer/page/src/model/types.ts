import type { Command, ShownEvent, ShownSnapshot, StatsMessage, TakenTransition, Timer } from '../../../protocol.ts'
import type { Chart } from '../../../chart/model.ts'

/** What a state means, in one colour. */
export type Family = 'online' | 'waiting' | 'failed' | 'busy' | 'resting'

/** An actor, as far as it is known. It changes as messages come in. */
export interface Actor {
  readonly sessionId: string
  name: string
  parentId: string | undefined
  rootId: string
  feedId: string
  kind: string
  definition: string | undefined
  chart: Chart | null
  /** Whether it is our connection machine, so that we know what its context means. */
  connection: boolean
  bornAt: number
  snapshot: ShownSnapshot
  timers: readonly Timer[] | undefined
  accepts: readonly Command[] | undefined
  commands: readonly Command[]
  /** The id of the message that it is known from. */
  lastId: number
  stopped: boolean
  /** When it came into its state, as far as it is known. */
  since: number
  entries: Entry[]
  readonly bands: Band[]
  samples: Sample[]
  /** How often each row of the chart was run along. */
  readonly counts: Map<string, number>
  stats: StatsMessage['stats'] | null
  statsAt: number
}

/** One step of an actor: an event, what it did, and how it is since. */
export interface Entry {
  /** Counts up over all actors, in the order of arrival. */
  readonly seq: number
  readonly time: number
  readonly actor: Actor
  readonly event: ShownEvent
  readonly sourceId: string | undefined
  readonly transitions: readonly TakenTransition[]
  readonly from: string
  readonly to: string
  readonly changed: boolean
  /** The guards that held. */
  readonly guards: readonly string[]
  /** In words. */
  readonly failure: string
  readonly family: Family
  readonly rows: readonly string[]
  readonly snapshot: ShownSnapshot
  readonly timers: readonly Timer[] | undefined
  /** What the search looks at. */
  search: string | undefined
}

/** From `start` to the start of the next one. */
export interface Band {
  readonly start: number
  readonly state: string
  readonly family: Family
  /** Whether an attempt began here. */
  readonly attempt: boolean
  readonly seq: number
}

export interface Sample {
  readonly time: number
  readonly total: number
}

export interface FeedInfo {
  readonly feedId: string
  readonly name: string
  readonly pid: number | undefined
  /** By the server's clock; `null` while it reports. */
  readonly offlineSince: number | null
  readonly dropped: number
}

export type Link =
  | { readonly status: 'connecting' }
  | { readonly status: 'replaying' }
  | { readonly status: 'live' }
  | { readonly status: 'lost'; readonly since: number; readonly retryAt: number }
  | { readonly status: 'refused'; readonly message: string }
