import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { TemporaryFolder } from '../lab/cleanup.ts'
import { Mosquitto } from '../lab/mosquitto.ts'
import { freePort } from '../lab/ports.ts'
import { tls } from '../lab/tls-fixture.ts'
import { USERNAME } from './clients/client.ts'
import { eventually } from './eventually.ts'

/** In milliseconds. On a busy machine, writing the database may take this long. */
const SAVED_WITHIN = 10_000

/** How a client reaches the broker. */
export type Transport = 'mqtt' | 'mqtts' | 'ws'

/** A mosquitto that keeps its sessions on disk, with a port for each transport and a password that can be replaced. */
export class ChaosBroker implements AsyncDisposable {
  readonly ports: Readonly<Record<Transport, number>>
  readonly #mosquitto: Mosquitto
  readonly #files: TemporaryFolder
  #password = 'password-0'
  #generation = 0

  static async start(): Promise<ChaosBroker> {
    const folder = new TemporaryFolder('chaos')
    const files = folder.path
    const ports = { mqtt: await freePort(), mqtts: await freePort(), ws: await freePort() }
    writeFileSync(join(files, 'cert.pem'), tls.cert)
    writeFileSync(join(files, 'key.pem'), tls.key)
    writePassword(files, 'password-0')
    const mosquitto = await Mosquitto.start({
      port: ports.mqtt,
      config: [
        `listener ${ports.ws} 127.0.0.1`,
        'protocol websockets',
        `listener ${ports.mqtts} 127.0.0.1`,
        `certfile ${join(files, 'cert.pem')}`,
        `keyfile ${join(files, 'key.pem')}`,
        'allow_anonymous false',
        `password_file ${join(files, 'passwords')}`,
        'persistence true',
        `persistence_location ${files}/`,
        // Saving automatically would write everything at each change, and fall behind. `kill` saves instead.
        'autosave_interval 0',
        // When a subscriber's window is full, mosquitto 2.0 sends new messages before queued ones, to any client. So the
        // window must never be full here.
        'max_inflight_messages 20000',
        'max_queued_messages 0',
        'log_type error',
      ],
    })
    return new ChaosBroker(mosquitto, folder, ports)
  }

  private constructor(mosquitto: Mosquitto, files: TemporaryFolder, ports: ChaosBroker['ports']) {
    this.#mosquitto = mosquitto
    this.#files = files
    this.ports = ports
  }

  get password(): string {
    return this.#password
  }

  /**
   * Sends SIGKILL after all acknowledged messages are on disk. mosquitto acknowledges messages before it writes them, and
   * no client could recover from that.
   */
  async kill(): Promise<void> {
    // Between two saves, mosquitto reads the messages that have arrived.
    for (let save = 0; save < 3; save++) await this.#save()
    await this.#mosquitto.down('SIGKILL')
  }

  up(): Promise<void> {
    return this.#mosquitto.up()
  }

  freeze(): void {
    this.#mosquitto.signal('SIGSTOP')
  }

  thaw(): void {
    this.#mosquitto.signal('SIGCONT')
  }

  /** Deletes all sessions. Call it only while the broker is down. */
  forgetSessions(): void {
    rmSync(this.#database, { force: true })
  }

  /** Replaces the password. mosquitto disconnects clients that connected with the old one. */
  replacePassword(): void {
    this.#password = `password-${++this.#generation}`
    writePassword(this.#files.path, this.#password)
    this.#mosquitto.signal('SIGHUP')
  }

  get #database(): string {
    return join(this.#files.path, 'mosquitto.db')
  }

  /** Saves the sessions. mosquitto moves its database into place when it is complete. */
  async #save(): Promise<void> {
    rmSync(this.#database, { force: true })
    this.#mosquitto.signal('SIGUSR1')
    if (await eventually(() => existsSync(this.#database), SAVED_WITHIN)) return
    throw new Error(`mosquitto did not save its sessions within ${SAVED_WITHIN} ms`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw()
    await this.#mosquitto[Symbol.asyncDispose]()
    this.#files[Symbol.dispose]()
  }
}

/** Writes a password file as `mosquitto_passwd` would: PBKDF2 with SHA-512. */
function writePassword(files: string, password: string): void {
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512')
  const file = join(files, 'passwords')
  writeFileSync(`${file}.new`, `${USERNAME}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`, {
    mode: 0o600,
  })
  renameSync(`${file}.new`, file)
}
