import { basename } from 'node:path'
import type { AnyActorRef, InspectionEvent } from 'xstate'

import { boolean, callback, must, mustInSecret, wholeNumber } from '../src/shared/option-rules.ts'
import { readCallOptions, type RulesFor } from '../src/shared/read-options.ts'
import { parseOrigin } from './origin.ts'
import type { StatsMessage } from './protocol.ts'
import type { Hide } from './record/redact.ts'

/** Figures of a connection that are not in the context of any machine. */
export type VisualizerStats = StatsMessage['stats']

/** Reports actors to a visualizer. */
export interface Inspection {
  /** For the option `inspect` of `ResilientMqttClient` and of XState's `createActor`. */
  readonly inspect: (event: InspectionEvent) => void
  /**
   * Calls `sample` about once a second and shows its figures with the actor: those that are not in the context of any
   * machine, such as the size of the outbox.
   *
   * @returns stops sampling
   */
  watch(actor: AnyActorRef, sample: () => VisualizerStats): () => void
}

/** Options of `createVisualizer`. */
export interface VisualizerOptions {
  /** The port to listen on. @default 0: a free one */
  readonly port?: number
  /**
   * The address to listen on. If it is not a loopback address, other machines that have the token can connect.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string
  /** The token that viewers and feeds need: 16 to 1,024 characters. @default a random one, which is part of `url` */
  readonly token?: string
  /** Whether the page may retry, wake, recover, connect, disconnect and drop the connection. @default false */
  readonly allowCommands?: boolean
  /** How many messages the server keeps for viewers that connect later. @default 10_000 */
  readonly history?: number
  /** The name of this process on the page. @default 'this process' */
  readonly name?: string
  /**
   * The origins of other web pages that may report actors, each with its scheme, host and port
   * (`http://localhost:5173`). These pages cannot view anything.
   *
   * @default none
   */
  readonly origins?: readonly string[]
  /**
   * Called with each name and value that would be shown; returns `true` to hide the value. Values that look like secrets
   * are always hidden.
   *
   * @default hides only what looks like a secret
   */
  readonly hide?: (name: string, value: unknown) => boolean
}

/** A server that receives reports about actors, and serves the page that shows them. */
export interface Visualizer extends Inspection {
  /** The address of the page, for a browser or for `connectVisualizer`. It contains the token. */
  readonly url: string
  /** Closes all connections and stops listening. */
  close(): Promise<void>
}

/** Options of `connectVisualizer`. */
export interface ConnectVisualizerOptions {
  /** The name of this process on the page. @default the script's name */
  readonly name?: string
  /** Whether the page may retry, wake, recover, connect, disconnect and drop the connection. @default false */
  readonly allowCommands?: boolean
  /**
   * About how many messages that change no state wait for the visualizer. Beyond that, the oldest of them are dropped.
   * Of changes of state, 25 times as many wait.
   *
   * @default 2_000
   */
  readonly buffer?: number
  /**
   * Called with each name and value that would be sent; returns `true` to hide the value. Values that look like secrets
   * are always hidden.
   *
   * @default hides only what looks like a secret
   */
  readonly hide?: (name: string, value: unknown) => boolean
}

/** The options that both functions have in common. */
interface ReportConfig {
  readonly name: string
  readonly allowCommands: boolean
  readonly hide: Hide | undefined
}

export interface VisualizerConfig extends ReportConfig {
  readonly port: number
  readonly host: string
  /** `undefined` for a random token. */
  readonly token: string | undefined
  readonly history: number
  /** In the form in which browsers send them. */
  readonly origins: readonly string[]
}

export interface ConnectConfig extends ReportConfig {
  readonly buffer: number
}

const MAX_HISTORY = 100_000

const reportRules = {
  name: must('must be a name', (value) => typeof value === 'string' && value !== ''),
  allowCommands: boolean,
  hide: callback,
}

const visualizerRules = {
  ...reportRules,
  port: wholeNumber(0, 65_535),
  host: must(
    'must be a host name or an address, without a scheme and a port',
    (value) => typeof value === 'string' && /^[\w.-]+$|^[\da-f]*:[\da-f:.]+(?:%\w+)?$/i.test(value),
  ),
  // The token is part of the page's address, so it must be valid text.
  token: mustInSecret(
    'must be a string of at least 16 characters, and at most 1024',
    (value) => typeof value === 'string' && value.length >= 16 && value.length <= 1_024 && !/\p{Cs}/u.test(value),
  ),
  history: wholeNumber(0, MAX_HISTORY),
  origins: (option, value) => {
    must('must be an array of origins', Array.isArray)(option, value)
    for (const [i, each] of (value as readonly unknown[]).entries()) {
      must(ORIGIN, (origin) => parseOrigin(origin) !== undefined)(`${option}[${i}]`, each)
    }
    return value
  },
} satisfies RulesFor<VisualizerOptions>

const ORIGIN = 'must be an origin, such as http://localhost:5173: a scheme, a host, a port, and nothing else'

const connectRules = {
  ...reportRules,
  buffer: must('must be a whole number of at least 1', (value) => Number.isInteger(value) && (value as number) >= 1),
} satisfies RulesFor<ConnectVisualizerOptions>

/** @throws {InvalidOptionError} */
export function parseVisualizerOptions(given: VisualizerOptions): VisualizerConfig {
  const options = readCallOptions('createVisualizer', given, visualizerRules)
  const { port = 0, host = '127.0.0.1', token, history = 10_000, origins = [] } = options
  return Object.freeze({
    ...reportConfig(options, 'this process'),
    port,
    host,
    token,
    history,
    origins: origins.flatMap((each) => parseOrigin(each) ?? []),
  })
}

/** @throws {InvalidOptionError} */
export function parseConnectOptions(given: ConnectVisualizerOptions): ConnectConfig {
  const options = readCallOptions('connectVisualizer', given, connectRules)
  const { buffer = 2_000 } = options
  return Object.freeze({ ...reportConfig(options, basename(process.argv[1] ?? '') || 'app'), buffer })
}

function reportConfig(options: VisualizerOptions | ConnectVisualizerOptions, defaultName: string): ReportConfig {
  const { name = defaultName, allowCommands = false, hide } = options
  return { name, allowCommands, hide }
}
