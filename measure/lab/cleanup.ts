import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

/** The functions that clean up when this process ends, in the order in which they were added. */
const pending = new Set<() => void>()

/**
 * Registers a function that runs when this process ends, also with Ctrl-C. It cannot await anything.
 *
 * @returns removes the function again
 */
export function beforeExit(tidy: () => void): () => void {
  if (pending.size === 0) watch()
  pending.add(tidy)
  return () => {
    pending.delete(tidy)
    if (pending.size === 0) unwatch()
  }
}

/** A folder that is removed when it is disposed, and at the latest when this process ends. */
export class TemporaryFolder implements Disposable {
  readonly path: string
  readonly #gone: () => void

  constructor(name: string) {
    this.path = mkdtempSync(join(tmpdir(), `xstate-mqtt-${name}-`))
    this.#gone = beforeExit(() => this.#remove())
  }

  [Symbol.dispose](): void {
    this.#remove()
    this.#gone()
  }

  #remove(): void {
    // A process that was just killed may have created another file meanwhile, so removing is retried.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function watch(): void {
  process.on('exit', tidyUp)
  for (const signal of SIGNALS) process.on(signal, end)
}

function unwatch(): void {
  process.off('exit', tidyUp)
  for (const signal of SIGNALS) process.off(signal, end)
}

function tidyUp(): void {
  for (const tidy of [...pending].toReversed()) tidy()
}

function end(signal: (typeof SIGNALS)[number]): void {
  process.exit(128 + constants.signals[signal])
}
