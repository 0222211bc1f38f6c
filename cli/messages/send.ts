import type { Readable } from 'node:stream'

import type { PublishProperties, Qos } from '../../src/api/message.ts'
import type { ResilientMqttClient } from '../../src/client.ts'
import type { Connection } from '../connection.ts'
import { count } from '../count.ts'
import { exitCodeOf, FAILED } from '../exit-codes.ts'
import type { Shell } from '../shell.ts'
import { aborted, endAt, Ending } from './ending.ts'
import { createPersistentClient } from './never-gives-up.ts'
import { StatusLines } from './status-lines.ts'

export interface SendOptions {
  readonly connection: Connection
  readonly topic: string
  /** Opens the input, which is destroyed if the run ends first. Its errors are handled from then on. */
  readonly open: () => Readable
  /** Cuts the bytes into payloads. */
  readonly payloadsOf: (input: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** Ends after so many milliseconds with the exit code 27; `undefined` for never. */
  readonly wait: number | undefined
  readonly isQuiet: boolean
}

/** How many publishes may be unacknowledged. It bounds the memory: the input is not read meanwhile. */
const MAX_PENDING = 1_000
/** The size of their payloads, in bytes. A single one may exceed it. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024
/** How many failed publishes get a line each. */
const MAX_TOLD = 5

/**
 * Publishes payloads in their order, and ends when all are acknowledged, the time is over, or at Ctrl-C.
 *
 * @returns the exit code: 0 only if the broker has acknowledged everything that was read
 */
export async function send(options: SendOptions, shell: Shell): Promise<number> {
  const { connection, wait, isQuiet } = options
  const lines = new StatusLines(shell, { isQuiet, withFirst: false })
  for (const warning of connection.warnings) lines.say(warning)
  const ending = new Ending()
  endAt(ending, shell, wait)
  // The sender limits how much waits.
  const outbox = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
  const client = createPersistentClient(connection.options, { clock: shell.clock, outbox })
  lines.follow(client)
  client.on('gaveUp', ({ failure }) => ending.end(exitCodeOf(failure)))
  client.connect({ signal: ending.signal }).catch(() => {})

  const sender = new Sender(client, options, lines, ending.signal)
  const input = options.open()
  void aborted(ending.signal).then(() => input.destroy())
  void sender.sendAll(input).then(() => ending.end(0))
  const code = await ending.wait()
  // After Ctrl-C, what has been read is still sent if that takes no longer than the client's `disconnectTimeout`.
  await client.disconnect(code === 0 ? {} : { drainTimeout: 0 })
  await client[Symbol.asyncDispose]()
  sender.tellSum()
  return code === 0 && sender.hasFailed ? FAILED : code
}

class Sender {
  readonly #client: ResilientMqttClient
  readonly #options: SendOptions
  readonly #lines: StatusLines
  readonly #end: AbortSignal
  #sent = 0
  #failed = 0
  #pending = 0
  #pendingBytes = 0
  #isReadable = true
  /** Whether the run ended before everything that had been read was published. */
  #isCut = false
  /** Called when a publish is settled. */
  #onSettled = () => {}

  constructor(client: ResilientMqttClient, options: SendOptions, lines: StatusLines, end: AbortSignal) {
    this.#client = client
    this.#options = options
    this.#lines = lines
    this.#end = end
    end.addEventListener('abort', () => this.#onSettled())
  }

  get hasFailed(): boolean {
    return this.#failed > 0 || !this.#isReadable || this.#isCut
  }

  /** Resolves when everything is settled. */
  async sendAll(input: Readable): Promise<void> {
    try {
      for await (const payload of this.#options.payloadsOf(input)) {
        if (this.#end.aborted) {
          this.#isCut = true
          return
        }
        this.#send(payload)
        await this.#until(() => this.#pending < MAX_PENDING && this.#pendingBytes < MAX_PENDING_BYTES)
      }
    } catch (error) {
      // The input was destroyed.
      if (this.#end.aborted) return
      this.#isReadable = false
      this.#lines.say((error as Error).message)
    }
    await this.#until(() => this.#pending === 0)
  }

  /** Says how many messages were lost. Each of the first few has been named. */
  tellSum(): void {
    if (this.#isCut) this.#lines.say(`ended after ${count(this.#sent, 'message')}, before the end of what was read`)
    if (this.#failed === 0) return
    const share = `${this.#failed.toLocaleString('en')} of ${count(this.#sent, 'message')}`
    this.#lines.say(`the broker has not acknowledged ${this.#sent === 1 ? 'the message' : share}`)
  }

  #send(payload: Uint8Array): void {
    const { topic, qos, retain, properties } = this.#options
    this.#sent++
    this.#pending++
    this.#pendingBytes += payload.length
    const settled = () => {
      this.#pending--
      this.#pendingBytes -= payload.length
      this.#onSettled()
    }
    this.#client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }).then(settled, (error) => {
      this.#fail(error as Error)
      settled()
    })
  }

  #fail(error: Error): void {
    this.#failed++
    // At the end, all of them fail for the same reason.
    if (!this.#end.aborted && this.#failed <= MAX_TOLD) this.#lines.say(error.message)
  }

  /** Waits until a condition holds, or the run ends. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#end.aborted) await new Promise<void>((resolve) => (this.#onSettled = resolve))
  }
}
