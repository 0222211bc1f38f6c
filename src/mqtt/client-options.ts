import mqtt, { type IClientOptions } from 'mqtt'
import type { ClientOptions } from 'ws'

import type { ServerChosen } from '../../machines/connection/types.ts'
import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import type { Credentials } from '../api/credentials.ts'
import type { DuplexStream } from '../api/socket.ts'
import type { Authenticator } from '../config/authentication.ts'
import type { ConnectConfig, WillConfig } from '../config/client-config.ts'
import { keepAliveOf } from '../config/keep-alive.ts'
import { loginOf } from '../config/login.ts'
import { toSessionExpiryInterval } from '../shared/session-expiry.ts'
import { textDecoder } from '../shared/text-coders.ts'
import { type Lookup, nodeModule } from './node-module.ts'
import { nodeWebSocket } from './node-web-socket.ts'
import type { VersionTrial } from './version-trial.ts'
import type { WebSocketEvents } from './web-socket-events.ts'
import { webSocketFactory } from './web-socket.ts'

/** The evaluated options of one attempt. */
export interface Attempt {
  /** What the machine learns about the choice of the server. */
  readonly choice?: ServerChosen
  readonly url: string
  readonly clientId: string
  readonly connect: ConnectConfig & { readonly protocolVersion: 4 | 5 }
  readonly credentials: Omit<Credentials, 'url'> | undefined
  /** The client id, if the broker has chosen it on an earlier connection. */
  readonly assignedClientId?: string | undefined
  /** Whether to ask the broker where responses to this client belong (MQTT 5 §3.1.2.11.6). */
  readonly requestResponseInformation?: boolean
  /** For enhanced authentication. */
  readonly authenticator?: Authenticator | undefined
  /** For `protocolVersion: 'auto'`. */
  readonly trial?: VersionTrial | undefined
}

/** Timers that never fire. `KeepAlive` does what MQTT.js's keep alive would do, and CONNECT still announces it. */
const noKeepAlive = { set: () => 0, clear: () => {} }

/** MQTT.js sends no publishes, so all its clients can share a store. */
const emptyStore = new mqtt.Store()

/** How much larger than a packet a WebSocket frame may be: it may hold several packets, or parts of them. */
const MORE_IN_A_FRAME = 1_048_576

/** How the server is reached, in Node. */
export interface Route {
  /** Resolves its name. */
  readonly lookup?: Lookup | undefined
  /** Is connected to it, if the application opens the sockets. */
  readonly socket?: DuplexStream | undefined
}

/** What the CONNECT says of enhanced authentication (MQTT 5 §3.1.2.11.9). */
export interface AuthenticationProperties {
  readonly method: string
  readonly data: Uint8Array | undefined
}

/**
 * The options of MQTT.js for one attempt. MQTT.js never reconnects, resubscribes, queues or pings: this package does.
 *
 * @param events - of a WebSocket
 */
export function clientOptions(
  attempt: Attempt,
  events: WebSocketEvents,
  route: Route = {},
  authentication?: AuthenticationProperties,
): IClientOptions {
  const { lookup, socket } = route
  const { url, clientId, connect, credentials } = attempt
  const { protocolVersion, clean, will, tls } = connect
  const target = new URL(url)
  const { username, password } = loginOf(target, connect, credentials)
  target.username = ''
  target.password = ''
  return {
    clientId,
    // MQTT.js would prefer the user name and password of the URL to all others, and split them at the last colon.
    auth: '',
    protocolVersion,
    clean,
    keepalive: Math.ceil(keepAliveOf(url, connect) / 1_000),
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    reconnectOnConnackError: false,
    // The machine limits the time of an attempt, with its own clock.
    connectTimeout: MAX_DELAY,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: toPassword(password) }),
    ...(protocolVersion === 5 && { properties: connectProperties(attempt, authentication) }),
    ...(will && { will: toWill(will, protocolVersion) }),
    ...(lookup && { lookup }),
    ...(tls as IClientOptions | undefined),
    // MQTT.js passes it to `tls.connect`, and its types do not have it.
    ...(socket && ({ socket } as object)),
    timerVariant: noKeepAlive,
    incomingStore: emptyStore,
    outgoingStore: emptyStore,
    ...(target.protocol.startsWith('ws') && webSocketOptions(target, attempt, events, route)),
  }
}

