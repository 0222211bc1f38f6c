import { ResilientMqttClient } from './client.ts'
import { realClock } from './clock.ts'
import { InvalidOptionError } from './errors.ts'
import type { ClientEvents, ConnectionState } from './events.ts'
import type { ResilientMqttClientOptions } from './options.ts'
import { stateOf } from './snapshot.ts'
import { Turnstile } from './turnstile.ts'

export interface FleetOptions {
  /** How many connections may be opening at a time. @default 50 */
  readonly maxConnecting?: number
  /** How many may begin to open in a second. @default Infinity */
  readonly connectRate?: number
  /** What all clients have in common. What a client is created with comes first, also within `options`. */
  readonly shared?: Partial<ResilientMqttClientOptions>
}

type Options = ResilientMqttClientOptions['options']

/** What all clients of a fleet are doing, at one moment. */
export interface FleetStatus {
  readonly clients: number
  readonly states: Readonly<Record<ConnectionState, number>>
  /** How many have an open connection. */
  readonly online: number
  /** How many connections are opening. */
  readonly connecting: number
  /** How many wait to be admitted: they are `connecting`, and no socket is open yet. */
  readonly waiting: number
}

/** An event of one of the clients. */
export type FleetEvent<Name extends keyof ClientEvents> = ClientEvents[Name] & { readonly client: ResilientMqttClient }

/** Many clients in one process, which open their connections in turn. */
export interface Fleet extends AsyncDisposable {
  readonly clients: ReadonlySet<ResilientMqttClient>
  readonly status: FleetStatus
  /**
   * Creates a client of the fleet. It leaves the fleet when it is disposed.
   *
   * @throws {InvalidOptionError} if an option is wrong, or there is no `url` here and among those that are shared
   */
  createClient(options?: Partial<ResilientMqttClientOptions>): ResilientMqttClient
  /**
   * Calls a handler at each event of a name, of every client, also of those to come.
   *
   * @returns takes the handler off again
   */
  on<Name extends keyof ClientEvents>(name: Name, handler: (event: FleetEvent<Name>) => unknown): () => void
  /** Disconnects and ends all clients, at once and as graceful as one: it takes no longer than the slowest of them. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * For who has thousands of connections in one process: after an outage they do not come back all at once, but so many
 * at a time and so many a second, each in its turn.
 *
 * @throws {InvalidOptionError}
 */
export function createFleet({
  maxConnecting = 50,
  connectRate = Number.POSITIVE_INFINITY,
  shared = {},
}: FleetOptions = {}): Fleet {
  if (!(maxConnecting >= 1)) throw new InvalidOptionError('maxConnecting', 'must be at least 1', maxConnecting)
  if (!(connectRate > 0)) throw new InvalidOptionError('connectRate', 'must be more than 0', connectRate)
  const { clock = realClock, now = Date.now } = shared
  const gate = new Turnstile({ maxConnecting, connectRate, clock, now })
  const clients = new Set<ResilientMqttClient>()
  const listeners = new Set<(client: ResilientMqttClient) => () => void>()
  const stops = new Map<ResilientMqttClient, Map<object, () => void>>()

  const listen = (client: ResilientMqttClient, listener: (client: ResilientMqttClient) => () => void) => {
    const ofClient = stops.get(client) ?? new Map<object, () => void>()
    stops.set(client, ofClient.set(listener, listener(client)))
  }

  return {
    clients,
    get status() {
      return statusOf(clients, gate)
    },
    createClient(own = {}) {
      const options = connectOptions(shared.options, own.options)
      const client = new ResilientMqttClient({
        ...(shared as { url: string }),
        ...own,
        ...(options && { options }),
        gate,
      })
      clients.add(client)
      for (const listener of listeners) listen(client, listener)
      client.actor.subscribe({
        complete: () => {
          clients.delete(client)
          stops.delete(client)
        },
      })
      return client
    },
    on(name, handler) {
      const listener = (client: ResilientMqttClient) => client.on(name, (event) => handler({ ...event, client }))
      listeners.add(listener)
      for (const client of clients) listen(client, listener)
      return () => {
        listeners.delete(listener)
        for (const ofClient of stops.values()) {
          ofClient.get(listener)?.()
          ofClient.delete(listener)
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(clients, (client) => client[Symbol.asyncDispose]()))
    },
  }
}

/** A function has no options to add to, or to be added to others. */
function connectOptions(shared: Options, own: Options): Options {
  return typeof shared === 'object' && typeof own === 'object' ? { ...shared, ...own } : (own ?? shared)
}

function statusOf(clients: ReadonlySet<ResilientMqttClient>, gate: Turnstile): FleetStatus {
  const states = {
    idle: 0,
    connecting: 0,
    connected: 0,
    reconnecting: 0,
    failed: 0,
    recovering: 0,
    refreshingToken: 0,
    disconnecting: 0,
    disconnected: 0,
  }
  let online = 0
  for (const client of clients) {
    states[stateOf(client.actor.getSnapshot())]++
    if (client.isConnected) online++
  }
  return { clients: clients.size, states, online, connecting: gate.inside, waiting: gate.waiting }
}
