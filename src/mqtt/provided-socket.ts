import { InvalidOptionError } from '../api/errors.ts'
import type { DuplexStream, SocketSource } from '../api/socket.ts'
import { nothing } from '../shared/nothing.ts'
import { targetOf } from './server-url.ts'

/** The function `socket` failed. Its error is the cause. */
export class SocketSourceError extends Error {}

/** The socket that the function `socket` opens for one attempt. */
export class ProvidedSocket {
  readonly #controller = new AbortController()
  #isOver = false

  /**
   * @returns the socket; `undefined` if the attempt has ended meanwhile
   * @throws {SocketSourceError} if the function throws or rejects
   * @throws {InvalidOptionError} if its result is no stream
   */
  async open(source: SocketSource, url: string): Promise<DuplexStream | undefined> {
    const { signal } = this.#controller
    let socket: unknown
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
    // The server has ended the connection. Not every stream closes by itself then.
    socket.on('end', () => socket.destroy())
    if (!signal.aborted) return socket
    // No code is left that would handle its errors.
    socket.on('error', nothing)
    socket.destroy()
    return undefined
  }

  /** The attempt has ended. The signal aborts, unless the socket was given. */
  end(): void {
    if (!this.#isOver) this.#controller.abort()
  }
}

function isDuplex(value: unknown): value is DuplexStream {
  if (typeof value !== 'object' || value === null) return false
  const stream = value as Partial<Record<string, unknown>>
  return ['on', 'write', 'pause', 'resume', 'destroy'].every((name) => typeof stream[name] === 'function')
}
