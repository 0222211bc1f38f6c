import { connectionConfig, type ConnectionConfig } from '../../machines/config.ts'
import { initialContext } from '../../machines/connection/context.ts'
import { connectionMachine } from '../../machines/connection/machine.ts'
import type { ConnectionContext, ConnectionEvent } from '../../machines/connection/types.ts'
import type { Answers, RecordedTimer } from '../../src/recorder/format.ts'
import { inWords } from './in-words.ts'
import { Replayer } from './replayer.ts'

/** Where a replay begins. Durations and times are in milliseconds. */
export interface ReplayOptions {
  /** The time on the wall clock at time 0, in milliseconds since 1970. @default 0 */
  readonly now?: number
  /**
   * The configuration of the connection machine: the client's options of the same names. `canRefresh` says whether it has
   * `credentials`, and `gated` whether it has a `gate`. A function `jitter` is `custom`.
   *
   * @default the defaults of the machine
   */
  readonly config?: { readonly [Name in keyof ConnectionConfig]?: Partial<ConnectionConfig[Name]> }
  /** The state, such as `connected.ready`. @default 'idle' */
  readonly state?: string
  /** What the machine knows. @default what a new machine knows */
  readonly context?: Partial<Omit<ConnectionContext, 'config'>>
  /** The delays that run. @default none */
  readonly timers?: readonly RecordedTimer[]
  /** The ids of the actors that the machine has started. @default none */
  readonly actors?: readonly string[]
}

/** An event that the connection machine receives: a command, or the report of one of its actors. */
export type ReplayedEvent =
  | Exclude<ConnectionEvent, { readonly error: unknown }>
  /** An actor threw: the `transport`, the gate (`admission`), `subscriptions`, or a periodic request. */
  | {
      readonly type: `xstate.error.actor.${string}`
      readonly error: { readonly name: string; readonly message?: string }
    }
  /** There are new credentials. `expiresAt` is in milliseconds since 1970. */
  | { readonly type: 'xstate.done.actor.refresh'; readonly output: { readonly expiresAt: number | null } }

/** What chance and the functions of the application answer during one step, in the order in which the machine asks. */
export type ReplayedAnswers = Answers

/** A connection machine without a network: a test says what happens to it, and when. */
export interface ReplayedMachine {
  /** Such as `connected.ready`. */
  readonly state: string
  readonly context: ConnectionContext
  /** The names of the delays that run, with the times when they pass. */
  readonly delays: Readonly<Record<string, number>>
  /**
   * Lets the machine receive an event, or one of its delays pass.
   *
   * @param time - in milliseconds since the beginning
   * @param cause - an event, or the name of a delay, such as `reconnectDelay`
   * @param answers - random numbers in [0, 1), and what functions of the application return. The last one of a kind is
   *   repeated; without any, `random` is 0.5
   * @returns the state afterwards, and then in words what the machine did, in order
   * @throws {ReplayError} if the delay does not run, or passes later
   */
  at(time: number, cause: ReplayedEvent | string, answers?: ReplayedAnswers): string[]
  /** Sets the wall clock. @param time - in milliseconds since the beginning @param now - in milliseconds since 1970 */
  setWallClock(time: number, now: number): void
}

/**
 * Creates a connection machine that a test drives step by step, as `npx xstate-mqtt replay --to-test` writes it out of a
 * recording. It opens no connection and waits for nothing. The options are not checked, because they come from a recording;
 * the methods of the result throw a `ReplayError` if the machine cannot do what they say.
 */
export function createReplay(options: ReplayOptions = {}): ReplayedMachine {
  return createReplayOf(connectionMachine, options)
}

/** Like `createReplay`, with a machine that differs from the package's. For its tests. */
export function createReplayOf(
  machine: typeof connectionMachine,
  { now = 0, config = {}, state = 'idle', context, timers = [], actors = [] }: ReplayOptions,
): ReplayedMachine {
  const whole = completed(config)
  const { config: _, ...initial } = initialContext(undefined)
  const credentials = { ...initial.credentials, status: whole.canRefresh ? ('missing' as const) : ('none' as const) }
  const replayer = new Replayer(
    {
      type: 'checkpoint',
      client: 1,
      t: 0,
      now,
      state,
      config: whole,
      context: { ...initial, credentials, ...context },
      timers,
      actors,
    },
    machine,
  )
  return {
    get state() {
      return replayer.state
    },
    get context() {
      return replayer.context
    },
    get delays() {
      return replayer.delays
    },
    at: (t, cause, answers = {}) =>
      inWords(
        replayer.take({ t, answers, ...(typeof cause === 'string' ? { timer: cause } : { event: cause as never }) }),
      ),
    setWallClock: (t, at) => replayer.setWallClock(t, at),
  }
}

function completed(given: NonNullable<ReplayOptions['config']>): ConnectionConfig {
  const defaults: Readonly<Record<string, unknown>> = { ...connectionConfig() }
  const groups = Object.entries(defaults).map(([name, value]) => {
    const own = (given as Readonly<Record<string, unknown>>)[name]
    return [name, typeof value === 'object' ? { ...value, ...(own as object) } : (own ?? value)]
  })
  return Object.fromEntries(groups) as ConnectionConfig
}
