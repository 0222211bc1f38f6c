import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What would outlive this process, in the order in which it came. */
const leftBehind = new Set<() => void>()

/**
 * Done when this process ends by whichever way it can see, Ctrl-C included; nothing can be awaited by then.
 *
 * @returns what says that it is done already
 */
export function beforeExit(tidy: () => void): () => void {
  if (leftBehind.size === 0) watch()
  leftBehind.add(tidy)
  return () => {
    leftBehind.delete(tidy)
    if (leftBehind.size === 0) unwatch()
  }
}

/** A folder that goes with its owner, and at the latest with this process. */
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
    // Who was killed a moment ago may have made a file meanwhile.
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
  for (const tidy of [...leftBehind].toReversed()) tidy()
}

function end(signal: (typeof SIGNALS)[number]): void {
  process.exit(128 + constants.signals[signal])
}
