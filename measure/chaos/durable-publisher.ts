import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { compile } from '../lab/build.ts'
import { beforeExit, TemporaryFolder } from '../lab/cleanup.ts'
import type { DurableCommand, DurableReport, DurableSettings } from './durable-process.ts'
import { payloadOf, type Stream } from './ledger.ts'

/** A publisher in a separate process, with a store on disk. The process may be killed at any moment. */
export class DurablePublisher implements AsyncDisposable {
  readonly #settings: Omit<DurableSettings, 'password' | 'store'>
  readonly #folder = new TemporaryFolder('chaos-store')
  readonly #gone: () => void
  readonly #script: string
  readonly #streams: readonly Stream[]
  readonly #password: () => string
  #child: ChildProcess | undefined
  #waiting = 0
  #sentPassword: string

  static async start(
    settings: Omit<DurableSettings, 'password' | 'store'>,
    streams: readonly Stream[],
    password: () => string,
  ): Promise<DurablePublisher> {
    const script = await compile(new URL('durable-process.ts', import.meta.url))
    const publisher = new DurablePublisher(settings, script, streams, password)
    publisher.#start()
    return publisher
  }

  private constructor(
    settings: Omit<DurableSettings, 'password' | 'store'>,
    script: string,
    streams: readonly Stream[],
    password: () => string,
  ) {
    this.#settings = settings
    this.#script = script
    this.#streams = streams
    this.#password = password
    this.#sentPassword = password()
    this.#gone = beforeExit(() => this.#child?.kill('SIGKILL'))
  }

  /** Publishes a message. It counts as accepted when the process reports that it is on disk. */
  publish(stream: Stream, padding: number): void {
    if (this.#sentPassword !== this.#password()) {
      this.#sentPassword = this.#password()
      this.#send({ type: 'password', password: this.#sentPassword })
    }
    const n = stream.next()
    this.#send({ type: 'publish', topic: stream.topic, payload: payloadOf(n, padding), qos: stream.qos, n })
  }

  async kill(): Promise<void> {
    await this.#end()
    this.#start()
  }

  /** Resolves to whether the store is empty in time. */
  async drained(within: number): Promise<boolean> {
    const deadline = Date.now() + within
    while (Date.now() < deadline) {
      this.#waiting = Number.NaN
      this.#send({ type: 'status' })
      await sleep(100)
      if (this.#waiting !== 0) continue
      for (const stream of this.#streams) for (const n of stream.sent.keys()) stream.acknowledged(n)
      return true
    }
    return false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    this.#gone()
    this.#folder[Symbol.dispose]()
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  #start(): void {
    this.#sentPassword = this.#password()
    const store = join(this.#folder.path, 'store')
    const settings: DurableSettings = { ...this.#settings, store, password: this.#sentPassword }
    const child = spawn(process.execPath, [this.#script, JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.on('error', () => {})
    child.on('message', (report: DurableReport) => {
      if (report.type === 'status') this.#waiting = report.waiting
      else this.#note(report)
    })
    this.#child = child
  }

  #note(report: Exclude<DurableReport, { type: 'status' }>): void {
    const stream = this.#streams.find(({ topic }) => topic === report.topic)
    if (report.type === 'accepted') stream?.accepted(report.n)
    else stream?.refused(report.n, report.reason)
  }

  #send(command: DurableCommand): void {
    // The process may just have been killed.
    if (this.#child?.connected) this.#child.send(command, () => {})
  }
}
