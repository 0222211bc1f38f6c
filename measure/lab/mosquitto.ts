import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { beforeExit, TemporaryFolder } from './cleanup.ts'
import { accepts, freePort } from './ports.ts'

const READY_WITHIN = 15_000

type Lines = readonly string[]

export interface MosquittoOptions {
  /** Lines for `mosquitto.conf`, after those of the listener `mqtt`; a function gets the broker's folder. */
  readonly config?: Lines | ((folder: string) => Lines)
  /** The port of the listener `mqtt` on 127.0.0.1. @default a free port */
  readonly port?: number
  /** Further listeners by name, each with its lines. */
  readonly listeners?: (folder: string) => Readonly<Record<string, Lines>>
  /** Writes files into the folder before the broker starts. */
  readonly prepare?: (folder: string) => void
}

/**
 * A mosquitto broker on loopback ports. Its process and its folder are removed when it is disposed, and at the latest when
 * this process ends.
 */
export class Mosquitto implements AsyncDisposable {
  readonly port: number
  /** The ports of all listeners, including `mqtt`. */
  readonly ports: Readonly<Record<string, number>>
  readonly #folder = new TemporaryFolder('mosquitto')
  readonly #configFile: string
  readonly #gone: () => void
  #child: ChildProcess | undefined
  #log = ''

  /** Resolves when it accepts connections. */
  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const ports: Record<string, number> = { mqtt: options.port ?? (await freePort()) }
    for (const name of Object.keys(options.listeners?.('') ?? {})) ports[name] = await freePort()
    const broker = new Mosquitto(options, ports)
    await broker.up()
    return broker
  }

  private constructor({ config = [], listeners, prepare }: MosquittoOptions, ports: Record<string, number>) {
    this.port = ports['mqtt'] ?? 0
    this.ports = ports
    this.#gone = beforeExit(() => this.signal('SIGKILL'))
    this.#configFile = join(this.folder, 'mosquitto.conf')
    prepare?.(this.folder)
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'set_tcp_nodelay true',
      // Settings belong to the listener before them, so those of the first listener come first.
      ...(typeof config === 'function' ? config(this.folder) : config),
      ...Object.entries(listeners?.(this.folder) ?? {}).flatMap(([name, more]) => [
        `listener ${ports[name]} 127.0.0.1`,
        ...more,
      ]),
    ]
    writeFileSync(this.#configFile, `${lines.join('\n')}\n`)
  }

  /** The folder of its configuration, and by default of its persisted data. */
  get folder(): string {
    return this.#folder.path
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** Starts mosquitto. Resolves when all its listeners accept connections. */
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
    for (const port of Object.values(this.ports)) await Promise.race([listening(port), ended])
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends mosquitto. Resolves when its process has ended. Persisted sessions are kept. */
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

async function listening(port: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  while (Date.now() < deadline) {
    if (await accepts(port)) return
    await sleep(5)
  }
  throw new Error(`mosquitto does not listen on ${port}`)
}

/** The environment in which `mosquitto` is found: packages install it into a folder for administrators. */
export function mosquittoEnv(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter) }
}
