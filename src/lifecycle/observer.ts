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

/** How many filters stand in one log line. */
const MAX_SHOWN = 20

/** Turns what the machine does into events, log lines, and the time since when it does it. */
export class Observer {
  readonly events: Emitter<ClientEvents>
  readonly #logger: Logger
  readonly #lastResort: LastResort | undefined
  /** Events for which the application has handlers, and how many. */
  readonly #heard = new Map<keyof ClientEvents, number>()
  readonly #now: () => number
  /** What the machine emitted in the transition under way: handlers are told after it, when the state agrees. */
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

  /** In milliseconds since 1970. */
  get since(): number {
    return this.#since
  }

  /** Of one actor after another. */
  watch(actor: Actor<typeof connectionMachine>): void {
    actor.on('*', (emitted) => void this.#emitted.push(emitted))
    actor.subscribe({
      next: (snapshot) => this.#transitioned(stateOf(snapshot)),
      // Whoever runs the actor reports it. XState throws what an observer does not ask for.
      error: () => {},
    })
  }

  /**
   * An inspector that hurts nobody: XState would throw out of whatever it does, and the machine be stuck. One that
   * fails does so at each event, so it is reported once.
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

  /** The store holds publishes of an earlier process. */
  restored(restored: ClientEvents['outboxRestored']): void {
    this.#logger.info(restored, 'outboxRestored')
    this.events.emit('outboxRestored', restored)
  }

  /** No subscription matches a message. @param first - on this connection; the others are not logged */
  unclaimed({ topic, qos }: IncomingPublish, first: boolean): void {
    if (first) this.#logger.warn({ topic, qos }, 'unclaimed: no subscription matches the message')
    if (this.#isHeard('unclaimed')) this.events.emit('unclaimed', { topic, qos })
  }

  /** A handler could not process a message. */
  messageFailed(failed: FailedMessage): void {
    const { error, ...details } = failed
    this.#logger.error({ err: error, ...details }, 'messageFailed')
    this.events.emit('messageFailed', failed)
  }

  stalled(stall: Stall): void {
    this.#logger.warn(stall, 'acknowledgementsStalled')
    this.events.emit('acknowledgementsStalled', stall)
  }

  /** A handler of the application's. @returns takes it off again */
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

  /** Those of a connection that it passes on as they are. */
  hooks(): Omit<ConnectionHooks, 'deliverUnmatched' | 'onDrained' | 'onError' | 'onGiveUp'> {
    return {
      onSubscriptionFailed: (filter, error) => this.subscriptionFailed(filter, error),
      onSubscriptionSuspended: (filter, delay) => this.suspended(filter, delay),
      onSubscriptionResumed: (filter) => this.resumed(filter),
      onPublishQuarantined: (publish) => this.quarantined(publish),
      onOutboxRestored: (restored) => this.restored(restored),
      onUnclaimed: (packet, first) => this.unclaimed(packet, first),
      onMessageFailed: (failed) => this.messageFailed(failed),
      onStalled: (stall) => this.stalled(stall),
    }
  }

  /** A subscription is left out for so many milliseconds. */
  suspended(filter: string, delay: number): void {
    this.#logger.warn({ filter, delay }, `subscriptionSuspended: the broker closes the connection on ${filter}`)
    this.events.emit('subscriptionSuspended', { filter, delay })
  }

  /** The broker answered to it again. */
  resumed(filter: string): void {
    this.#logger.info({ filter }, 'subscriptionResumed')
    this.events.emit('subscriptionResumed', { filter })
  }

  /** These are left out on a connection that is ready. */
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

  /** Something of the application's failed. An error in a handler of `error` goes to the logger only. */
  report(error: unknown, source: string): void {
    const isHeard = this.#isHeard('error') && source !== 'the handler of error'
    if (isHeard) return this.events.emit('error', { error, source })
    this.#logger.error({ err: error, source }, `${source} failed`)
    this.#lastResort?.report(error, source, howToHandle('error'))
  }

  /** No code took the rejection of a publish. @param given - for its topic: what is wrong with it may be that */
  publishFailed(given: unknown, error: unknown): void {
    const topic = typeof given === 'string' ? given : show(given)
    // That a newer one took its place is what the application wanted.
    const level = error instanceof PublishSupersededError ? 'debug' : 'warn'
    this.#logger[level]({ topic, err: error }, 'publishFailed')
    if (level === 'warn') this.unheard('publishFailed', `a publish to ${topic} failed, and nothing awaits it`, error)
    this.events.emit('publishFailed', { topic, error })
  }

  /** A call failed, and no code looks at its promise. That the application ended it itself is no news. */
  callFailed(error: unknown, call: string): void {
    if (error instanceof ConnectionFailedError) this.unheard('gaveUp', 'the connection failed', error)
    else if (error instanceof StoreError || error instanceof InvalidOptionError) this.report(error, call)
  }

  /** The broker refused a subscription for good, or closes the connection on it. */
  subscriptionFailed(filter: string, error: Error): void {
    this.#logger.warn({ filter, err: error }, 'subscriptionFailed')
    this.unheard('subscriptionFailed', `the subscription to ${filter} failed`, error)
    this.events.emit('subscriptionFailed', { filter, error })
  }

  /** Prints what an event tells, if it would be swallowed: there is no handler for it, and no logger. */
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
      // Here an error would be XState's to report, which throws it.
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
