import type { Chart } from '../../../chart/model.ts'
import type {
  Command,
  Family,
  ShownEvent,
  ShownSnapshot,
  StatsMessage,
  TakenTransition,
  Timer,
} from '../../../protocol.ts'

/** An actor, as far as the page knows it. It changes when messages arrive. */
export interface Actor {
  readonly sessionId: string
  name: string
  parentId: string | undefined
  rootId: string
  feedId: string
  kind: string
  definition: string | undefined
  chart: Chart | null
  /** Whether it is the library's connection machine, whose context the page understands. */
  connection: boolean
  bornAt: number
  snapshot: ShownSnapshot
  timers: readonly Timer[] | undefined
  accepts: readonly Command[] | undefined
  commands: readonly Command[]
  /** The id of the last message about it. */
  lastId: number
  stopped: boolean
  /** When it entered its state, as far as that is known. */
  since: number
  entries: Entry[]
  readonly bands: Band[]
  samples: Sample[]
  /** How often the transitions of each row of the chart were taken. */
  readonly counts: Map<string, number>
  stats: StatsMessage['stats'] | null
  statsAt: number
}

/** One step of an actor: an event, its effect, and the new snapshot. */
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
  /** The text that the search looks at. It is made when it is first needed. */
  search: string | undefined
}

/** The time in one state, from `start` to the start of the next band. */
export interface Band {
  readonly start: number
  readonly state: string
  readonly family: Family
  /** Whether an attempt began here. */
  readonly attempt: boolean
  /** The entry with which it began; 0 if the page does not have it. */
  seq: number
}

export interface Sample {
  readonly time: number
  readonly total: number
}

export interface FeedInfo {
  readonly feedId: string
  readonly name: string
  readonly pid: number | undefined
  /** When it stopped reporting, by the server's clock; `null` while it reports. */
  readonly offlineSince: number | null
  /** When another process took its place, by the server's clock; `null` if none did. */
  readonly supersededAt: number | null
  readonly dropped: number
  /** How many of them changed the state of an actor. */
  readonly droppedTransitions: number
}

export type Link =
  | { readonly status: 'connecting' }
  | { readonly status: 'replaying' }
  | { readonly status: 'live' }
  | { readonly status: 'lost'; readonly since: number; readonly retryAt: number }
  | { readonly status: 'refused'; readonly since: number; readonly message: string }
