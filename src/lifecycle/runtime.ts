import type { AnyActorRef, AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import { defaultResubscribe } from '../../machines/subscriptions.ts'
import { ConnectionFailedError, PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { createTransport } from '../mqtt/transport.ts'
import type { SessionConfig, SessionEvents } from '../session/session-config.ts'
import { Session } from '../session/session.ts'
import { monotonicTime } from '../shared/clock.ts'
import { LazyJournal } from '../store/lazy-journal.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import type { Provider } from './actors.ts'
import { Attempts, generateClientId } from './attempt.ts'
import { CurrentCredentials } from './credentials.ts'

/** What a session reports to the application. */
export type ReportedEvents = Omit<SessionEvents, 'acknowledging' | 'drained' | 'wantedChanged' | 'orphanFailed'>

/** What a connection reports, beside the events of its machine. */
export interface RuntimeEvents {
  readonly session: ReportedEvents & Pick<SessionEvents, 'drained'>
  /** Gets the errors of the application. The machine learns only their names. */
  readonly onError: (error: unknown, source: 'credentials' | 'options' | 'store' | 'gate') => void
  /** Called when pending work is rejected, because nothing is tried until the application asks for it. */
  readonly onGiveUp?: (error: ConnectionFailedError) => void
  /** Called when the store is open and holds publishes of an earlier process. */
  readonly onOutboxRestored: (restored: ClientEvents['outboxRestored']) => void
  /** Handles messages that no subscription matches: the option `onMessage`. */
  readonly deliverUnmatched: ((packet: IncomingPublish) => unknown) | undefined
}

/**
 * Everything that a connection machine drives, and that lives beside it: MQTT.js, the credentials source, the session
 * and the store.
 */
export class ConnectionRuntime {
  readonly session: Session
  /** Stores durable publishes, if the client has a store. */
  readonly journal: LazyJournal | undefined
  /** For the actors of the machine, which must be started with `input`. */
  readonly provider: Provider
  readonly input: ConnectionInput
  readonly #attempts: Attempts
  readonly #config: ClientConfig
  /** The actor of the machine, once it has been ready for the first time. */
  #actor: AnyActorRef | undefined
  readonly #onGiveUp: RuntimeEvents['onGiveUp']
  #givenUp: ConnectionFailedError | undefined
  /** The error of the application that caused the last failure. */
  #cause: unknown

  constructor(config: ClientConfig, events: RuntimeEvents) {
    this.#config = config
    this.#onGiveUp = events.onGiveUp
    this.input = this.#machineInput()
    this.journal = this.#createJournal(events)
    const { clock, now, timeouts } = config
    const time = monotonicTime(clock, now)
    this.session = new Session(
      { ...this.#sessionConfig(), time, deliverUnmatched: events.deliverUnmatched },
      {
        ...events.session,
        // The application asked for that with `latest`.
        orphanFailed: (error) => error instanceof PublishSupersededError || events.onError(error, 'store'),
        acknowledging: () => this.#actor?.send({ type: 'transport.proven' }),
        // Before the connection is ready, its restore includes these changes.
        wantedChanged: () => this.#actor && this.sendTo(this.#actor, 'subscriptions', { type: 'wanted.changed' }),
      },
    )
    const credentials = new CurrentCredentials({
      source: config.credentials,
      refreshTimeout: timeouts.refreshTimeout,
      now,
      time,
      onError: (error) => {
        this.#cause = error
        events.onError(error, 'credentials')
      },
    })
    this.#attempts = new Attempts(config, credentials, this.journal)
    this.provider = this.#createProvider(events, credentials, time)
  }

  /** The version of the last connection. Before the first one it comes from the options, unless they are a function. */
  get protocolVersion(): number | undefined {
    const { connect } = this.#config
    if (this.session.protocolVersion !== undefined) return this.session.protocolVersion
    return typeof connect === 'function' ? undefined : connect.protocolVersion
  }

  /** See `Attempts.keptClientId`. */
  get keptClientId(): string | null | undefined {
    return this.#attempts.keptClientId()
  }

  /** Why the machine gave up, unless calls wait for a retry then (`onGiveUp: 'wait'`). */
  get givenUp(): ConnectionFailedError | undefined {
    return this.#givenUp
  }

  /** The error by which a failure is reported. */
  failed(failure: Failure): ConnectionFailedError {
    const ours = failure.kind === 'refresh' || failure.kind === 'credentials' || failure.kind === 'options'
    return new ConnectionFailedError(failure, ours ? { cause: this.#cause } : undefined)
  }

  /** Makes the next attempt evaluate the options anew. */
  forgetOptions(): void {
    this.#attempts.forget()
  }

  /** Sends an event to a child of the machine. */
  sendTo(actor: AnyActorRef, id: string, event: AnyEventObject): void {
    const { children } = actor.getSnapshot() as { children: Record<string, AnyActorRef | undefined> }
    children[id]?.send(event)
  }

  /** Rejects pending work, because nothing is tried until the application asks for it. Not with `onGiveUp: 'wait'`. */
  giveUp(error: ConnectionFailedError): void {
    if (this.#config.onGiveUp === 'wait') return
    this.#givenUp = error
    this.session.giveUp(error)
    this.#onGiveUp?.(error)
  }

  #machineInput(): ConnectionInput {
    const { machine, redirect } = this.#config
    const { allow } = redirect
    const isOwnHost = (serverReference: string) => this.#attempts.isOwnHost(serverReference)
    return Object.freeze({
      ...machine,
      redirect: Object.freeze({ ...redirect, allow: allow === 'own-hosts' ? isOwnHost : allow }),
    })
  }

  #sessionConfig(): Omit<SessionConfig, 'time' | 'deliverUnmatched'> {
    const { clock, now, random, timeouts, outbox, inbox, quarantine, subscriptions } = this.#config
    return {
      clock,
      now,
      random,
      timeouts,
      outbox,
      inbox,
      quarantine,
      subscriptions: { ...subscriptions, maxAttempts: defaultResubscribe.maxAttempts },
      journal: this.journal,
      keepsSession: () => typeof this.keptClientId === 'string',
    }
  }

  #createJournal(events: RuntimeEvents): LazyJournal | undefined {
    const { store, clock, timeouts } = this.#config
    if (store === undefined) return undefined
    return new LazyJournal({
      store,
      clock,
      flushTimeout: timeouts.disconnectTimeout,
      generateClientId,
      onRestored: (waiting, inFlight, quarantined, shelf) => {
        const waits = waiting.length + (shelf?.size ?? 0)
        this.session.restore(waiting, inFlight, quarantined, shelf)
        if (waits + inFlight.length > 0) events.onOutboxRestored({ waiting: waits, inFlight: inFlight.length })
      },
      onStored: (publication) => this.session.stored(publication),
      onRefused: (publication, error) => this.session.withdraw(publication, error),
      onError: (error) => events.onError(error, 'store'),
    })
  }

  #createProvider(events: RuntimeEvents, credentials: CurrentCredentials, time: () => number): Provider {
    const { session } = this
    const { clock, gate } = this.#config
    const { disconnectTimeout, probeTimeout } = this.#config.timeouts
    return {
      held: new Set(),
      transport: createTransport({
        prepare: (input) => this.#attempts.prepare(input),
        packetIds: session.packetIds,
        clock,
        time,
        disconnectTimeout,
        probeTimeout,
        onError: (error) => {
          this.forgetOptions()
          this.#cause = error
          events.onError(error, 'options')
        },
        events: session,
      }),
      sync: session.sync,
      request: session.periodic.request,
      gate,
      gateFailed: (error) => events.onError(error, 'gate'),
      refresh: (reason, signal) => credentials.refresh(reason, signal),
      requestTimedOut: (id) => session.periodic.timedOut(id),
      resumePublishing: (machine) => {
        this.#actor = machine
        session.resumePublishing()
      },
      pausePublishing: () => session.pausePublishing(),
      prove: (machine) => {
        if (session.isAcknowledging()) machine.send({ type: 'transport.proven' })
      },
      gaveUp: (failure) => this.giveUp(this.failed(failure)),
      triesAgain: () => {
        this.#givenUp = undefined
      },
    }
  }
}
