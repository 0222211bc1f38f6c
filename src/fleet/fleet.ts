import { connectionStates } from '../../machines/connection/types.ts'
import { ClientDisposedError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import type { FleetClientOptions, FleetOptions } from '../api/fleet-options.ts'
import type { ResilientMqttClientOptions } from '../api/options.ts'
import type { ConnectionState } from '../api/status.ts'
import { ResilientMqttClient } from '../client.ts'
import { parseFleetOptions, readFleetClientOptions } from '../config/fleet-options.ts'
import { checkListener } from '../config/listener.ts'
import { stateOf } from '../lifecycle/snapshot.ts'
import { type CircuitStatus, Turnstile } from './turnstile.ts'

type Options = ResilientMqttClientOptions['options']

/** The status of a fleet at one moment. */
export interface FleetStatus {
  /** Number of clients. */
  readonly clients: number
  /** Number of clients in each state. */
  readonly states: Readonly<Record<ConnectionState, number>>
  /** Number of clients with an open connection. */
  readonly online: number
  /** Number of admitted clients, which open a connection, restore its subscriptions, or first wait for new credentials. */
  readonly connecting: number
  /**
   * Number of clients that wait to be admitted. They are `connecting` without a socket, or about to renew a connection.
   */
  readonly waiting: number
  /** Number of these that wait because their servers are down, until a canary is ready. */
  readonly waitingForCanary: number
  /** The circuit breaker of each list of servers that clients ask for or that is down. */
  readonly circuits: readonly CircuitStatus[]
}

/** An event of one client of the fleet. */
export type FleetEvent<Name extends keyof ClientEvents> = ClientEvents[Name] & { readonly client: ResilientMqttClient }

/** Follows the clients of a fleet. */
export interface FleetFollower {
  /** Called for the clients that the fleet has, and for those that it gets. */
  joined(client: ResilientMqttClient): void
  /** A client is disposed. */
  left?(client: ResilientMqttClient): void
}

const follow = new WeakMap<object, (follower: FleetFollower) => () => void>()

/**
 * Follows the clients of a fleet. For the rooms of this package only.
 *
 * @returns stops that; `undefined` if the object is not a fleet
 */
export function followClients(fleet: object, follower: FleetFollower): (() => void) | undefined {
  return follow.get(fleet)?.(follower)
}

/** Many clients in one process, which open their connections in turn. */
export interface Fleet extends AsyncDisposable {
  readonly clients: ReadonlySet<ResilientMqttClient>
  readonly status: FleetStatus
  /**
   * Creates a client, which belongs to the fleet until it is disposed.
   *
   * @throws {InvalidOptionError} if an option is invalid, or neither these options nor the shared ones have a `url`
   * @throws {ClientDisposedError} if the fleet is disposed or being disposed
   */
  createClient(options?: FleetClientOptions): ResilientMqttClient
  /**
   * Calls a handler for each event with a name, from every client, including clients that are created later.
   *
   * @returns removes the handler
   */
  on<Name extends keyof ClientEvents>(name: Name, handler: (event: FleetEvent<Name>) => unknown): () => void
  /** Disconnects and disposes all clients at the same time, each gracefully. It takes as long as the slowest client. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Creates a fleet, for processes with thousands of connections. The clients open their connections in turn, with limits
 * per second and at the same time, so that they do not all reconnect at once after an outage. While the broker is down, a
 * single client tries it.
 *
 * @throws {InvalidOptionError}
 */
export function createFleet(options: FleetOptions = {}): Fleet {
  const config = parseFleetOptions(options)
  const { shared } = config
  const gate = new Turnstile(config)
  const clients = new Set<ResilientMqttClient>()
  const followers = new Set<FleetFollower>()
  let disposed = false

  const followAll = (follower: FleetFollower) => {
    followers.add(follower)
    for (const client of clients) follower.joined(client)
    return () => void followers.delete(follower)
  }

  const fleet: Fleet = {
    clients,
    get status() {
      return statusOf(clients, gate)
    },
    createClient(given = {}) {
      if (disposed) throw new ClientDisposedError()
      const own = readFleetClientOptions(given)
      const connect = connectOptions(shared.options, own.options)
      const client: ResilientMqttClient = new FleetClient(
        {
          ...(shared as { url: string }),
          ...own,
          ...(connect && { options: connect }),
          gate,
        },
        () => {
          clients.delete(client)
          for (const follower of followers) follower.left?.(client)
        },
      )
      clients.add(client)
      for (const follower of followers) follower.joined(client)
      return client
    },
    on(name, handler) {
      checkListener(name, handler)
      const stops = new WeakMap<ResilientMqttClient, () => void>()
      const stopFollowing = followAll({
        joined: (client) => {
          stops.set(
            client,
            client.on(name, (event) => handler({ ...event, client })),
          )
        },
      })
      return () => {
        stopFollowing()
        for (const client of clients) stops.get(client)?.()
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      await Promise.all(Array.from(clients, (client) => client[Symbol.asyncDispose]()))
    },
  }
  follow.set(fleet, followAll)
  return fleet
}

/** A client that reports when it is disposed. */
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

/**
 * Merges the options if both are objects. A function cannot be merged: the own options then replace the shared ones.
 */
function connectOptions(shared: Options, own: Options): Options {
  return typeof shared === 'object' && typeof own === 'object' ? { ...shared, ...own } : (own ?? shared)
}

function statusOf(clients: ReadonlySet<ResilientMqttClient>, gate: Turnstile): FleetStatus {
  const states = Object.fromEntries(connectionStates.map((state) => [state, 0])) as Record<ConnectionState, number>
  let online = 0
  for (const client of clients) {
    states[stateOf(client.actor.getSnapshot())]++
    if (client.isConnected) online++
  }
  const { circuits, inside: connecting, waiting } = gate
  const waitingForCanary = circuits.reduce((sum, each) => sum + (each.state === 'closed' ? 0 : each.waiting), 0)
  return { clients: clients.size, states, online, connecting, waiting, waitingForCanary, circuits }
}
