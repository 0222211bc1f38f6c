import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** The HTTP response to a request that is refused. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 503
  readonly message: string
}

export function randomToken(): string {
  return randomBytes(24).toString('base64url')
}

/** Decides which requests the server answers: those with the token, unless they come from a page of another site. */
export class Access {
  readonly #token: Buffer
  readonly #host: string
  readonly #origins: ReadonlySet<string>

  /** @param origins - of other pages that may report, in the form in which browsers send them */
  constructor(token: string, host: string, origins: readonly string[]) {
    this.#token = digest(token)
    this.#host = host
    this.#origins = new Set(origins)
  }

  host(request: IncomingMessage): Refusal | undefined {
    const port = request.socket.localPort ?? 0
    // Against DNS rebinding: if a foreign name resolved to this server, pages of that site would count as our own.
    if (this.#isOwn(request.headers.host ?? '', port)) return undefined
    return { status: 403, message: 'The Host header names another host. Open the address that the visualizer printed.' }
  }

  token(url: URL): Refusal | undefined {
    // Digests have the same length, so the comparison reveals nothing about the token.
    const given = digest(url.searchParams.get('token') ?? '')
    if (timingSafeEqual(given, this.#token)) return undefined
    return {
      status: 401,
      message: 'The token is missing or wrong. Open the address that the visualizer printed, including the token.',
    }
  }

  /** Browsers send the origin of the page that opens a WebSocket. A request without one is not from a browser. */
  origin(request: IncomingMessage, feed: boolean): Refusal | undefined {
    const { origin, host } = request.headers
    if (origin === undefined || origin === `http://${host}`) return undefined
    if (feed && this.#origins.has(origin)) return undefined
    return { status: 403, message: 'Pages of other sites must not connect.' }
  }

  #isOwn(header: string, port: number): boolean {
    const name = header.endsWith(`:${port}`) ? header.slice(0, -`:${port}`.length) : header
    if (name === header && port !== 80) return false
    const lower = name.toLowerCase()
    if (lower === this.#host.toLowerCase() || lower === `[${this.#host.toLowerCase()}]`) return true
    if (isLoopback(this.#host)) return LOOPBACK.has(lower)
    // The server listens on more than loopback. DNS rebinding works neither with an address nor with this machine's name.
    return LOOPBACK.has(lower) || isIP(lower.replace(/^\[(.*)\]$/, '$1')) !== 0 || lower === hostname().toLowerCase()
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
