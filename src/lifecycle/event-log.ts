import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import { describeFailure } from '../api/describe-failure.ts'
import { PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import { guarded, type Logger } from '../api/logger.ts'
import type { ConnectionState } from '../api/status.ts'
import { LastResort } from './last-resort.ts'
import type { ReportedEvents } from './runtime.ts'

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

  constructor(logger: Logger | undefined, options: EventLogOptions) {
    this.#logger = guarded(logger)
    this.#lastResort = logger ? undefined : new LastResort()
    this.#options = options
  }

  /** Logs what a session reports. */
  sessionEvents(): ReportedEvents {
    return {
      subscriptionFailed: (filter, error) => {
        this.#logger.warn({ filter, err: error }, 'subscriptionFailed')
        this.unheard('subscriptionFailed', `the subscription to ${filter} failed`, error)
      },
      subscriptionSuspended: (filter, delay) =>
        this.#logger.warn({ filter, delay }, `subscriptionSuspended: the broker closes the connection on ${filter}`),
      subscriptionResumed: (filter) => this.#logger.info({ filter }, 'subscriptionResumed'),
      publishQuarantined: ({ id, topic, qos }) =>
        this.#logger.error({ id, topic, qos }, `publishQuarantined: the broker closes the connection on ${topic}`),
      unclaimed: ({ topic, qos }, isFirst) => {
        if (isFirst) this.#logger.warn({ topic, qos }, 'unclaimed: no subscription matches the message')
      },
      messageFailed: ({ error, ...details }) => this.#logger.error({ err: error, ...details }, 'messageFailed'),
      acknowledgementsStalled: (stall) => this.#logger.warn(stall, 'acknowledgementsStalled'),
    }
  }

  stateChanged(from: ConnectionState, to: ConnectionState): void {
    this.#logger.info({ from, to }, `${from} → ${to}`)
  }

  /** Logs an event of the machine. */
  emitted(type: ConnectionEmitted['type'], event: object): void {
    const { failure } = event as Partial<Extract<ConnectionEmitted, { type: 'gaveUp' }>>
    if (!failure) return this.#logger.info(event, type)
    const level = type === 'gaveUp' ? 'error' : 'warn'
    this.#logger[level](event, `${type}: ${describeFailure(failure)}`)
  }

  /** Logs that the store held publishes of an earlier process. */
  outboxRestored(restored: ClientEvents['outboxRestored']): void {
    this.#logger.info(restored, 'outboxRestored')
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

  /** Logs that a part of the application failed. */
  failed(error: unknown, source: string): void {
    this.#logger.error({ err: error, source }, `${source} failed`)
    this.#lastResort?.report(error, source, this.#options.advice('error'))
  }

  /** Logs a publish whose rejection no code handles. */
  publishFailed(topic: string, error: unknown): void {
    // The application asked for that with `latest`.
    if (error instanceof PublishSupersededError) return this.#logger.debug({ topic, err: error }, 'publishFailed')
    this.#logger.warn({ topic, err: error }, 'publishFailed')
    this.unheard('publishFailed', `a publish to ${topic} failed, and nothing awaits it`, error)
  }

  /** Prints an error whose event has no handler, if there is no logger either. */
  unheard(event: keyof ClientEvents, sentence: string, error: unknown): void {
    if (!this.#options.isHeard(event)) this.#lastResort?.print(event, sentence, error, this.#options.advice(event))
  }
}
