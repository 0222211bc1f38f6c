import type { AnyActorRef, AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import { defaultResubscribe } from '../../machines/subscriptions.ts'
import { LazyJournal } from '../store/lazy-journal.ts'
import { ConnectionFailedError, PublishSupersededError } from '../api/errors.ts'
import type { ClientEvents, FailedMessage, Stall } from '../api/events.ts'
import type { InboxStatus } from '../api/status.ts'
import { createTransport } from '../mqtt/transport.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { Attempts, generateClientId } from './attempt.ts'
import type { Provider } from './actors.ts'
import { CurrentCredentials } from './credentials.ts'
import { Inbox } from '../session/incoming/inbox.ts'
import type { Receiver } from '../session/incoming/receiver.ts'
import type { Link } from '../session/link.ts'
import type { Ack, IncomingPublish } from '../wire/packets.ts'
import { PeriodicRequests } from '../session/periodic-requests.ts'
import type { QuarantinedPublish } from '../api/quarantine.ts'
import { Session } from '../session/session.ts'
import { Subscriptions } from '../session/subscriptions/subscriptions.ts'

/** What a connection tells beside its machine. */
export interface ConnectionHooks {
  /** Everything accepted is delivered. */
  readonly onDrained: () => void
  /** A subscription is left to the user: the broker refused it for good. */
  readonly onSubscriptionFailed: (filter: string, error: Error) => void
  /** The broker closes the connection on a subscription: it is left out for so many milliseconds. */
  readonly onSubscriptionSuspended: (filter: string, delay: number) => void
  readonly onSubscriptionResumed: (filter: string) => void
  /** The broker closes the connection on a durable publish: it was taken out. */
  readonly onPublishQuarantined: (publish: QuarantinedPublish) => void
  /** Told of the errors that the machine knows by their names only. */
  readonly onError: (error: unknown, source: 'credentials' | 'options' | 'store' | 'gate') => void
  /** What waits is rejected: nothing is tried until somebody asks for it. */
  readonly onGiveUp?: (error: ConnectionFailedError) => void
  /** The store was opened, and holds publishes of an earlier process. */
  readonly onOutboxRestored: (restored: ClientEvents['outboxRestored']) => void
  /** Takes the messages that no subscription matches: the option `onMessage`. */
  readonly deliverUnmatched: ((packet: IncomingPublish) => unknown) | undefined
  /** No subscription matches a message. @param first - whether it is the first on this connection */
  readonly onUnclaimed: (packet: IncomingPublish, first: boolean) => void
  /** A handler could not process a message, whatever was tried. */
  readonly onMessageFailed: (failed: FailedMessage) => void
  /** The acknowledgements that are held back have not moved for some time. */
  readonly onStalled: (stall: Stall) => void
}

/** MQTT.js, the credentials source and the session, for the connection machine, and what lives beside it. */
export class Connection {
  readonly session: Session
  /** Where durable publishes are written down, if the client has a store. */
  readonly journal: LazyJournal | undefined
  readonly subscriptions: Subscriptions<Receiver>
  readonly periodic = new PeriodicRequests()
  /** For the machine, which is to be run with `input`. */
  readonly provider: Provider
  readonly input: ConnectionInput
  readonly #inbox: Inbox
  readonly #attempts: Attempts
  readonly #config: ClientConfig
  #link: Link | undefined
  /** The running machine, as soon as it was ready for the first time. */
  #actor: AnyActorRef | undefined
  #wantedChanged = false
  readonly #onGiveUp: ConnectionHooks['onGiveUp']
  #givenUp: ConnectionFailedError | undefined
  /** The error of the application's that is behind the last failure. */
  #cause: unknown

  constructor(config: ClientConfig, hooks: ConnectionHooks) {
    this.#config = config
    this.#onGiveUp = hooks.onGiveUp
    this.input = this.#machineInput()
    this.journal = this.#createJournal(hooks)
    const { clock, now, random, timeouts, quarantine } = config
    this.session = new Session({
      journal: this.journal,
      // That a newer one took its place is what the application wanted.
      onOrphanFailed: (_publication, error) => error instanceof PublishSupersededError || hooks.onError(error, 'store'),
      outbox: config.outbox,
      quarantine,
      onQuarantined: hooks.onPublishQuarantined,
      clock,
      now,
      timeouts,
      random,
      onDrained: hooks.onDrained,
      othersOnWire: () => this.subscriptions.onWire > 0,
      onPublish: () => this.#flushWanted(),
      onAcknowledging: () => this.#actor?.send({ type: 'transport.proven' }),
    })
    this.subscriptions = new Subscriptions({
      ...config.subscriptions,
      maxAttempts: defaultResubscribe.maxAttempts,
      othersOnWire: () => this.session.onWire > 0,
      hold: this.session.hold,
      clock,
      quarantine,
      onDue: () => this.wantedChanged(),
      onSuspended: hooks.onSubscriptionSuspended,
      onResumed: hooks.onSubscriptionResumed,
      onFailed: hooks.onSubscriptionFailed,
      onFlushed: () => this.session.resumeSending(),
    })
    this.#inbox = this.#createInbox(hooks)
    const credentials = new CurrentCredentials({
      source: config.credentials,
      refreshTimeout: timeouts.refreshTimeout,
      now,
      time: this.session.now,
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
    if (this.#link) return this.#link.protocolVersion
    return typeof connect === 'function' ? undefined : connect.protocolVersion
  }

  /** See `Attempts.keptSession`. */
  get keptSession(): string | null | undefined {
    return this.#attempts.keptSession()
  }

  /** A subscription begins. */
  add(receiver: Receiver): void {
    if (this.subscriptions.add(receiver)) this.wantedChanged()
    this.#inbox.added(receiver)
  }

  /** A subscription ends. */
  remove(receiver: Receiver): void {
    if (this.subscriptions.remove(receiver)) this.wantedChanged()
    this.#inbox.removed(receiver)
  }

  get inbox(): InboxStatus {
    const { heldBack, heldBackSince, unclaimed } = this.#inbox
    return { heldBack, heldBackSince, unclaimed }
  }

  /**
   * Somebody subscribed or unsubscribed, or what was suspended is to be tried. The packets are written at the end of the turn, so that few packets do for many
   * calls, or before the next publish, so that it does not overtake them.
   */
  wantedChanged(): void {
    if (this.#wantedChanged) return
    this.#wantedChanged = true
    queueMicrotask(() => this.#flushWanted())
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
    this.session.reject(() => error)
    this.subscriptions.postpone(error)
    this.#onGiveUp?.(error)
  }

  #flushWanted(): void {
    if (!this.#wantedChanged) return
    this.#wantedChanged = false
    // Not by the machine: in a handler that it calls it would do this only later.
    if (this.subscriptions.flush()) this.session.pauseSending()
    // Until the connection is ready, its restore takes care of what is awaited.
    if (this.#actor) this.tell(this.#actor, 'subscriptions', { type: 'wanted.changed' })
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

  #createInbox(hooks: ConnectionHooks): Inbox {
    const { clock, now, random, inbox } = this.#config
    return new Inbox({
      ...inbox,
      subscriptions: this.subscriptions,
      clock,
      now,
      random,
      otherwise: hooks.deliverUnmatched,
      keepsSession: () => typeof this.keptSession === 'string',
      onUnclaimed: hooks.onUnclaimed,
      onFailed: hooks.onMessageFailed,
      onStalled: hooks.onStalled,
    })
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
        this.session.resume(waiting, inFlight, quarantined)
        if (waiting.length + inFlight.length === 0) return
        hooks.onOutboxRestored({ waiting: waiting.length, inFlight: inFlight.length })
      },
      onRefused: (publication, error) => this.session.withdraw(publication, error),
      onError: (error) => hooks.onError(error, 'store'),
    })
  }

  #createProvider(hooks: ConnectionHooks, credentials: CurrentCredentials): Provider {
    const { session, subscriptions, periodic } = this
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
        events: this.#linkEvents(),
      }),
      sync: subscriptions.sync,
      request: periodic.request,
      gate,
      gateFailed: (error) => hooks.onError(error, 'gate'),
      refresh: (reason, signal) => credentials.refresh(reason, signal),
      requestTimedOut: (id) => periodic.timedOut(id),
      openGate: (machine) => {
        this.#actor = machine
        session.openGate()
      },
      closeGate: () => session.closeGate(),
      prove: (machine) => {
        if (session.acks.isAcknowledging()) machine.send({ type: 'transport.proven' })
      },
      gaveUp: (failure) => this.giveUp(this.failed(failure)),
      triesAgain: () => {
        this.#givenUp = undefined
      },
    }
  }

  #linkEvents() {
    const { session, subscriptions } = this
    const inbox = this.#inbox
    return {
      attached: (link: Link, sessionPresent: boolean) => {
        this.#link = link
        inbox.attached(link, sessionPresent)
        subscriptions.attached(link)
        session.attached(link, sessionPresent)
      },
      detached: (...ended: Parameters<Session['detached']>) => {
        inbox.detached(ended[0])
        const bySubscription = subscriptions.detached(...ended)
        return session.detached(...ended) || bySubscription
      },
      acknowledged: (ack: Ack) => session.acknowledged(ack),
      releasing: (packetId: number) => session.releasing(packetId),
      received: (packet: IncomingPublish) => inbox.received(packet),
      writable: () => session.writable(),
    }
  }
}
