import { PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents, FailedMessage, SessionLoss, SlowConsumer, Stall } from '../api/events.ts'
import type { Qos } from '../api/message.ts'
import type { QuarantinedPublish } from '../api/quarantine.ts'
import type { OutboxStatus } from '../api/status.ts'
import type { PacketTrace } from '../mqtt/packet-trace.ts'
import type { SessionEvents } from '../session/session-config.ts'
import type { Emitter } from '../shared/emitter.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import type { EventLog } from './event-log.ts'

const sessionLosses: Readonly<Record<SessionLoss['cause'], string>> = {
  quota: 'the broker ended it, because more was queued for this client than it keeps',
  expired: 'the client was away for longer than the broker keeps it',
  unknown: 'the broker did not keep it',
}

/** Gets what a connection reports to the application, beside the events of its machine. */
export interface ConnectionObserver {
  readonly log: EventLog
  readonly events: Pick<Emitter<ClientEvents>, 'emit'>
  /** Reports packets; `undefined` if there are no such events. */
  readonly packets?: PacketTrace
  /** Reports an error of the application. The machine learns only its name. */
  report(
    error: unknown,
    source: 'credentials' | 'options' | 'servers' | 'authentication' | 'store' | 'gate' | 'recorder',
  ): void
  /** The store is open and holds publishes of an earlier process. */
  restored(restored: ClientEvents['outboxRestored']): void
}

/** What the machine has to know of its session. */
export interface SessionPort extends Pick<SessionEvents, 'acknowledging' | 'wantedChanged'> {
  readonly session: { readonly status: { readonly outbox: OutboxStatus } }
}

/** Turns what a session reports into log lines and events of the client, and passes the rest on to the machine. */
export class SessionReports implements SessionEvents {
  readonly #observer: ConnectionObserver
  readonly #port: SessionPort

  constructor(observer: ConnectionObserver, port: SessionPort) {
    this.#observer = observer
    this.#port = port
  }

  subscriptionRefused(filter: string, error: Error): void {
    this.#report('warn', 'subscriptionRefused', { filter, error }, `${error.message}, and is asked again`)
  }

  subscriptionGranted(filter: string, qos: Qos): void {
    this.#report('info', 'subscriptionGranted', { filter, qos })
  }

  subscriptionFailed(filter: string, error: Error): void {
    this.#observer.log.unheard('subscriptionFailed', `the subscription to ${filter} failed`, error)
    this.#report('warn', 'subscriptionFailed', { filter, error })
  }

  subscriptionSuspended(filter: string, delay: number): void {
    this.#report('warn', 'subscriptionSuspended', { filter, delay }, `the broker closes the connection on ${filter}`)
  }

  subscriptionResumed(filter: string): void {
    this.#report('info', 'subscriptionResumed', { filter })
  }

  sessionExpiryReduced(asked: number, granted: number): void {
    this.#report('warn', 'sessionExpiryReduced', { asked, granted }, 'the broker keeps the session for less time')
  }

  sessionLost(loss: SessionLoss): void {
    this.#report('warn', 'sessionLost', loss, sessionLosses[loss.cause])
  }

  publishRateReduced(rate: number): void {
    this.#report('warn', 'publishRateReduced', { rate }, 'the broker objected to the rate of publishes')
  }

  publishQuarantined({ id, topic, qos }: QuarantinedPublish): void {
    this.#report('error', 'publishQuarantined', { id, topic, qos }, `the broker closes the connection on ${topic}`)
  }

  unclaimed({ topic, qos }: IncomingPublish, isFirst: boolean): void {
    const { log, events } = this.#observer
    if (isFirst) log.event('warn', 'unclaimed', { topic, qos }, 'no subscription matches the message')
    events.emit('unclaimed', { topic, qos })
  }

  messageFailed(failed: FailedMessage): void {
    this.#report('error', 'messageFailed', failed)
  }

  acknowledgementsStalled(stall: Stall): void {
    this.#report('warn', 'acknowledgementsStalled', stall)
  }

  slowConsumer(slow: SlowConsumer): void {
    const note = `the broker sends one message at a time, and handlers take ${slow.holdTime} ms each`
    this.#report('warn', 'slowConsumer', slow, note)
  }

  drained(): void {
    this.#observer.events.emit('drained', this.#port.session.status.outbox)
  }

  orphanFailed(error: unknown): void {
    // The application asked for that with `latest`.
    if (!(error instanceof PublishSupersededError)) this.#observer.report(error, 'store')
  }

  acknowledging(): void {
    this.#port.acknowledging()
  }

  wantedChanged(): void {
    this.#port.wantedChanged()
  }

  #report<Name extends keyof ClientEvents>(
    level: 'info' | 'warn' | 'error',
    name: Name,
    event: ClientEvents[Name],
    note?: string,
  ): void {
    const { log, events } = this.#observer
    log.event(level, name, event, note)
    events.emit(name, event)
  }
}
