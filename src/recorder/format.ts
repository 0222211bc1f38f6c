import type { ConnectionConfig } from '../../machines/config.ts'
import type { ConnectionContext, ConnectionCounters } from '../../machines/connection/types.ts'

/** The format of recordings. A later version of this package still reads it. */
export const FORMAT = 1

/** Equals the version in package.json, which a browser cannot read. A test compares them. */
export const PACKAGE_VERSION = '0.1.0'

/** A line of a recording: see docs/recorder.md. Times `t` are milliseconds since the recorder of the client started, on the machine's clock. */
export type RecordedLine = Header | Checkpoint | Step | Broken | Stopped | Lost

/** The first line of each file, and of each process that appends to it. */
export interface Header {
  readonly type: 'recording'
  readonly format: number
  /** The version of the package that wrote it. */
  readonly package: string
  /** The same in all files of one process. */
  readonly run: string
  /** ISO 8601. */
  readonly at: string
}

/**
 * The whole state of a machine before its next step: before its first step, in each file, once a minute, when lines were lost,
 * and when the wall clock was set. A replay can begin at each of them.
 */
export interface Checkpoint {
  readonly type: 'checkpoint'
  /** The number of the client in this run. */
  readonly client: number
  readonly name?: string
  readonly t: number
  /** The time on the wall clock at `t`, in milliseconds since 1970. */
  readonly now: number
  /** Such as `connected.ready`. */
  readonly state: string
  readonly config: ConnectionConfig
  readonly context: Omit<ConnectionContext, 'config'>
  readonly timers: readonly RecordedTimer[]
  /** The ids of the actors that the machine had started. */
  readonly actors: readonly string[]
}

export interface RecordedTimer {
  /** By which the machine cancels it. @default the event */
  readonly id?: string
  /** The event that it sends. */
  readonly event: string
  readonly delay: number
  /** When it started. */
  readonly t: number
}

/** An event that the machine received, or a delay that has passed, and what followed from it. */
export interface Step {
  readonly type: 'step'
  readonly client: number
  readonly t: number
  /** What the machine received: from the application, or from one of its actors. */
  readonly event?: RecordedEvent
  /** Instead of an event: the name of the delay that has passed. */
  readonly timer?: string
  /** The state after it. */
  readonly state: string
  readonly does?: readonly Effect[]
  /** What chance and the functions of the application answered meanwhile, in the order of the calls. */
  readonly answers?: Answers
  /** The counters that have changed. */
  readonly counters?: Partial<ConnectionCounters>
}

export interface RecordedEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/** Something that the machine did. */
export type Effect =
  /** It started an actor. */
  | { readonly start: string; readonly with?: Readonly<Record<string, unknown>> }
  | { readonly stop: string }
  /** It sent an event to an actor. */
  | { readonly send: string; readonly to: string }
  /** It started a delay, in milliseconds. */
  | { readonly timer: string; readonly delay: number }
  /** It emitted an event of the client. */
  | { readonly emit: { readonly type: string; readonly [field: string]: unknown } }
  /** It called its owner, such as `giveUp`. */
  | { readonly call: string }

export type AnswerKind = 'random' | 'classify' | 'allow' | 'jitter'

/** `{ threw: true }` stands for an error, and `null` for `undefined`. */
export type Answers = { readonly [Kind in AnswerKind]?: readonly unknown[] }

/** An error ended the machine, in `failed`. Another one takes its place, which begins with a checkpoint. */
export interface Broken {
  readonly type: 'broken'
  readonly client: number
  readonly t: number
  readonly event: RecordedEvent
}

/** The client was disposed. */
export interface Stopped {
  readonly type: 'stopped'
  readonly client: number
  readonly t: number
}

/** Lines are missing here: the disk or the function `write` failed, or was too slow. */
export interface Lost {
  readonly type: 'lost'
  readonly lines: number
}
