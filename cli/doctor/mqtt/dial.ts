import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocket } from 'ws'

import { fromError } from '../../../src/mqtt/failures.ts'
import { type Lab, within } from '../lab.ts'
import { isWebSocket, openStream, type Outcome, TIMED_OUT, urlOf, type Way } from '../way.ts'
import { Connection, type Login } from './connection.ts'
import type { Received, Version } from './packets.ts'

/** How the connections of one run are opened. */
export interface Route {
  readonly way: Way
  readonly login: Login
  /** Headers of the WebSocket upgrade. */
  readonly headers: Readonly<Record<string, string>>
  /** The client id that was asked for. @default a new one for each connection */
  readonly clientId?: string | undefined
}

export interface DialOptions {
  readonly version: Version
  /** In seconds. @default 120, which no check takes */
  readonly keepalive?: number
  /** Whether this connection runs beside others, so that it needs a client id of its own. */
  readonly isBeside?: boolean
}

/** Opens a connection all the way up to the CONNACK. */
export async function dial(lab: Lab, route: Route, options: DialOptions): Promise<Outcome<Connection>> {
  const { version, keepalive = 120, isBeside = false } = options
  const opened = await openMqttStream(lab, route)
  if ('failure' in opened) return opened
  const clientId = (isBeside ? undefined : route.clientId) ?? lab.newClientId()
  return Connection.open(lab, opened.value, { version, clientId, login: route.login, keepalive })
}

async function openMqttStream(lab: Lab, { way, headers }: Route): Promise<Outcome<Duplex>> {
  const opened = await openStream(lab, way)
  if ('failure' in opened || !isWebSocket(way)) return opened
  const { value: socket } = opened
  const query = /\?.*$/.exec(way.path)?.[0] ?? ''
  const webSocket = new WebSocket(urlOf(way) + query, ['mqtt'], { createConnection: () => socket as never, headers })
  const open = new Promise<Outcome<Duplex>>((resolve) => {
    webSocket.once('open', () => resolve({ value: createWebSocketStream(webSocket) }))
    webSocket.once('error', (error) => resolve({ failure: fromError(error, 'ws') }))
    webSocket.once('close', () => resolve({ failure: { kind: 'closed', beforeConnack: true, webSocket: true } }))
  })
  // After it is open, its stream reports errors.
  webSocket.on('error', () => {})
  const outcome = await within(lab, 'the WebSocket upgrade', lab.patience, open)
  if (outcome && 'value' in outcome) lab.opened(outcome.value)
  else socket.destroy()
  return outcome ?? { failure: TIMED_OUT }
}

/** A connection for several checks, which is opened again after a check at which the broker ended it. */
export class Line {
  readonly version: Version
  /** Gets each packet that arrives on any of its connections. */
  onPacket: (packet: Received) => void = () => {}
  readonly #lab: Lab
  readonly #route: Route
  #connection: Connection | undefined

  constructor(lab: Lab, route: Route, version: Version) {
    this.#lab = lab
    this.#route = route
    this.version = version
  }

  async open(): Promise<Outcome<Connection>> {
    if (this.#connection && this.#connection.failure === undefined) return { value: this.#connection }
    const outcome = await dial(this.#lab, this.#route, { version: this.version })
    if ('failure' in outcome) return outcome
    const { value: connection } = outcome
    const { code } = connection
    if (code !== 0) return { failure: { kind: 'refused', reasonCode: code, protocolVersion: this.version } }
    connection.onPacket = (packet) => this.onPacket(packet)
    this.#connection = connection
    return outcome
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}
