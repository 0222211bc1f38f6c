import type { Readable, Writable } from 'node:stream'

import type { Clock } from '../src/api/clock.ts'
import { realClock } from '../src/shared/clock.ts'
import { interruption } from './interruption.ts'
import type { Output } from './terminal.ts'

/** What a command uses of its process. Tests replace it. */
export interface Shell {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & Omit<Output, 'write'>
  readonly stderr: Writable & Omit<Output, 'write'>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Returns what aborts at the first Ctrl-C or SIGTERM. Until it is called, these signals end the process. */
  interruption(): AbortController
  /**
   * Called once, if nothing more can be written to stdout. Without it, that ends the process.
   *
   * @param handler - gets no error if the reader of stdout, such as `head`, has closed the pipe
   */
  onOutputClosed(handler: (error?: Error) => void): void
  readonly clock: Clock
}

export function processShell(): Shell {
  let ended = exitWithoutOutput
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const handler = ended
    ended = () => {}
    // It is not an error that the reader has read enough.
    handler(error.code === 'EPIPE' ? undefined : error)
  })
  // Then there is nowhere to say anything.
  process.stderr.on('error', () => {})
  return {
    // Not before it is needed: it opens the file.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    clock: realClock,
    interruption,
    onOutputClosed: (handler) => void (ended = handler),
  }
}

function exitWithoutOutput(error?: Error): void {
  if (error) printError(process, `xstate-mqtt: stdout: ${error.message}`)
  process.exit(error ? 1 : 0)
}

/** Prints lines. */
export function print({ stdout }: Pick<Shell, 'stdout'>, text: string): void {
  stdout.write(`${text}\n`)
}

/** Prints lines that are not the output of the command. */
export function printError({ stderr }: Pick<Shell, 'stderr'>, text: string): void {
  stderr.write(`${text}\n`)
}
