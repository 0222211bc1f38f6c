import { ResilientMqttClient } from '../client.ts'
import { ClientDisposedError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import { checkListener } from '../config/listener.ts'
import type { ConnectionState } from '../api/status.ts'
import type { ResilientMqttClientOptions } from '../api/options.ts'
import { stateOf } from '../lifecycle/snapshot.ts'
import type { FleetClientOptions, FleetOptions } from '../api/fleet-options.ts'
import { checkFleetClientOptions, parseFleetOptions } from '../config/fleet-options.ts'
import { Turnstile } from './turnstile.ts'

type Options = ResilientMqttClientOptions['options']

/** What all clients of a fleet are doing, at one moment. */
export interface FleetStatus {
  readonly clients: number
  readonly states: Readonly<Record<ConnectionState, number>>
  /** How many have an open connection. */
  readonly online: number
  /** How many were admitted: their connections are opening, or wait for new credentials first. */
  readonly connecting: number
  /** How many wait to be admitted: they are `connecting` and have no socket yet, or still have the one to be renewed. */
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
   * @throws {ClientDisposedError} if the fleet is disposed, or about to be
   */
  createClient(options?: FleetClientOptions): ResilientMqttClient
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
export function createFleet(options: FleetOptions = {}): Fleet {
  const config = parseFleetOptions(options)
  const { shared } = config
  const gate = new Turnstile(config)
  const clients = new Set<ResilientMqttClient>()
  const listeners = new Set<(client: ResilientMqttClient) => void>()
  let disposed = false

  return {
    clients,
    get status() {
      return statusOf(clients, gate)
    },
    createClient(own = {}) {
      if (disposed) throw new ClientDisposedError()
      checkFleetClientOptions(own)
      const connect = connectOptions(shared.options, own.options)
      const client: ResilientMqttClient = new FleetClient(
        {
          ...(shared as { url: string }),
          ...own,
          ...(connect && { options: connect }),
          gate,
        },
        () => clients.delete(client),
      )
      clients.add(client)
      for (const listen of listeners) listen(client)
      return client
    },
    on(name, handler) {
      checkListener(name, handler)
      const stops = new WeakMap<ResilientMqttClient, () => void>()
      const listen = (client: ResilientMqttClient) =>
        void stops.set(
          client,
          client.on(name, (event) => handler({ ...event, client })),
        )
      listeners.add(listen)
      for (const client of clients) listen(client)
      return () => {
        listeners.delete(listen)
        for (const client of clients) stops.get(client)?.()
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      await Promise.all(Array.from(clients, (client) => client[Symbol.asyncDispose]()))
    },
  }
}

/** Says when it is disposed. */
class FleetClient extends ResilientMqttClient {
  readonly #onDisposed: () => void

  constructor(options: ResilientMqttClientOptions, onDisposed: () => void) {
    super(options)
    this.#onDisposed = onDisposed
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]().finally(this.#onDisposed)
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
