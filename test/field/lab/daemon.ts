import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import { beforeExit, TemporaryFolder } from '../../../measure/lab/cleanup.ts'
import { mosquittoEnv } from '../../../measure/lab/mosquitto.ts'
import { accepts } from '../../../measure/lab/ports.ts'

export interface DaemonOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** It is ready when it accepts connections on this port of 127.0.0.1. */
  readonly port: number
  /** How long it may take until then, in milliseconds. @default 60_000 */
  readonly readyWithin?: number
}

/**
 * A server in a process group of its own, with a temporary folder. Both are removed when it is disposed, and at the latest
 * when this process ends.
 */
export class Daemon implements AsyncDisposable {
  readonly port: number
  readonly #options: DaemonOptions
  readonly #folder: TemporaryFolder
  readonly #gone: () => void
  #child: ChildProcess | undefined
  #log = ''

  /**
   * Resolves when it is ready.
   *
   * @param configure - writes its files into the folder and returns how to start it
   */
  static async start(name: string, configure: (folder: string) => DaemonOptions): Promise<Daemon> {
    const folder = new TemporaryFolder(name)
    const daemon = new Daemon(folder, configure(folder.path))
    await daemon.up()
    return daemon
  }

  private constructor(folder: TemporaryFolder, options: DaemonOptions) {
    this.port = options.port
    this.#folder = folder
    this.#options = options
    this.#gone = beforeExit(() => this.#signal('SIGKILL'))
  }

  async up(): Promise<void> {
    const { command, args, env, port, readyWithin = 60_000 } = this.#options
    const child = spawn(command, args, {
      cwd: this.#folder.path,
      env: { ...mosquittoEnv(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    let ended = false
    child.once('error', () => (ended = true))
    child.once('exit', () => (ended = true))
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => (this.#log = (this.#log + String(chunk)).slice(-4_000)))
    }
    const deadline = Date.now() + readyWithin
    while (!(await accepts(port))) {
      if (ended || Date.now() > deadline) throw new Error(`${command} does not listen on ${port}:\n${this.#log}`)
      await sleep(50)
    }
  }

  /** Ends the process with all its children, with SIGKILL if SIGTERM has not ended it after 10 s. */
  async down(): Promise<void> {
    const child = this.#child
    if (!child) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.signalCode === null) {
      this.#signal('SIGTERM')
      await Promise.race([gone, sleep(10_000, undefined, { ref: false })])
    }
    this.#signal('SIGKILL')
    this.#child = undefined
  }

  /** Ends the process with all its children by SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    this.#signal('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await gone
    this.#child = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
    this.#gone()
    this.#folder[Symbol.dispose]()
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // The whole group has ended already.
    }
  }
}
