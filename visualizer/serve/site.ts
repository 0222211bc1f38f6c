import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'

import { parseUrl } from '../../src/shared/parse-url.ts'
import type { VisualizerConfig } from '../options.ts'
import { Access, randomToken, type Refusal } from './access.ts'
import { refuse, servePage } from './page-files.ts'

/** The largest frame of an app; `connectVisualizer` sends at most 256 KB. A page sends only commands. */
export const MAX_FEED_BYTES = 1024 * 1024
const MAX_VIEWER_BYTES = 16 * 1024
const MAX_VIEWERS = 20
const MAX_FEEDS = 100
const MAX_SOCKETS = 256
/** In milliseconds. A peer that does not answer a ping within this time is disconnected. */
const PING_EVERY = 10_000

type Role = 'viewer' | 'stately' | 'feed'

const ROLES: ReadonlyMap<string, Role> = new Map([
  ['/viewer', 'viewer'],
  ['/stately', 'stately'],
  ['/feed', 'feed'],
  // `createWebSocketInspector` gets the printed address with `ws:` instead of `http:`.
  ['/', 'feed'],
])

/** What the site shows. It gets open sockets, and does not deal with how they were accepted. */
export interface Exhibit {
  readonly addViewer: (socket: WebSocket) => void
  /** For viewers that speak only the protocol of `@statelyai/inspect`. Without it, they are refused. */
  readonly addPlainViewer?: (socket: WebSocket) => void
  /** For apps. Without it, they are refused. */
  readonly addFeed?: (socket: WebSocket) => void
  readonly close: () => void
}

/** A site that listens. */
export interface Site {
  /** The address of the page. It contains the token. */
  readonly url: string
  /** Closes all connections and stops listening. */
  close(): Promise<void>
}

export type SiteConfig = Pick<VisualizerConfig, 'host' | 'port' | 'token' | 'origins'>

/**
 * Serves the page, and accepts WebSockets of those who have the token.
 *
 * @returns resolves when it listens
 */
export async function openSite(config: SiteConfig, pageFolder: string, exhibit: Exhibit): Promise<Site> {
  const { token = randomToken() } = config
  const access = new Access(token, config.host, config.origins)
  const server = createServer()
  const sockets = new Sockets(exhibit)

  server.maxConnections = MAX_SOCKETS
  server.requestTimeout = 10_000
  server.on('request', (request, response) => {
    answerRequest(request, response, { access, pageFolder }).catch(() => response.destroy())
  })
  server.on('upgrade', (request, socket, head) => {
    // Without this listener, a reset would end the process.
    socket.on('error', () => socket.destroy())
    try {
      const role = roleFor(request, access)
      if (typeof role === 'string') sockets.accept(role, request, socket, head)
      else reject(socket, role)
    } catch {
      // No request must end the process that is inspected.
      socket.destroy()
    }
  })
  await listen(server, config.port, config.host)

  const { port } = server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  return {
    url: `http://${host}:${port}/?token=${encodeURIComponent(token)}`,
    async close() {
      sockets.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

interface Entrance {
  readonly access: Access
  readonly pageFolder: string
}

async function answerRequest(request: IncomingMessage, response: ServerResponse, entrance: Entrance): Promise<void> {
  const url = urlOf(request)
  const refusal =
    entrance.access.host(request) ??
    (request.method === 'GET' || request.method === 'HEAD' ? undefined : NOT_ALLOWED) ??
    (url ? undefined : BAD_REQUEST) ??
    // The page's files contain no data. Its entry needs the token, so that others do not learn what runs on this port.
    (url?.pathname === '/' || url?.pathname === '/index.html' ? entrance.access.token(url) : undefined) ??
    (url && (await servePage(entrance.pageFolder, url.pathname, response)))
  if (refusal) refuse(response, refusal)
}

const NOT_ALLOWED: Refusal = { status: 405, message: 'Only GET and HEAD are allowed.' }
const BAD_REQUEST: Refusal = { status: 400, message: 'The address is invalid.' }
const NOT_FOUND: Refusal = { status: 404, message: 'There is no WebSocket at this path.' }

function roleFor(request: IncomingMessage, access: Access): Role | Refusal {
  const url = urlOf(request)
  const role = ROLES.get(url?.pathname ?? '')
  const host = access.host(request)
  if (host) return host
  if (!url || !role) return NOT_FOUND
  return access.origin(request, role === 'feed') ?? access.token(url) ?? role
}

function urlOf(request: IncomingMessage): URL | undefined {
  const { url = '' } = request
  return parseUrl(url, 'http://localhost')
}

function reject(
  socket: Duplex,
  { status, message }: Refusal | { readonly status: 503; readonly message: string },
): void {
  const body = `${message}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** The WebSockets of one server. Their number and the size of their messages are limited, and dead ones are closed. */
class Sockets {
  readonly #exhibit: Exhibit
  readonly #feeds = socketServer(MAX_FEED_BYTES)
  readonly #viewers = socketServer(MAX_VIEWER_BYTES)
  readonly #silent = new WeakSet<WebSocket>()
  readonly #pings: NodeJS.Timeout

  constructor(exhibit: Exhibit) {
    this.#exhibit = exhibit
    this.#pings = setInterval(() => this.#ping(), PING_EVERY).unref()
  }

  accept(role: Role, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const add = this.#adder(role)
    if (!add) return reject(socket, NOT_FOUND)
    const [server, limit] = role === 'feed' ? [this.#feeds, MAX_FEEDS] : [this.#viewers, MAX_VIEWERS]
    if (server.clients.size >= limit) {
      return reject(socket, { status: 503, message: `There are already ${limit} connections of this kind.` })
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      // An error, such as a message that is too large, also closes the socket. Nothing more has to be done.
      webSocket.on('error', () => {})
      webSocket.on('pong', () => this.#silent.delete(webSocket))
      add(webSocket)
    })
  }

  close(): void {
    clearInterval(this.#pings)
    this.#exhibit.close()
    for (const server of [this.#feeds, this.#viewers]) {
      for (const socket of server.clients) socket.terminate()
      server.close()
    }
  }

  #adder(role: Role): ((socket: WebSocket) => void) | undefined {
    const { addViewer, addFeed, addPlainViewer } = this.#exhibit
    return { viewer: addViewer, feed: addFeed, stately: addPlainViewer }[role]
  }

  #ping(): void {
    for (const socket of [...this.#feeds.clients, ...this.#viewers.clients]) {
      if (this.#silent.has(socket)) socket.terminate()
      this.#silent.add(socket)
      socket.ping()
    }
  }
}

function socketServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({ noServer: true, clientTracking: true, perMessageDeflate: false, maxPayload })
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, refused) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') error.message += '. Is another visualizer running? Port 0 takes a free port'
      refused(error)
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}
