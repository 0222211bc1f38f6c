import type { AnyActorRef, InspectionEvent } from 'xstate'

import { InvalidOptionError } from '../src/index.ts'
import type { StatsMessage } from './protocol.ts'
import type { Hide } from './redact.ts'

/** Figures of a connection that are in no machine. */
export type VisualizerStats = StatsMessage['stats']

/** What reports actors to a visualizer. */
export interface Inspection {
  /** For the option `inspect` of `ResilientMqttClient` and of XState's `createActor`. */
  readonly inspect: (event: InspectionEvent) => void
  /**
   * Samples figures that are in no machine about once a second, and shows them with the actor.
   *
   * @returns ends it
   */
  watch(actor: AnyActorRef, sample: () => VisualizerStats): () => void
}

export interface VisualizerOptions {
  /** @default 0: a free one */
  readonly port?: number
  /** Where it listens. Anything but loopback lets others in who have the token. @default '127.0.0.1' */
  readonly host?: string
  /** Needed to look on and to report; at least 16 characters. @default a random one, which is part of `url` */
  readonly token?: string
  /** Whether the page may retry, wake, recover, connect, disconnect, and drop the connection. @default false */
  readonly allowCommands?: boolean
  /** How many messages it keeps for those who look later. @default 2_000 */
  readonly history?: number
  /** What this process is called on the page. @default 'this process' */
  readonly name?: string
  /** Web pages of other origins that may report (`http://localhost:5173`). Looking on they may not. @default none */
  readonly origins?: readonly string[]
  /** Hides more than what looks like a secret: called with each name and value that would be shown. */
  readonly hide?: (name: string, value: unknown) => boolean
}

/** A page that shows actors, and what it takes to report them to it. */
export interface Visualizer extends Inspection {
  /** Open it in a browser, or give it to `connectVisualizer`. It holds the token. */
  readonly url: string
  /** Closes the page, and stops listening. */
  close(): Promise<void>
}

interface Config extends Required<Omit<VisualizerOptions, 'token' | 'hide'>> {
  readonly token: string | undefined
  readonly hide: Hide | undefined
}

const MAX_HISTORY = 100_000

export function parseVisualizerOptions(options: VisualizerOptions): Config {
  const { port = 0, host = '127.0.0.1', allowCommands = false, history = 2_000, name = 'this process' } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidOptionError('port', 'must be an integer between 0 and 65535', port)
  }
  if (typeof host !== 'string' || host === '') throw new InvalidOptionError('host', 'must be a host name', host)
  if (!Number.isInteger(history) || history < 0 || history > MAX_HISTORY) {
    throw new InvalidOptionError('history', `must be an integer between 0 and ${MAX_HISTORY}`, history)
  }
  if (typeof allowCommands !== 'boolean') {
    throw new InvalidOptionError('allowCommands', 'must be true or false', allowCommands)
  }
  const { origins = [], token, hide } = options
  return Object.freeze({ port, host, allowCommands, history, name, origins, token, hide })
}
