import { Readable, Writable } from 'node:stream'

import { runCommandLine } from '../../cli/command-line.ts'
import type { Shell } from '../../cli/shell.ts'
import type { Clock } from '../../src/api/clock.ts'
import { realClock } from '../../src/shared/clock.ts'

interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Of stdout and stderr. */
  readonly columns?: number
  readonly stdin?: Readable
  readonly stdout?: Writable
  readonly isTTY?: boolean
  readonly clock?: Clock
}

/** A command line whose streams and signals belong to a test. It reads no config file of this computer. */
export function createShell({
  env = {},
  columns,
  stdin = Readable.from([]),
  stdout,
  isTTY,
  clock = realClock,
}: ShellOptions = {}) {
  const output = new Collector()
  const errors = new Collector()
  const terminal = { ...(columns !== undefined && { columns }), ...(isTTY !== undefined && { isTTY }) }
  const interrupted = new AbortController()
  let outputClosed: (error?: Error) => void = () => {}
  const shell: Shell = {
    stdin,
    stdout: Object.assign(stdout ?? output, terminal),
    stderr: Object.assign(errors, terminal),
    env: { XDG_CONFIG_HOME: '/nowhere', ...env },
    interruption: () => interrupted,
    clock,
    onOutputClosed: (handler) => void (outputClosed = handler),
  }
  return {
    shell,
    run: (...args: readonly string[]) => runCommandLine(args, shell),
    /** Unless the test has given one. */
    stdout: () => output.bytes.toString(),
    bytes: () => output.bytes,
    stderr: () => errors.bytes.toString(),
    interrupt: () => interrupted.abort(),
    closeOutput: (error?: Error) => outputClosed(error),
  }
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }
}
