import type { Actor, InspectionEvent } from 'xstate'

import type { ConnectionEmitted } from '../machines/connection-types.ts'
import type { connectionMachine } from '../machines/connection.ts'
import { describeFailure } from './describe.ts'
import { callGuarded, Emitter } from './emitter.ts'
import type { ClientEvents, ConnectionState } from './events.ts'
import type { Logger } from './logger.ts'
import type { ResilientMqttClientOptions } from './options.ts'
import type { Stall } from './session/acknowledgements.ts'
import type { FailedMessage } from './session/inbox.ts'
import type { IncomingPublish } from './session/link.ts'
import { stateOf } from './snapshot.ts'

/** Turns what the machine does into events, log lines, and the time since when it does it. */
export class Observer {
  readonly events: Emitter<ClientEvents>
  readonly #logger: Logger
  readonly #now: () => number
  /** What the machine emitted in the transition under way: handlers are told after it, when the state agrees. */
  #emitted: ConnectionEmitted[] = []
  #state: ConnectionState = 'idle'
  #since: number

  constructor(logger: Logger, now: () => number) {
    this.#logger = logger
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

  watch(actor: Actor<typeof connectionMachine>): void {
    actor.on('*', (emitted) => void this.#emitted.push(emitted))
    actor.subscribe({
      next: (snapshot) => this.#transitioned(stateOf(snapshot)),
      error: (error) => this.report(error, 'the connection machine'),
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
    if (this.events.has('unclaimed')) this.events.emit('unclaimed', { topic, qos })
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

  /** Something of the application's failed. An error in a handler of `error` goes to the logger only. */
  report(error: unknown, source: string): void {
    if (!this.events.has('error') || source === 'the handler of error') {
      this.#logger.error({ err: error, source }, `${source} failed`)
    } else {
      this.events.emit('error', { error, source })
    }
  }

  #transitioned(to: ConnectionState): void {
    const from = this.#state
    const emitted = this.#emitted
    this.#emitted = []
    if (from !== to) {
      this.#state = to
      this.#since = this.#now()
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
