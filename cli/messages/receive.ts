import { SubscriptionRefusedError } from '../../src/api/errors.ts'
import type { Subscription } from '../../src/api/message-options.ts'
import type { Message, Qos } from '../../src/api/message.ts'
import type { Connection } from '../connection.ts'
import { exitCodeOf, FAILED } from '../exit-codes.ts'
import type { Shell } from '../shell.ts'
import { endAt, Ending } from './ending.ts'
import type { MessageFormat } from './message-format.ts'
import { createPersistentClient } from './never-gives-up.ts'
import { PacedOutput } from './paced-output.ts'
import { StatusLines } from './status-lines.ts'

export interface ReceiveOptions {
  readonly connection: Connection
  /** Topic filters. */
  readonly filters: readonly string[]
  readonly qos: Qos
  /** Ends after so many messages. */
  readonly count: number
  /** Ends after so many milliseconds with the exit code 27; `undefined` for never. */
  readonly wait: number | undefined
  readonly isQuiet: boolean
  /** Whether retained messages are printed, which were published before the client subscribed. */
  readonly withRetained: boolean
  readonly format: MessageFormat
}

/** How long the messages that are being printed may take at the end, in milliseconds. */
const PRINTING = 2_000

/**
 * Prints messages until enough have come, the time is over, the reader of stdout is gone, or Ctrl-C.
 *
 * A message is acknowledged when the system has taken it. So a broker does not forget a message that was not printed, and
 * it waits while the reader of stdout is slow: the client's option `inbox` bounds what waits in memory.
 *
 * @returns the exit code
 */
export async function receive(options: ReceiveOptions, shell: Shell): Promise<number> {
  const { connection, filters, qos, wait, isQuiet } = options
  const lines = new StatusLines(shell, { isQuiet, withFirst: true })
  for (const warning of connection.warnings) lines.say(warning)
  const ending = new Ending()
  endAt(ending, shell, wait)
  let isReadable = true
  shell.onOutputClosed((error) => {
    isReadable = false
    if (error) lines.say(`stdout: ${error.message}`)
    ending.end(error ? FAILED : 0)
  })
  const client = createPersistentClient(connection.options, { clock: shell.clock })
  lines.follow(client)
  client.on('gaveUp', ({ failure }) => ending.end(exitCodeOf(failure)))

  const printer = new Printer(options, new PacedOutput(shell.stdout), (taken) => {
    for (const subscription of subscriptions) subscription.pause()
    void Promise.resolve(taken).then(() => ending.end(0))
  })
  const subscriptions: readonly Subscription[] = filters.map((filter) =>
    client.subscribe(filter, (message) => printer.print(message, filter), { qos, ack: 'after-handler' }),
  )
  endIfAllAreRefused(subscriptions, ending)
  // The events say how it goes on.
  client.connect({ signal: ending.signal }).catch(() => {})
  const code = await ending.wait()
  await client.disconnect(isReadable ? { handlers: 'finish', timeout: PRINTING } : {})
  await client[Symbol.asyncDispose]()
  return code
}

class Printer {
  readonly #options: ReceiveOptions
  readonly #output: PacedOutput
  readonly #onLast: (taken: Promise<void> | undefined) => void
  #printed = 0
  #last: Message | undefined
  #filterOfLast = ''

  /** @param onLast - called in the turn in which the last message is printed, with what `print` returns */
  constructor(options: ReceiveOptions, output: PacedOutput, onLast: (taken: Promise<void> | undefined) => void) {
    this.#options = options
    this.#output = output
    this.#onLast = onLast
  }

  /** @returns resolves when the message may be acknowledged */
  print(message: Message, filter: string): Promise<void> | undefined {
    const { withRetained, format, count } = this.#options
    if (this.#isCopy(message, filter) || (message.retain && !withRetained)) return undefined
    // A broker that keeps the session sends it to the next process.
    if (this.#printed >= count) return new Promise(() => {})
    this.#printed++
    const taken = this.#output.write(format(message))
    if (this.#printed === count) this.#onLast(taken)
    return taken
  }

  /** Whether several filters match one message: the client calls the handler of each, one after the other. */
  #isCopy(message: Message, filter: string): boolean {
    const last = this.#last
    if (last?.payload === message.payload && last.topic === message.topic && filter !== this.#filterOfLast) return true
    this.#last = message
    this.#filterOfLast = filter
    return false
  }
}

/** Some brokers answer a SUBSCRIBE with a reason code for each filter. As long as one is granted, messages may come. */
function endIfAllAreRefused(subscriptions: readonly Subscription[], ending: Ending): void {
  let refused = 0
  for (const { ready } of subscriptions) {
    ready.catch((error: unknown) => {
      if (!(error instanceof SubscriptionRefusedError)) return
      refused++
      if (refused === subscriptions.length) ending.end(error.reasonCode)
    })
  }
}