function webSocketOptions(
  url: URL,
  { connect, credentials }: Attempt,
  events: WebSocketEvents,
  { lookup, socket }: Route,
): Pick<IClientOptions, 'createWebsocket' | 'forceNativeWebSocket' | 'transformWsUrl' | 'wsOptions'> {
  const { tls, wsOptions, maximumPacketSize } = connect
  return {
    createWebsocket: webSocketFactory(events, wsOptions?.createWebSocket),
    // MQTT.js would take `ws` in the renderer of Electron, even from a bundle without it.
    ...(!nodeWebSocket && { forceNativeWebSocket: true }),
    // MQTT.js would rebuild the URL, and lose the brackets of an IPv6 address. A key and a certificate turn its `ws`
    // into `wss`.
    transformWsUrl: (_url, { protocol = 'wss' }) => {
      url.protocol = protocol
      return url.href
    },
    // MQTT.js passes only some of the TLS options to a WebSocket.
    wsOptions: {
      ...(maximumPacketSize !== undefined && { maxPayload: maximumPacketSize + MORE_IN_A_FRAME }),
      ...(lookup && { lookup }),
      ...(tls as ClientOptions | undefined),
      ...(wsOptions as ClientOptions | undefined),
      ...(socket && { createConnection: overSocket(socket, url) }),
      headers: { ...wsOptions?.headers, ...credentials?.wsHeaders },
    },
  }
}

/** Takes a socket that is connected. TLS verifies the host of the URL, as without such a socket. */
function overSocket(socket: DuplexStream, url: URL): NonNullable<ClientOptions['createConnection']> {
  const { tls, net } = { tls: nodeModule('tls'), net: nodeModule('net') }
  const connect = (options: { readonly host?: string; readonly servername?: string }) => {
    // It is known only now: a key and a certificate turn `ws` into `wss`.
    if (url.protocol !== 'wss:') return socket
    const { host = '' } = options
    const { servername = net?.isIP(host) ? '' : host } = options
    return tls?.connect({ ...options, path: undefined, servername, socket })
  }
  // ws needs no more of the socket than a stream has, and passes only options.
  return connect as unknown as NonNullable<ClientOptions['createConnection']>
}

function connectProperties(
  { connect, requestResponseInformation }: Attempt,
  authentication: AuthenticationProperties | undefined,
): IClientOptions['properties'] {
  const { sessionExpiry, receiveMaximum, maximumPacketSize, topicAliasMaximum, userProperties } = connect
  return {
    sessionExpiryInterval: toSessionExpiryInterval(sessionExpiry),
    receiveMaximum,
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(topicAliasMaximum > 0 && { topicAliasMaximum }),
    ...(requestResponseInformation && { requestResponseInformation }),
    ...(authentication && { authenticationMethod: authentication.method }),
    // mqtt-packet writes any bytes.
    ...(authentication?.data && { authenticationData: authentication.data as Buffer }),
    ...(userProperties && { userProperties: userProperties as Record<string, string | string[]> }),
  }
}

function toWill(will: WillConfig, protocolVersion: 4 | 5): IClientOptions['will'] {
  const { topic, payload, qos, retain, delay } = will
  const willProperties = { willDelayInterval: Math.ceil(delay / 1_000), ...will.properties }
  return {
    topic,
    payload: payload as Buffer,
    qos,
    retain,
    ...(protocolVersion === 5 && { properties: willProperties as NonNullable<IClientOptions['will']>['properties'] }),
  } as IClientOptions['will']
}

/** mqtt-packet accepts a string or a Buffer. */
function toPassword(password: string | Uint8Array): string | Buffer {
  if (typeof password === 'string') return password
  if (typeof Buffer !== 'undefined') return Buffer.from(password)
  // In a browser, MQTT.js accepts only a string or a `Buffer` from its own bundle, which other code can't create.
  return textDecoder({ fatal: true, ignoreBOM: true })().decode(password)
}
