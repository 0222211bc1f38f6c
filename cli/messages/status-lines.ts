import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../../src/api/describe-failure.ts'
import type { ResilientMqttClient } from '../../src/client.ts'
import { inSeconds } from '../duration.ts'
import { printError, type Shell } from '../shell.ts'
import { printable } from '../terminal.ts'

/** Longer than any description of a failure. */
const MAX_LINE = 600

/** Says on stderr what happens to a connection: a line for each change. */
export class StatusLines {
  readonly #shell: Pick<Shell, 'stderr'>
  readonly #isQuiet: boolean
  #hasSpoken: boolean
  /** The filters that the broker has refused, and is asked for again. */
  readonly #refused = new Set<string>()
  /** Why the last connection ended. */
  #lost: Failure | undefined

  /** @param withFirst - whether the first connection is worth a line, even if nothing has gone wrong before */
  constructor(shell: Pick<Shell, 'stderr'>, { isQuiet, withFirst }: { isQuiet: boolean; withFirst: boolean }) {
    this.#shell = shell
    this.#isQuiet = isQuiet
    this.#hasSpoken = withFirst
  }

  say(text: string): void {
    this.#hasSpoken = true
    if (!this.#isQuiet) printError(this.#shell, printable(text, MAX_LINE))
  }

  follow(client: ResilientMqttClient): void {
    client.once('connected', () => {
      if (this.#hasSpoken) this.say(`connected to ${client.status.server ?? 'the broker'}`)
    })
    client.on('connectionInterrupted', ({ failure }) => {
      this.#lost = failure
      this.say(`connection lost: ${describeFailure(failure)}`)
    })
    client.on('connectionResumed', ({ downtime }) => this.say(`connected again after ${inSeconds(downtime)}`))
    client.on('reconnectScheduled', (event) => this.#retry(event))
    client.on('recoveryStarted', (event) => this.#retry(event))
    client.on('subscriptionRefused', ({ filter, error }) => {
      // The broker is asked five times.
      if (!this.#refused.has(filter)) this.say(`${error.message}; it is asked again`)
      this.#refused.add(filter)
    })
    client.on('subscriptionGranted', ({ filter }) => {
      if (this.#refused.delete(filter)) this.say(`the broker grants the subscription to ${filter} after all`)
    })
    client.on('subscriptionFailed', ({ filter, error }) => {
      const isFinal = this.#refused.delete(filter)
      this.say(isFinal ? `${error.message}; it is not asked any more` : error.message)
    })
    client.on('subscriptionSuspended', ({ filter, delay }) =>
      this.say(`the broker closes the connection on ${filter}, which is tried again in ${inSeconds(delay)}`),
    )
    client.on('sessionLost', () => this.say('the broker has lost the session, and the messages that it had kept'))
    client.on('gaveUp', ({ failure }) => this.say(describeFailure(failure)))
    client.on('error', ({ error, source }) =>
      this.say(`${source} failed: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  #retry({ delay, failure }: { readonly delay: number; readonly failure: Failure }): void {
    // The line before has said why.
    const cause = failure === this.#lost ? '' : `: ${describeFailure(failure)}`
    this.say(`not connected${cause}; the next attempt follows in ${inSeconds(delay)}`)
  }
}
