import type { Actor, InspectionEvent } from 'xstate'

import type { ConnectionEmitted } from '../../machines/connection/types.ts'
import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { ConnectionHooks } from './runtime.ts'
import { describeFailure } from '../api/describe-failure.ts'
import { callGuarded, Emitter } from '../shared/emitter.ts'
import type { ClientEvents, FailedMessage, Stall } from '../api/events.ts'
import type { ConnectionState } from '../api/status.ts'
import { ConnectionFailedError, InvalidOptionError, PublishSupersededError, show, StoreError } from '../api/errors.ts'
import { LastResort } from './last-resort.ts'
import { guarded, type Logger } from '../api/logger.ts'
import type { ResilientMqttClientOptions } from '../api/options.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import type { QuarantinedPublish } from '../api/quarantine.ts'
import { stateOf } from './snapshot.ts'

/** How many filters one log line shows. */
const MAX_SHOWN = 20

/** Turns what the machine does into events and log lines, and remembers its state and since when it has it. */
export class Observer {
  readonly events: Emitter<ClientEvents>
  readonly #logger: Logger
  readonly #lastResort: LastResort | undefined
  /** How many handlers the application has for each event. */
  readonly #heard = new Map<keyof ClientEvents, number>()
  readonly #now: () => number
  /** Events of the transition under way. Handlers are called after it, so that the state agrees with them. */
  #emitted: ConnectionEmitted[] = []
  #state: ConnectionState = 'idle'
  #since: number

