import { fromPromise } from 'xstate'

import type { RefreshedCredentials, RefreshReason, TransportInput } from '../machines/connection-types.ts'
import { connectionMachine } from '../machines/connection.ts'
import { periodicRequestMachine } from '../machines/periodic-request.ts'
import { defaultTimeouts } from '../machines/config.ts'
import { subscriptionsMachine } from '../machines/subscriptions.ts'
import { InvalidOptionError } from './errors.ts'
import type { Attempt } from './mqtt/client-options.ts'
import { serverUrl } from './mqtt/server-url.ts'
import { createTransport } from './mqtt/transport.ts'
import type { Clock, ConnectOptions, Credentials, ResilientMqttClientOptions } from './options.ts'
import { checkConnectOptions, parseUrls } from './parse-options.ts'
import type { Ack, IncomingPublish, Link } from './session/link.ts'
import type { PeriodicRequests } from './session/periodic-requests.ts'
import type { Session } from './session/session.ts'
import type { Subscriptions } from './session/subscriptions.ts'

/** Real time. */
export const realClock: Clock = {
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
}

/** What the machine of one client is provided with. */
export interface ConnectionParts {
  readonly session: Session
  readonly subscriptions: Subscriptions
  readonly periodic: PeriodicRequests
  /** @returns whether the acknowledgement is held back */
  readonly onMessage: (packet: IncomingPublish, link: Link | undefined) => boolean
  /** Told of the errors that the machine knows by their names only. */
  readonly onError: (error: unknown, source: 'credentials' | 'options') => void
}

/** The connection machine, provided with MQTT.js, the credentials source and the session. */
export function createConnectionMachine(options: ResilientMqttClientOptions, parts: ConnectionParts) {
  const { session, subscriptions, periodic } = parts
  const clock = options.clock ?? realClock
  const secrets = new Secrets(options, parts.onError)
  const prepare = preparation(options, secrets)

  const transport = createTransport({
    prepare,
    packetIds: session.packetIds,
    clock,
    disconnectTimeout: options.timeouts?.disconnectTimeout ?? defaultTimeouts.disconnectTimeout,
    probeTimeout: options.timeouts?.probeTimeout ?? defaultTimeouts.probeTimeout,
    onError: (error) => parts.onError(error, 'options'),
    events: linkEvents(parts),
  })

  return connectionMachine.provide({
    actors: {
      transport,
      refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(({ input, signal }) =>
        secrets.refresh(input.reason, signal),
      ),
      subscriptions: subscriptionsMachine.provide({ actors: { sync: subscriptions.sync } }),
      periodicRequest: periodicRequestMachine.provide({ actors: { request: periodic.request } }),
    },
    actions: {
      openGate: () => session.openGate(),
      closeGate: () => session.closeGate(),
    },
  })
}

/** Credentials live here, where no inspector looks. */
class Secrets {
  readonly #options: ResilientMqttClientOptions
  readonly #onError: ConnectionParts['onError']
  credentials: Credentials | undefined

  constructor(options: ResilientMqttClientOptions, onError: ConnectionParts['onError']) {
    this.#options = options
    this.#onError = onError
  }

  async refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials> {
    try {
      const credentials = await this.#options.credentials?.({ reason, signal })
      const refreshed = { expiresAt: expiry(credentials) }
      if (credentials?.url !== undefined) parseUrls('credentials.url', credentials.url)
      // One that comes too late must not replace what a later one brought.
      if (!signal.aborted) this.credentials = credentials
      return refreshed
    } catch (error) {
      if (!signal.aborted) this.#onError(error, 'credentials')
      throw error
    }
  }
}

function expiry(credentials: Credentials | undefined): number | null {
  const expiresAt = credentials?.expiresAt
  if (expiresAt === undefined) return null
  const time = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw new InvalidOptionError('credentials.expiresAt', 'must be a Date, or milliseconds since 1970', expiresAt)
}

/** Evaluates what an attempt needs. Options are evaluated anew for each recreated client, and only then. */
function preparation(options: ResilientMqttClientOptions, secrets: Secrets) {
  const generated = generateClientId()
  let evaluated: { readonly generation: number; readonly options: ConnectOptions } | undefined

  const attempt = (connect: ConnectOptions, input: TransportInput): Attempt => {
    const { credentials } = secrets
    const url = credentials?.url ?? connect.url ?? options.url
    if (url === undefined) throw new InvalidOptionError('url', 'must be given by the options or the credentials')
    const urls = parseUrls('url', url)
    const clientId = connect.clientId ?? generated
    return { url: serverUrl(urls, input.server), clientId, options: connect, credentials, clock: options.clock }
  }

  return (input: TransportInput): Attempt | Promise<Attempt> => {
    const source = options.options
    if (typeof source !== 'function') return attempt(source ?? {}, input)
    if (evaluated?.generation === input.generation) return attempt(evaluated.options, input)
    return Promise.resolve(source()).then((connect) => {
      checkConnectOptions(connect)
      evaluated = { generation: input.generation, options: connect }
      return attempt(connect, input)
    })
  }
}

function linkEvents({ session, subscriptions, onMessage }: ConnectionParts) {
  let current: Link | undefined
  return {
    attached(link: Link, sessionPresent: boolean) {
      current = link
      subscriptions.attached(link)
      session.attached(link, sessionPresent)
    },
    detached(link: Link) {
      if (current === link) current = undefined
      subscriptions.detached(link)
      session.detached(link)
    },
    acknowledged: (ack: Ack) => session.acknowledged(ack),
    received: (packet: IncomingPublish) => onMessage(packet, current),
    writable: () => session.writable(),
  }
}

/** 23 characters, as every MQTT 3.1.1 server must take (MQTT-3.1.3-5). */
function generateClientId(): string {
  const random = crypto.getRandomValues(new Uint8Array(11))
  return `xstate-mqtt-${Array.from(random, (byte) => (byte % 36).toString(36)).join('')}`
}
