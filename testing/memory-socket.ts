import { Duplex } from 'node:stream'

import { soon } from '../src/shared/soon.ts'

/** A socket of Node, as far as the test servers use it. */
export interface RawSocket extends Duplex {
  /** Closes with an RST. */
  resetAndDestroy(): this
}

/**
 * One end of a connection in memory. It ends and fails as a TCP connection does, and needs no timers: its streams are
 * Node's own, which no fake timers affect unless they replace `process.nextTick` for the whole process.
 */
export class MemorySocket extends Duplex implements RawSocket {
  #peer: MemorySocket | undefined
  /** Called when the other end may send more. */
  #goOn: (() => void) | undefined
  #hasEnded = false

  private constructor() {
    super({ allowHalfOpen: false })
  }

  /** @returns both ends of a new connection */
  static pair(): [MemorySocket, MemorySocket] {
    const [one, other] = [new MemorySocket(), new MemorySocket()]
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  resetAndDestroy(): this {
    this.#peer?.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }))
    return this.destroy()
  }

  override _read(): void {
    const goOn = this.#goOn
    this.#goOn = undefined
    goOn?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // As on a network, nothing arrives before `write` has returned.
    soon(() => {
      const peer = this.#peer
      // What is written to a closed connection is lost.
      if (!peer || peer.destroyed || peer.push(chunk)) done()
      else peer.#goOn = done
    })
  }

  override _final(done: () => void): void {
    this.#end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end()
    // The other end must not wait for this one to read.
    this._read()
    done(error)
  }

  /** Sends the end of the stream, once. */
  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (!this.#peer?.destroyed) this.#peer?.push(null)
  }
}
