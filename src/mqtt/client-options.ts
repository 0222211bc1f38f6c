import mqtt, { type IClientOptions } from 'mqtt'
import type { ClientOptions } from 'ws'

import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import type { Credentials } from '../api/options.ts'
import type { ConnectConfig, WillConfig } from '../config/client-config.ts'
import { keepAliveOf } from '../config/keep-alive.ts'
import { loginOf } from '../config/login.ts'
import { toSessionExpiryInterval } from '../shared/session-expiry.ts'
import type { Lookup } from './node-module.ts'
import type { VersionTrial } from './version-trial.ts'
import { webSocketFactory, type WebSocketEvents } from './web-socket.ts'

/** The evaluated options of one attempt. */
export interface Attempt {
  readonly url: string
  readonly clientId: string
  readonly connect: ConnectConfig & { readonly protocolVersion: 4 | 5 }
  readonly credentials: Omit<Credentials, 'url'> | undefined
  /** The client id, if the broker has chosen it on an earlier connection. */
  readonly assignedClientId?: string | undefined
  /** Whether to ask the broker where responses to this client belong (MQTT 5 §3.1.2.11.6). */
  readonly requestResponseInformation?: boolean
  /** For `protocolVersion: 'auto'`. */
  readonly trial?: VersionTrial | undefined
}

/** Timers that never fire. `KeepAlive` does what MQTT.js's keep alive would do, and CONNECT still announces it. */
const noKeepAlive = { set: () => 0, clear: () => {} }

/** MQTT.js sends no publishes, so all its clients can share a store. */
const emptyStore = new mqtt.Store()

/** How much larger than a packet a WebSocket frame may be: it may hold several packets, or parts of them. */
const MORE_IN_A_FRAME = 1_048_576

/**
 * The options of MQTT.js for one attempt. MQTT.js never reconnects, resubscribes, queues or pings: this package does.
 *
 * @param events - of a WebSocket
 * @param lookup - resolves the name of the server, in Node
 */
export function clientOptions(attempt: Attempt, events: WebSocketEvents, lookup?: Lookup): IClientOptions {
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
    ...(protocolVersion === 5 && { properties: connectProperties(attempt) }),
    ...(will && { will: toWill(will, protocolVersion) }),
    ...(lookup && { lookup }),
    ...(tls as IClientOptions | undefined),
    timerVariant: noKeepAlive,
    incomingStore: emptyStore,
    outgoingStore: emptyStore,
    ...(target.protocol.startsWith('ws') && webSocketOptions(target, attempt, events, lookup)),
  }
}

function webSocketOptions(
  url: URL,
  { connect, credentials }: Attempt,
  events: WebSocketEvents,
  lookup: Lookup | undefined,
): Pick<IClientOptions, 'createWebsocket' | 'transformWsUrl' | 'wsOptions'> {
  const { tls, wsOptions, maximumPacketSize } = connect
  return {
    createWebsocket: webSocketFactory(events),
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
      headers: { ...wsOptions?.headers, ...credentials?.wsHeaders },
    },
  }
}

function connectProperties({ connect, requestResponseInformation }: Attempt): IClientOptions['properties'] {
  const { sessionExpiry, receiveMaximum, maximumPacketSize, topicAliasMaximum, userProperties } = connect
  return {
    sessionExpiryInterval: toSessionExpiryInterval(sessionExpiry),
    receiveMaximum,
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(topicAliasMaximum > 0 && { topicAliasMaximum }),
    ...(requestResponseInformation && { requestResponseInformation }),
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
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password)
}
