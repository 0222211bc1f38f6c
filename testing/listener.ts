import { createServer as createHttpServer, STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'

import type { RawSocket } from './memory-socket.ts'
import { importPeer } from './peer-dependency.ts'
import { within } from './real-time.ts'
import type { TlsCredentials } from './tls-credentials.ts'

export interface ListenOptions {
  transport: 'tcp' | 'ws'
  host: string
  port: number
  tls?: TlsCredentials | undefined
  neededBy: string
}

/** One accepted client. TLS and WebSocket may lie between the TCP socket and the MQTT bytes. */
export interface Link {
  /** The stream of MQTT bytes. */
  stream: Duplex
  /** Only for WebSocket. */
  webSocket?: WebSocket
  request?: IncomingMessage
}

export interface ListenHandlers {
  /** Called for each TCP connection. If it returns false, there is no TLS handshake, no upgrade and no MQTT. */
  accept?: (raw: RawSocket) => boolean
  /** Called for each WebSocket upgrade. Returns an HTTP status to refuse it. */
  upgrade?: (raw: RawSocket) => number | undefined
  open: (link: Link, raw: RawSocket) => void
  /** Called when TCP or TLS has failed, or when the peer has ended its side. */
  fault?: (raw: RawSocket, fault: Error | 'end') => void
}

export interface Listener {
  readonly port: number
  readonly sockets: ReadonlySet<RawSocket>
  /** Destroys every socket at once and stops listening. */
  close(): Promise<void>
}

/**
 * Listens for MQTT over TCP or WebSocket, with or without TLS. One `net.Server` owns all raw sockets, so that they can be
 * counted and reset. TLS and HTTP are layered on top, because a `TLSSocket` refuses `resetAndDestroy`.
 */
export async function listen(options: ListenOptions, handlers: ListenHandlers): Promise<Listener> {
  const secureContext = options.tls && createSecureContext(options.tls)
  const openMqtt = options.transport === 'ws' ? await upgrader(options.neededBy, handlers) : handlers.open
  const sockets = new Set<Socket>()

  const server = createServer({ noDelay: true }, (raw) => {
    sockets.add(raw)
    raw.once('close', () => sockets.delete(raw))
    raw.on('error', (error) => handlers.fault?.(raw, error))
    if (handlers.accept?.(raw) === false) {
      raw.once('end', () => handlers.fault?.(raw, 'end'))
      return raw.resume()
    }

    const stream = secureContext ? new TLSSocket(raw, { isServer: true, secureContext }) : raw
    if (stream !== raw) stream.on('error', (error) => handlers.fault?.(raw, error))
    stream.once('end', () => handlers.fault?.(raw, 'end'))
    openMqtt({ stream }, raw)
  })
  await bind(server, options)

  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return within(closed, 2_000, 'closing a test server')
    },
  }
}

/** Writes a host for a URL: an IPv6 address needs brackets. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

async function upgrader(neededBy: string, handlers: ListenHandlers): Promise<ListenHandlers['open']> {
  const { WebSocketServer, createWebSocketStream } = await importPeer(() => import('ws'), 'ws', neededBy)
  const handleProtocols = (offered: Set<string>) =>
    offered.has('mqtt') ? 'mqtt' : offered.has('mqttv3.1') && 'mqttv3.1'
  const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, handleProtocols })
  const rawOf = new WeakMap<Duplex, RawSocket>()

  // This server never listens. Node documents that any stream can be passed to it by emitting 'connection'.
  const http = createHttpServer((_request, response) => response.writeHead(426, { connection: 'close' }).end())
  http.on('upgrade', (request, stream, head) => {
    const raw = rawOf.get(stream)
    if (!raw) return stream.destroy()
    const status = handlers.upgrade?.(raw)
    if (status !== undefined) return refuseUpgrade(stream, status)
    webSockets.handleUpgrade(request, stream, head, (webSocket) => {
      handlers.open({ stream: createWebSocketStream(webSocket), webSocket, request }, raw)
    })
  })
  http.on('clientError', (_error, stream) => stream.destroy())

  return ({ stream }, raw) => {
    rawOf.set(stream, raw)
    http.emit('connection', stream)
  }
}

function refuseUpgrade(stream: Duplex, status: number): void {
  const reason = STATUS_CODES[status] ?? 'Unknown'
  stream.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
