import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'

import { parseUrl } from '../../src/shared/parse-url.ts'
import { parseVisualizerOptions, type Visualizer, type VisualizerOptions } from '../options.ts'
import { Sampler } from '../record/sampler.ts'
import { Access, randomToken, type Refusal } from './access.ts'
import { Hub } from './hub.ts'
import { builtPage, refuse, servePage } from './page-files.ts'

/** The largest frame of an app; `connectVisualizer` sends at most 256 KB. A page sends only commands. */
const MAX_FEED_BYTES = 1024 * 1024
const MAX_VIEWER_BYTES = 16 * 1024
const MAX_UNREAD_BYTES = 32 * 1024 * 1024
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

/**
 * Serves the page that shows running actors, and receives what apps report.
 *
 * @returns resolves when it is listening
 * @throws {InvalidOptionError} if an option is wrong
 */
export function createVisualizer(options: VisualizerOptions = {}): Promise<Visualizer> {
  return serve(options, { pageFolder: builtPage, maxUnreadBytes: MAX_UNREAD_BYTES })
}

interface Setting {
  readonly pageFolder: string
  /** A viewer with more unread bytes is disconnected. */
  readonly maxUnreadBytes: number
}

/** `createVisualizer`, with settings that only tests change. */
export async function serve(options: VisualizerOptions, { pageFolder, maxUnreadBytes }: Setting): Promise<Visualizer> {
  const config = parseVisualizerOptions(options)
  const { token = randomToken() } = config
  const hub = new Hub({ ...config, maxMessageBytes: MAX_FEED_BYTES, maxUnreadBytes })
  const access = new Access(token, config.host, config.origins)
  const server = createServer()
  const sockets = new Sockets(hub)

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
  const sampler = new Sampler(hub.recorder)
  return {
    url: `http://${host}:${port}/?token=${encodeURIComponent(token)}`,
    inspect: hub.recorder.inspect,
    watch: (actor, sample) => sampler.watch(actor, sample),
    async close() {
      sampler.stop()
      sockets.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

interface Site {
  readonly access: Access
  readonly pageFolder: string
}

async function answerRequest(request: IncomingMessage, response: ServerResponse, site: Site): Promise<void> {
  const url = urlOf(request)
  const refusal =
    site.access.host(request) ??
    (request.method === 'GET' || request.method === 'HEAD' ? undefined : NOT_ALLOWED) ??
    (url ? undefined : BAD_REQUEST) ??
    // The page's files contain no data. Its entry needs the token, so that others do not learn what runs on this port.
    (url?.pathname === '/' || url?.pathname === '/index.html' ? site.access.token(url) : undefined) ??
    (url && (await servePage(site.pageFolder, url.pathname, response)))
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
  readonly #hub: Hub
  readonly #feeds = socketServer(MAX_FEED_BYTES)
  readonly #viewers = socketServer(MAX_VIEWER_BYTES)
  readonly #silent = new WeakSet<WebSocket>()
  readonly #pings: NodeJS.Timeout

  constructor(hub: Hub) {
    this.#hub = hub
    this.#pings = setInterval(() => this.#ping(), PING_EVERY).unref()
  }

  accept(role: Role, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [server, limit] = role === 'feed' ? [this.#feeds, MAX_FEEDS] : [this.#viewers, MAX_VIEWERS]
    if (server.clients.size >= limit) {
      return reject(socket, { status: 503, message: `There are already ${limit} connections of this kind.` })
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      // An error, such as a message that is too large, also closes the socket. Nothing more has to be done.
      webSocket.on('error', () => {})
      webSocket.on('pong', () => this.#silent.delete(webSocket))
      if (role === 'feed') this.#hub.addFeed(webSocket)
      else this.#hub.addViewer(webSocket, role === 'stately')
    })
  }

  close(): void {
    clearInterval(this.#pings)
    this.#hub.viewers.close()
    for (const server of [this.#feeds, this.#viewers]) {
      for (const socket of server.clients) socket.terminate()
      server.close()
    }
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
