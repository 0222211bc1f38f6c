import type { IClientOptions } from 'mqtt'
import type { ClientOptions } from 'ws'

import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import { loginOf } from '../config/login.ts'
import type { ConnectConfig, WillConfig } from '../config/client-config.ts'
import { realClock } from '../shared/clock.ts'
import type { Credentials } from '../api/options.ts'
import type { Clock } from '../api/clock.ts'

/** What one attempt needs, all evaluated. */
export interface Attempt {
  readonly url: string
  readonly clientId: string
  readonly connect: ConnectConfig
  readonly credentials: Credentials | undefined
  /** Drives the keep alive, if it is not real time. */
  readonly clock: Clock
}

const FOR_EVER = 0xffffffff

/** A WebSocket frame may hold several packets, or parts: its size is bounded well above that of a packet. */
const MORE_IN_A_FRAME = 1_048_576

/** The options of MQTT.js for one attempt. MQTT.js never reconnects, resubscribes or queues: that is not its job here. */
export function clientOptions({ url, clientId, connect, credentials, clock }: Attempt): IClientOptions {
  const { protocolVersion, keepalive, clean, will, tls, wsOptions, maximumPacketSize } = connect
  const target = new URL(url)
  const { username, password } = loginOf(target, connect, credentials)
  target.username = ''
  target.password = ''
  return {
    clientId,
    // MQTT.js would let the user name and password of the URL win over all others, and cut them at the last colon.
    auth: '',
    // It would also put the URL together again, and lose the brackets of an IPv6 address. A key and a certificate turn
    // its `mqtt` and `ws` into `mqtts` and `wss`.
    transformWsUrl: (_url, { protocol = 'wss' }) => {
      target.protocol = protocol
      return target.href
    },
    protocolVersion,
    clean,
    keepalive: Math.ceil(keepalive / 1_000),
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    reconnectOnConnackError: false,
    // The machine's own clock decides how long an attempt takes.
    connectTimeout: MAX_DELAY,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: toPassword(password) }),
    // See `connectWithPasswordAlone`.
    ...(password !== undefined && username === undefined && { username: '', manualConnect: true }),
    ...(protocolVersion === 5 && { properties: connectProperties(connect) }),
    ...(will && { will: toWill(will, protocolVersion) }),
    ...(tls as IClientOptions | undefined),
    ...(clock !== realClock && { timerVariant: intervalsOn(clock) }),
    // MQTT.js hands on to a WebSocket only some of the TLS options.
    wsOptions: {
      ...(maximumPacketSize !== undefined && { maxPayload: maximumPacketSize + MORE_IN_A_FRAME }),
      ...(tls as ClientOptions | undefined),
      ...(wsOptions as ClientOptions | undefined),
      headers: given({ ...wsOptions?.headers, ...credentials?.wsHeaders }),
    },
  }
}

function connectProperties(connect: ConnectConfig): IClientOptions['properties'] {
  const { sessionExpiry, receiveMaximum, maximumPacketSize, userProperties } = connect
  return {
    sessionExpiryInterval: Math.min(Math.ceil(sessionExpiry / 1_000), FOR_EVER),
    receiveMaximum,
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
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

/** Node throws on headers that are `undefined`. */
function given(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]: [string, unknown]) => value !== undefined))
}

/** mqtt-packet wants a string or a Buffer. */
function toPassword(password: string | Uint8Array): string | Buffer {
  if (typeof password === 'string') return password
  if (typeof Buffer !== 'undefined') return Buffer.from(password)
  // In a browser MQTT.js takes only a `Buffer` of its own, which nobody else has, or a string.
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password)
}

/** MQTT.js's keep alive runs on intervals; the clock has timeouts only. */
function intervalsOn(clock: Clock): Exclude<IClientOptions['timerVariant'], string | undefined> {
  const running = new Map<number, unknown>()
  let last = 0
  return {
    set(callback, delay = 0) {
      const id = ++last
      const again = () => {
        start()
        callback()
      }
      const start = () => running.set(id, clock.setTimeout(again, delay))
      start()
      return id
    },
    clear(id) {
      clock.clearTimeout(running.get(id))
      running.delete(id)
    },
  }
}
