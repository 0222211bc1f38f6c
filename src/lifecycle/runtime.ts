import type { AnyActorRef, AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import { defaultResubscribe } from '../../machines/subscriptions.ts'
import { LazyJournal } from '../store/lazy-journal.ts'
import { ConnectionFailedError, PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents } from '../api/events.ts'
import { createTransport } from '../mqtt/transport.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { Attempts, generateClientId } from './attempt.ts'
import type { Provider } from './actors.ts'
import { CurrentCredentials } from './credentials.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import { Session } from '../session/session.ts'
import type { SessionConfig, SessionEvents } from '../session/session-config.ts'
import { monotonicTime } from '../shared/clock.ts'

/** What a connection tells beside its machine. */
export interface ConnectionHooks {
  /** What its session reports. */
  readonly session: Omit<SessionEvents, 'acknowledging' | 'wantedChanged' | 'orphanFailed'>
  /** Told of the errors that the machine knows by their names only. */
  readonly onError: (error: unknown, source: 'credentials' | 'options' | 'store' | 'gate') => void
  /** What waits is rejected: nothing is tried until somebody asks for it. */
  readonly onGiveUp?: (error: ConnectionFailedError) => void
  /** The store was opened, and holds publishes of an earlier process. */
  readonly onOutboxRestored: (restored: ClientEvents['outboxRestored']) => void
  /** Takes the messages that no subscription matches: the option `onMessage`. */
  readonly deliverUnmatched: ((packet: IncomingPublish) => unknown) | undefined
}

/** MQTT.js, the credentials source and the session, for the connection machine, and what lives beside it. */
export class Connection {
  readonly session: Session
  /** Where durable publishes are written down, if the client has a store. */
  readonly journal: LazyJournal | undefined
  /** For the machine, which is to be run with `input`. */
  readonly provider: Provider
  readonly input: ConnectionInput
  readonly #attempts: Attempts
  readonly #config: ClientConfig
  /** The running machine, as soon as it was ready for the first time. */
  #actor: AnyActorRef | undefined
  readonly #onGiveUp: ConnectionHooks['onGiveUp']
  #givenUp: ConnectionFailedError | undefined
  /** The error of the application's that is behind the last failure. */
  #cause: unknown

  constructor(config: ClientConfig, hooks: ConnectionHooks) {
    this.#config = config
    this.#onGiveUp = hooks.onGiveUp
    this.input = this.#machineInput()
    this.journal = this.#createJournal(hooks)
    const { clock, now, timeouts } = config
    const time = monotonicTime(clock, now)
    this.session = new Session(
      { ...this.#sessionConfig(), time, deliverUnmatched: hooks.deliverUnmatched },
      {
        ...hooks.session,
        // An orphan that a newer publish superseded is what the application wanted.
        orphanFailed: (error) => error instanceof PublishSupersededError || hooks.onError(error, 'store'),
        acknowledging: () => this.#actor?.send({ type: 'transport.proven' }),
        // Until the connection is ready, the restore takes care of what is awaited.
        wantedChanged: () => this.#actor && this.tell(this.#actor, 'subscriptions', { type: 'wanted.changed' }),
      },
    )
    const credentials = new CurrentCredentials({
      source: config.credentials,
      refreshTimeout: timeouts.refreshTimeout,
      now,
      time,
      onError: (error) => {
        this.#cause = error
        hooks.onError(error, 'credentials')
      },
    })
    this.#attempts = new Attempts(config, credentials, this.journal)
    this.provider = this.#createProvider(hooks, credentials)
  }

  /** Of the last connection; before the first by the options, unless they are a function. */
  get protocolVersion(): number | undefined {
    const { connect } = this.#config
    if (this.session.protocolVersion !== undefined) return this.session.protocolVersion
    return typeof connect === 'function' ? undefined : connect.protocolVersion
  }

  /** See `Attempts.keptSession`. */
  get keptSession(): string | null | undefined {
    return this.#attempts.keptSession()
  }

  /** Why it rests in `failed`, unless what is asked for waits there. */
  get givenUp(): ConnectionFailedError | undefined {
    return this.#givenUp
  }

  /** What a failure is told as. */
  failed(failure: Failure): ConnectionFailedError {
    const ours = failure.kind === 'refresh' || failure.kind === 'credentials' || failure.kind === 'options'
    return new ConnectionFailedError(failure, ours ? { cause: this.#cause } : undefined)
  }

  /** The next attempt evaluates the options anew. */
  forgetOptions(): void {
    this.#attempts.forget()
  }

  /** Sends to a child of the running machine. */
  tell(actor: AnyActorRef, id: string, event: AnyEventObject): void {
    const { children } = actor.getSnapshot() as { children: Record<string, AnyActorRef | undefined> }
    children[id]?.send(event)
  }

  /** Nothing is tried until somebody asks for it: what waits is rejected, unless it is to wait for that. */
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
      keepsSession: () => typeof this.keptSession === 'string',
    }
  }

  #createJournal(hooks: ConnectionHooks): LazyJournal | undefined {
    const { store, clock, timeouts } = this.#config
    if (store === undefined) return undefined
    return new LazyJournal({
      store,
      clock,
      flushTimeout: timeouts.disconnectTimeout,
      generateClientId,
      onRestored: (waiting, inFlight, quarantined) => {
        this.session.restore(waiting, inFlight, quarantined)
        if (waiting.length + inFlight.length === 0) return
        hooks.onOutboxRestored({ waiting: waiting.length, inFlight: inFlight.length })
      },
      onRefused: (publication, error) => this.session.withdraw(publication, error),
      onError: (error) => hooks.onError(error, 'store'),
    })
  }

  #createProvider(hooks: ConnectionHooks, credentials: CurrentCredentials): Provider {
    const { session } = this
    const { clock, gate } = this.#config
    const { disconnectTimeout, probeTimeout } = this.#config.timeouts
    return {
      held: new Set(),
      transport: createTransport({
        prepare: (input) => this.#attempts.prepare(input),
        packetIds: session.packetIds,
        clock,
        disconnectTimeout,
        probeTimeout,
        onError: (error) => {
          this.forgetOptions()
          this.#cause = error
          hooks.onError(error, 'options')
        },
        events: session,
      }),
      sync: session.sync,
      request: session.periodic.request,
      gate,
      gateFailed: (error) => hooks.onError(error, 'gate'),
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
