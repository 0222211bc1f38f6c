import { InvalidOptionError } from '../api/errors.ts'
import type { DuplexStream, SocketSource } from '../api/socket.ts'
import { nothing } from '../shared/nothing.ts'
import { targetOf } from './server-url.ts'

/** The function `socket` failed, or its socket is closed already. That error is the cause. */
export class SocketSourceError extends Error {}

/** The socket that the function `socket` opens for one attempt. */
export class ProvidedSocket {
  readonly #controller = new AbortController()
  #isOver = false

  /**
   * @returns the socket; `undefined` if the attempt has ended meanwhile
   * @throws {SocketSourceError} if the function throws or rejects, or the socket is closed already
   * @throws {InvalidOptionError} if its result is no stream
   */
  async open(source: SocketSource, url: string): Promise<DuplexStream | undefined> {
    const { signal } = this.#controller
    let socket: unknown
    // A socket of Node that can't connect may emit its error before the next microtask, unless a microtask has opened it.
    await Promise.resolve()
    if (signal.aborted) return undefined
    try {
      socket = await source({ ...targetOf(url), signal })
    } catch (cause) {
      if (signal.aborted) return undefined
      throw new SocketSourceError('the function socket failed', { cause })
    }
    if (!isDuplex(socket)) {
      const got = socket === undefined ? ', got undefined' : ''
      throw new InvalidOptionError('options.socket', `must return a Duplex stream${got}`, socket)
    }
    this.#isOver = true
    // TLS and WebSocket handle its errors, but not always from the beginning to the end.
    socket.on('error', nothing)
    // The server has ended the connection. Not every stream closes by itself then.
    socket.on('end', () => socket.destroy())
    const isClosed = hasEnded(socket)
    if (!signal.aborted && !isClosed) return socket
    socket.destroy()
    if (signal.aborted) return undefined
    const cause = (socket as StreamState).errored ?? new Error('the socket is closed already')
    throw new SocketSourceError('the function socket gave a closed socket', { cause })
  }

  /** The attempt has ended. The signal aborts, unless the socket was given. */
  end(): void {
    if (!this.#isOver) this.#controller.abort()
  }
}

/** What streams of Node tell about themselves, too. */
interface StreamState {
  readonly destroyed?: boolean
  readonly readableEnded?: boolean
  readonly errored?: Error | null
}

/** Such a socket may never emit anything again. */
function hasEnded(socket: DuplexStream & StreamState): boolean {
  return !socket.writable || socket.destroyed === true || socket.readableEnded === true
}

function isDuplex(value: unknown): value is DuplexStream {
  if (typeof value !== 'object' || value === null) return false
  const stream = value as Partial<Record<string, unknown>>
  return ['on', 'write', 'pause', 'resume', 'destroy'].every((name) => typeof stream[name] === 'function')
}
