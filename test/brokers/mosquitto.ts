import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { accepts, freePort } from '../../measure/lab/ports.ts'

/** Debian puts it where only root looks. */
const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter) }

const PLUGINS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map(
  (folder) => `${folder}/mosquitto_dynamic_security.so`,
)

export const installed = spawnSync('mosquitto', ['-h'], { env }).error === undefined

export const howToInstall = 'mosquitto is not installed: sudo apt-get install mosquitto'

export interface MosquittoOptions {
  /** Lines of the configuration, behind those that every one has; `dir` holds its files. */
  readonly config?: (dir: string) => readonly string[]
  /** Lines of further listeners, by name. */
  readonly listeners?: (dir: string) => Readonly<Record<string, readonly string[]>>
  /** Files to write first, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Makes more files. */
  readonly prepare?: (dir: string) => void
}

/** A real mosquitto on free ports of 127.0.0.1, with a folder of its own. */
export class Mosquitto {
  readonly dir = mkdtempSync(join(tmpdir(), 'xstate-mqtt-mosquitto-'))
  readonly ports: Readonly<Record<string, number>>
  readonly #config: string
  #process: ChildProcess | undefined
  #output = ''

  private constructor(options: MosquittoOptions, ports: Readonly<Record<string, number>>) {
    this.ports = ports
    this.#config = join(this.dir, 'mosquitto.conf')
    for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(join(this.dir, name), content)
    options.prepare?.(this.dir)
    const listeners = Object.entries({ mqtt: [], ...options.listeners?.(this.dir) })
    const lines = [
      'per_listener_settings false',
      'allow_anonymous true',
      'log_dest stderr',
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'persistence true',
      `persistence_location ${this.dir}/`,
      'autosave_interval 1',
      'autosave_on_changes true',
      ...(options.config?.(this.dir) ?? []),
      ...listeners.flatMap(([name, more]) => [`listener ${ports[name]} 127.0.0.1`, ...more]),
    ]
    writeFileSync(this.#config, `${lines.join('\n')}\n`)
  }

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const names = ['mqtt', ...Object.keys(options.listeners?.('') ?? {})]
    const ports: Record<string, number> = {}
    for (const name of names) ports[name] = await freePort()
    const mosquitto = new Mosquitto(options, ports)
    await mosquitto.start()
    return mosquitto
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.ports['mqtt']}`
  }

  async start(): Promise<void> {
    const child = spawn('mosquitto', ['-c', this.#config], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    child.stderr.on('data', (chunk) => {
      this.#output = `${this.#output}${String(chunk)}`.slice(-4_000)
    })
    const gone = new Promise<never>((_, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}: ${this.#output}`)))
    })
    gone.catch(() => {})
    for (const port of Object.values(this.ports)) await Promise.race([gone, listening(port)])
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGHUP' | 'SIGUSR1'): void {
    this.#process?.kill(signal)
  }

  /** Kills it at once; its persisted sessions stay. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Sets the password of a user in a password file, in place of all that it held. */
export function writePassword(file: string, user: string, password: string): void {
  execFileSync('mosquitto_passwd', ['-b', '-c', file, user, password], { env, stdio: 'ignore' })
  // It is for its owner only, who is root here.
}

/** The path of the dynamic security plugin, with the tool that goes with it. */
export function dynamicSecurity(): { readonly plugin: string; run: (args: readonly string[]) => void } | undefined {
  const plugin = PLUGINS.find((path) => spawnSync('test', ['-e', path]).status === 0)
  if (!plugin || spawnSync('mosquitto_ctrl', ['--help'], { env }).error) return undefined
  return {
    plugin,
    run: (args) => void execFileSync('mosquitto_ctrl', [...args], { env, stdio: 'pipe', timeout: 10_000 }),
  }
}

/** Resolves when the port takes connections. */
async function listening(port: number): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error(`Nobody listens on ${port} after 10 s`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
