import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../api/describe-failure.ts'
import { PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import { guarded, type Logger } from '../api/logger.ts'
import type { ConnectionState } from '../api/status.ts'
import { LastResort } from './last-resort.ts'

/** How many filters one log line shows. */
const MAX_SHOWN = 20

/** How an application can learn of errors otherwise. */
export interface EventLogOptions {
  /** Whether the application has a handler for an event. */
  readonly isHeard: (event: keyof ClientEvents) => boolean
  /** Says, in a sentence, how the application can handle an event. */
  readonly advice: (event: keyof ClientEvents) => string
}

/**
 * Writes to the application's logger what happens. Without a logger it prints the errors for which the application has
 * no handler either, once of each kind.
 */
export class EventLog {
  readonly #logger: Logger
  readonly #lastResort: LastResort | undefined
  readonly #options: EventLogOptions
  #toldAgain = false

  /** @param name - of the client, in every line */
  constructor(logger: Logger | undefined, name: string | undefined, options: EventLogOptions) {
    this.#logger = guarded(logger, name)
    this.#lastResort = logger ? undefined : new LastResort(name)
    this.#options = options
  }

  /** Logs an event of the client. Its `error` becomes `err`, as pino expects it. */
  event<Name extends keyof ClientEvents>(
    level: keyof Logger,
    name: Name,
    event: ClientEvents[Name],
    note?: string,
  ): void {
    const { error, ...details } = event as { readonly error?: unknown }
    const logged = error === undefined ? event : { err: error, ...details }
    this.#logger[level](logged, note === undefined ? name : `${name}: ${note}`)
  }

  stateChanged(from: ConnectionState, to: ConnectionState): void {
    this.#logger.info({ from, to }, `${from} → ${to}`)
  }

  /** Logs an event of the machine. */
  emitted<Type extends ConnectionEmitted['type']>(type: Type, event: ClientEvents[Type]): void {
    if (!('failure' in event)) return this.event(type === 'redirectIgnored' ? 'warn' : 'info', type, event)
    this.event(type === 'gaveUp' ? 'error' : 'warn', type, event, describeFailure(event.failure))
  }

  /** Prints why the first connection does not come about, if there is no logger: once for each kind of failure. */
  notConnected(failure: Failure, delay: number): void {
    this.#lastResort?.say(
      `notConnected: ${failure.kind}`,
      () => `not connected yet: ${describeFailure(failure)}`,
      `The client tries again in ${inUnits(delay)}. ${this.#options.advice('reconnectScheduled')}`,
    )
  }

  /** Logs that a signal woke the client. */
  woken(): void {
    this.#logger.debug({}, 'woken: the network may be back')
  }

  /** Logs the subscriptions that are still suspended on a new connection. */
  stillSuspended(filters: readonly string[]): void {
    if (filters.length === 0) return
    const shown = filters.slice(0, MAX_SHOWN)
    this.#logger.warn(
      { suspended: filters.length, filters: shown },
      `connected without ${filters.length} subscriptions, on which the broker closed the connection`,
    )
  }

  /** Logs, once, that a handler was subscribed again to the same filter. */
  subscribedAgain(filter: string): void {
    if (this.#toldAgain) return
    this.#toldAgain = true
    const note =
      'the same handler is subscribed already. Subscriptions are restored: subscribe once, not when connected'
    this.#logger.warn({ filter }, `subscribe(${filter}): ${note}`)
  }

  /** Logs that a part of the application failed. */
  failed(error: unknown, source: string): void {
    this.#logger.error({ err: error, source }, `${source} failed`)
    this.#lastResort?.report(error, source, this.#options.advice('error'))
  }

  /** Logs a publish whose rejection no code handles. */
  publishFailed(topic: string, error: unknown): void {
    // The application asked for that with `latest`.
    const isExpected = error instanceof PublishSupersededError
    this.event(isExpected ? 'debug' : 'warn', 'publishFailed', { topic, error })
    if (!isExpected) this.unheard('publishFailed', `a publish to ${topic} failed, and nothing awaits it`, error)
  }

  /** Prints an error whose event has no handler, if there is no logger either. */
  unheard(event: keyof ClientEvents, sentence: string, error: unknown): void {
    if (!this.#options.isHeard(event)) this.#lastResort?.print(event, sentence, error, this.#options.advice(event))
  }
}

function inUnits(duration: number): string {
  return duration < 1_000 ? `${Math.round(duration)} ms` : `${(duration / 1_000).toFixed(1)} s`
}
