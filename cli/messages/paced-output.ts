import type { Writable } from 'node:stream'

/** Writes to a stream, and says when the system has taken what was written. */
export class PacedOutput {
  readonly #stream: Writable

  constructor(stream: Writable) {
    this.#stream = stream
  }

  /**
   * @returns resolves when the system has taken it; `undefined` if it has. It stays pending if writing fails: the stream
   *   emits the error
   */
  write(chunk: string | Uint8Array): Promise<void> | undefined {
    let taken = () => {}
    this.#stream.write(chunk, (error) => {
      if (!error) taken()
    })
    // A file, or a pipe with space left, has taken it by now, although the stream calls back later.
    if (this.#stream.writableLength === 0 && !this.#stream.errored) return undefined
    return new Promise((resolve) => (taken = resolve))
  }
}