  constructor(logger: Logger | undefined, now: () => number) {
    this.#logger = guarded(logger)
    this.#lastResort = logger ? undefined : new LastResort()
    this.#now = now
    this.#since = now()
    this.events = new Emitter((error, event) => this.report(error, `the handler of ${event}`))
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** When the machine entered its state, in milliseconds since 1970. */
  get since(): number {
    return this.#since
  }

  /** Observes an actor, from its start on. It is called again for each actor that replaces another. */
  watch(actor: Actor<typeof connectionMachine>): void {
    actor.on('*', (emitted) => void this.#emitted.push(emitted))
    actor.subscribe({
      next: (snapshot) => this.#transitioned(stateOf(snapshot)),
      // The owner of the actor reports errors. XState throws an error that an observer has no callback for.
      error: () => {},
    })
  }

  /**
   * Wraps an inspector so that its errors do no harm: XState would throw them into the transition, and the machine would
   * be stuck. An inspector that fails once usually fails at each event, so only its first error is reported.
   */
  inspector(inspect: NonNullable<ResilientMqttClientOptions['inspect']>): (event: InspectionEvent) => void {
    let reported = false
    const report = (error: unknown) => {
      if (reported) return
      reported = true
      this.report(error, 'the inspector')
    }
    return (event) =>
      callGuarded(() => (typeof inspect === 'function' ? inspect(event) : inspect.next?.(event)), report)
  }

  /** Reports publishes of an earlier process that the store held. */
  restored(restored: ClientEvents['outboxRestored']): void {
    this.#logger.info(restored, 'outboxRestored')
    this.events.emit('outboxRestored', restored)
  }

  /** Reports a message that no subscription matches. @param first - the first on this connection; only that one is logged */
  unclaimed({ topic, qos }: IncomingPublish, first: boolean): void {
    if (first) this.#logger.warn({ topic, qos }, 'unclaimed: no subscription matches the message')
    if (this.#isHeard('unclaimed')) this.events.emit('unclaimed', { topic, qos })
  }

  /** Reports a message that a handler could not process. */
  messageFailed(failed: FailedMessage): void {
    const { error, ...details } = failed
    this.#logger.error({ err: error, ...details }, 'messageFailed')
    this.events.emit('messageFailed', failed)
  }

  stalled(stall: Stall): void {
    this.#logger.warn(stall, 'acknowledgementsStalled')
    this.events.emit('acknowledgementsStalled', stall)
  }

  /** Adds a handler of the application. @returns removes it */
  on<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => unknown): () => void {
    const off = this.events.on(event, handler)
    const count = (change: number) => this.#heard.set(event, (this.#heard.get(event) ?? 0) + change)
    count(1)
    let isOn = true
    return () => {
      if (isOn) count(-1)
      isOn = false
      off()
    }
  }

  /** The events of a session that this observer handles. */
  sessionEvents(): Omit<ConnectionHooks['session'], 'drained'> {
    return {
      subscriptionFailed: (filter, error) => this.subscriptionFailed(filter, error),
      subscriptionSuspended: (filter, delay) => this.suspended(filter, delay),
      subscriptionResumed: (filter) => this.resumed(filter),
      publishQuarantined: (publish) => this.quarantined(publish),
      unclaimed: (packet, isFirst) => this.unclaimed(packet, isFirst),
      messageFailed: (failed) => this.messageFailed(failed),
      acknowledgementsStalled: (stall) => this.stalled(stall),
    }
  }

  /** Reports a subscription that is suspended. @param delay - in milliseconds */
  suspended(filter: string, delay: number): void {
    this.#logger.warn({ filter, delay }, `subscriptionSuspended: the broker closes the connection on ${filter}`)
    this.events.emit('subscriptionSuspended', { filter, delay })
  }

  /** Reports a subscription that the broker answered after it had been suspended. */
  resumed(filter: string): void {
    this.#logger.info({ filter }, 'subscriptionResumed')
    this.events.emit('subscriptionResumed', { filter })
  }

  /** Reports the subscriptions that are still suspended on a new connection. */
  stillSuspended(filters: readonly string[]): void {
    if (filters.length === 0) return
    const shown = filters.slice(0, MAX_SHOWN)
    this.#logger.warn(
      { suspended: filters.length, filters: shown },
      `connected without ${filters.length} subscriptions, on which the broker closed the connection`,
    )
  }

  quarantined({ id, topic, qos }: QuarantinedPublish): void {
    this.#logger.error({ id, topic, qos }, `publishQuarantined: the broker closes the connection on ${topic}`)
    this.events.emit('publishQuarantined', { id, topic, qos })
  }

  /** Reports that a part of the application failed. Errors in a handler of `error` itself go to the logger only. */
  report(error: unknown, source: string): void {
    const isHeard = this.#isHeard('error') && source !== 'the handler of error'
    if (isHeard) return this.events.emit('error', { error, source })
    this.#logger.error({ err: error, source }, `${source} failed`)
    this.#lastResort?.report(error, source, howToHandle('error'))
  }

  /** Reports a publish whose rejection no code handles. @param given - the topic as it was given, perhaps a wrong one */
  publishFailed(given: unknown, error: unknown): void {
    const topic = typeof given === 'string' ? given : show(given)
    // The application asked for that with `latest`.
    const level = error instanceof PublishSupersededError ? 'debug' : 'warn'
    this.#logger[level]({ topic, err: error }, 'publishFailed')
    if (level === 'warn') this.unheard('publishFailed', `a publish to ${topic} failed, and nothing awaits it`, error)
    this.events.emit('publishFailed', { topic, error })
  }

  /** Reports a call that failed although no code handles its promise. A call that the application ended is not reported. */
  callFailed(error: unknown, call: string): void {
    if (error instanceof ConnectionFailedError) this.unheard('gaveUp', 'the connection failed', error)
    else if (error instanceof StoreError || error instanceof InvalidOptionError) this.report(error, call)
  }

  /** Reports a subscription that the broker refused for good. */
  subscriptionFailed(filter: string, error: Error): void {
    this.#logger.warn({ filter, err: error }, 'subscriptionFailed')
    this.unheard('subscriptionFailed', `the subscription to ${filter} failed`, error)
    this.events.emit('subscriptionFailed', { filter, error })
  }

  /** Prints an error whose event has no handler, if there is no logger either. */
  unheard(event: keyof ClientEvents, sentence: string, error: unknown): void {
    if (!this.#isHeard(event)) this.#lastResort?.print(event, sentence, error, howToHandle(event))
  }

  #isHeard(event: keyof ClientEvents): boolean {
    return (this.#heard.get(event) ?? 0) > 0
  }

  #transitioned(to: ConnectionState): void {
    const from = this.#state
    const emitted = this.#emitted
    this.#emitted = []
    if (from !== to) {
      this.#state = to
      // `now` is the application's. XState would throw its error out of this observer.
      callGuarded(
        () => (this.#since = this.#now()),
        (error) => this.report(error, 'now'),
      )
      this.#logger.info({ from, to }, `${from} → ${to}`)
      this.events.emit('stateChanged', { from, to })
    }
    for (const { type, ...event } of emitted) {
      this.#log(type, event)
      this.events.emit(type, event)
    }
  }

  #log(type: ConnectionEmitted['type'], event: object): void {
    const { failure } = event as Partial<Extract<ConnectionEmitted, { type: 'gaveUp' }>>
    if (!failure) return this.#logger.info(event, type)
    const level = type === 'gaveUp' ? 'error' : 'warn'
    this.#logger[level](event, `${type}: ${describeFailure(failure)}`)
  }
}

function howToHandle(event: keyof ClientEvents): string {
  return `Handle it by client.on('${event}', …), or give the client a logger.`
}
