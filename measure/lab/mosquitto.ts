import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { accepts, freePort } from './ports.ts'
import { beforeExit, TemporaryFolder } from './cleanup.ts'

const READY_WITHIN = 15_000

export interface MosquittoOptions {
  /** Lines for `mosquitto.conf`, after the listener. */
  readonly config?: readonly string[]
  /** A free one of 127.0.0.1 by default. */
  readonly port?: number
}

/** A real broker on a loopback port. Its process and its folder go with it, and at the latest with this process. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number
  readonly #folder = new TemporaryFolder('mosquitto')
  readonly #configFile: string
  readonly #gone: () => void
  #child: ChildProcess | undefined
  #log = ''

  static async start({ config = [], port }: MosquittoOptions = {}): Promise<Mosquitto> {
    const broker = new Mosquitto(port ?? (await freePort()), config)
    await broker.up()
    return broker
  }

  private constructor(port: number, config: readonly string[]) {
    this.port = port
    this.#gone = beforeExit(() => this.signal('SIGKILL'))
    this.#configFile = join(this.#folder.path, 'mosquitto.conf')
    const lines = [`listener ${port} 127.0.0.1`, 'user root', 'set_tcp_nodelay true', ...config]
    // A listener of `config` takes what follows it, so the settings of the first one come first.
    writeFileSync(this.#configFile, `${lines.join('\n')}\n`)
  }

  /** Resolves when it listens. */
  async up(): Promise<void> {
    const child = spawn('mosquitto', ['-c', this.#configFile], {
      env: mosquittoEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => (this.#log = (this.#log + String(chunk)).slice(-4_000)))
    }
    const ended = new Promise<never>((_, reject) => {
      child.once('error', (cause) => reject(new Error('mosquitto did not start: is it installed?', { cause })))
      child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}:\n${this.#log}`)))
    })
    ended.catch(() => {})
    await Promise.race([listening(this.port), ended])
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Resolves when the process is gone. */
  async down(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child) return
    this.#child = undefined
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
    this.#gone()
    this.#folder[Symbol.dispose]()
  }
}

/** The environment in which `mosquitto` is found: packages install it into a folder for administrators. */
export function mosquittoEnv(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter) }
}

async function listening(port: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  while (Date.now() < deadline) {
    if (await accepts(port)) return
    await sleep(5)
  }
  throw new Error(`mosquitto does not listen on ${port}`)
}
