import type { AnyActorRef, AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { RefreshedCredentials, RefreshReason } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { defaultResubscribe } from '../../machines/subscriptions.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import { ConnectionFailedError, TimeoutError } from '../api/errors.ts'
import type { ClientConfig } from '../config/client-config.ts'
import type { ControlPacketListener } from '../mqtt/connection.ts'
import type { PacketTrace } from '../mqtt/packet-trace.ts'
import { createTransport, type Transport } from '../mqtt/transport.ts'
import { LazyRecorder } from '../recorder/lazy-recorder.ts'
import type { Announce } from '../session/announcement.ts'
import type { Processing } from '../session/incoming/receiver.ts'
import type { SessionConfig } from '../session/session-config.ts'
import { Session } from '../session/session.ts'
import { monotonicTime } from '../shared/clock.ts'
import { inTime } from '../shared/wait.ts'
import { LazyJournal } from '../store/lazy-journal.ts'
import type { Disconnect } from '../wire/disconnect.ts'
import type { IncomingPublish } from '../wire/packets.ts'
import type { Provider } from './actors.ts'
import { Attempts, generateClientId } from './attempt.ts'
import { CurrentCredentials } from './credentials.ts'
import { type Happening, isRest } from './observer.ts'
import { ServerList } from './server-list.ts'
import { type ConnectionObserver, type SessionPort, SessionReports } from './session-reports.ts'

/** What a runtime is given by its owner, beside its options. */
export interface RuntimeParts {
  readonly observer: ConnectionObserver
  /** Handles messages that no subscription matches: the option `onMessage`. */
  readonly deliverUnmatched: ((packet: IncomingPublish) => unknown) | undefined
  /** Publishes the birth of each connection: the option `birth`. */
  readonly announce?: Announce | undefined
  /** Called when pending work is rejected, because nothing is tried until the application asks for it. */
  readonly onGiveUp?: (error: ConnectionFailedError) => void
}

/**
 * Everything that a connection machine drives, and that lives beside it: MQTT.js, the credentials source, the session
 * and the store.
 */
export class ConnectionRuntime implements Provider, SessionPort {
  readonly session: Session
  /** Stores durable publishes, if the client has a store. */
  readonly journal: LazyJournal | undefined
  /** The input of the machine. Its actors find the runtime as their provider. */
  readonly input: ConnectionInput
  readonly transport: Transport
  readonly held = new Set<() => void>()
  readonly recorder: LazyRecorder | undefined
  /** The DISCONNECT with which the application ends the connection, if it is not the normal one. */
  farewell: Disconnect | undefined
  /** For `xstate-mqtt/mqttjs`, which passes these packets on to the application. */
  onControlPacket: ControlPacketListener | undefined
  /** For `xstate-mqtt/mqttjs`: takes the messages that no subscription matches, in place of the option `onMessage`. */
  onUnmatched: ((packet: IncomingPublish) => Processing) | undefined
  readonly #config: ClientConfig
  readonly #observer: ConnectionObserver
  readonly #onGiveUp: RuntimeParts['onGiveUp']
  readonly #announce: Announce | undefined
  readonly #credentials: CurrentCredentials
  readonly #attempts: Attempts
  /** The actor of the machine, once it has been ready for the first time. */
  #actor: AnyActorRef | undefined
  #givenUp: ConnectionFailedError | undefined
  /** The error of the application that caused the last failure. */
  #cause: unknown

  constructor(config: ClientConfig, { observer, deliverUnmatched, announce, onGiveUp }: RuntimeParts) {
    this.#config = config
    this.#observer = observer
    this.#onGiveUp = onGiveUp
    this.#announce = announce
    const { clock, now, timeouts } = config
    const time = monotonicTime(clock, now)
    this.recorder = this.#createRecorder(time)
    const input = this.#machineInput()
    this.input = this.recorder?.observed(input) ?? input
    this.journal = this.#createJournal()
    this.session = new Session(this.#sessionConfig(time, deliverUnmatched), new SessionReports(observer, this))
    this.#credentials = new CurrentCredentials({
      source: config.credentials,
      refreshTimeout: timeouts.refreshTimeout,
      now,
      time,
      onError: (error) => this.#failedBy(error, 'credentials'),
    })
    const servers = new ServerList(config, (error) => observer.report(error, 'servers'))
    this.#attempts = new Attempts(config, this.#credentials, servers, this.journal, this.session)
    this.transport = this.#createTransport(time)
  }

  /** The version of the last connection. Before the first one it comes from the options, if they say it. */
  get protocolVersion(): number | undefined {
    const { connect } = this.#config
    if (this.session.protocolVersion !== undefined) return this.session.protocolVersion
    if (typeof connect === 'function' || connect.protocolVersion === 'auto') return undefined
    return connect.protocolVersion
  }

  /** From the next CONNECT on, the broker is asked where responses to this client belong (MQTT 5 §3.1.2.11.6). */
  requestResponseInformation(): void {
    this.#attempts.needsResponseInformation = true
  }

  /** See `Attempts.keptClientId`. */
  get keptClientId(): string | null | undefined {
    return this.#attempts.keptClientId()
  }

  /** Called when a request needs a response topic. @returns whether it is known what the broker gives; if so, that */
  responseInformation(): { readonly given: string | undefined } | undefined {
    this.requestResponseInformation()
    const { broker } = this.session
    return broker && { given: broker.responseInformation }
  }

  /** Why the machine gave up, unless calls wait for a retry then (`onGiveUp: 'wait'`). */
  get givenUp(): ConnectionFailedError | undefined {
    return this.#givenUp
  }

  /** The error by which a failure is reported. @param cause - of an internal failure */
  failed(failure: Failure, cause?: unknown): ConnectionFailedError {
    const { name: client } = this.#config
    const isOurs =
      failure.kind === 'refresh' ||
      failure.kind === 'credentials' ||
      failure.kind === 'options' ||
      failure.kind === 'authentication' ||
      (failure.kind === 'socket' && failure.bySource === true)
    if (failure.kind === 'internal') return new ConnectionFailedError(failure, { client, cause })
    return new ConnectionFailedError(failure, { client, ...(isOurs && { cause: this.#cause }) })
  }

  /** Called with each event of the machine. */
  follow(event: Happening): void {
    if (event.type === 'connected') this.#observer.log.stillSuspended(this.session.suspendedFilters())
    // The next attempt evaluates the options anew.
    else if (isRest(event)) this.#attempts.forget()
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

  get gate(): AdmissionGate | undefined {
    return this.#config.gate
  }

  servers(): readonly string[] {
    return this.#attempts.servers()
  }

  gateFailed(error: unknown): void {
    this.#observer.report(error, 'gate')
  }

  refresh(reason: RefreshReason, signal: AbortSignal): Promise<RefreshedCredentials> {
    return this.#credentials.refresh(reason, signal)
  }

  resumePublishing(machine: AnyActorRef): void {
    this.#actor = machine
    this.session.resumePublishing(this.#announce)
  }

  prove(machine: AnyActorRef): void {
    if (this.session.isAcknowledging()) machine.send({ type: 'transport.proven' })
  }

  askQuiet(machine: AnyActorRef): void {
    machine.send({ type: this.session.isQuiet() ? 'session.quiet' : 'session.busy' })
  }

  acknowledging(): void {
    this.#actor?.send({ type: 'transport.proven' })
  }

  wantedChanged(): void {
    // Before the connection is ready, its restore includes these changes.
    if (this.#actor) this.sendTo(this.#actor, 'subscriptions', { type: 'wanted.changed' })
  }

  gaveUp(failure: Failure): void {
    this.giveUp(this.failed(failure))
  }

  triesAgain(): void {
    this.#givenUp = undefined
  }

  /** Writes the rest of the recording. Call it when the machine is stopped. */
  async endRecording(): Promise<void> {
    const { recorder } = this
    if (!recorder) return
    const { clock, timeouts } = this.#config
    const error = () => new TimeoutError('writing the recording', timeouts.disconnectTimeout)
    await inTime(recorder.end(), { after: timeouts.disconnectTimeout, clock, error }).catch((problem: unknown) =>
      recorder.report(problem),
    )
  }

  #createRecorder(clockTime: () => number): LazyRecorder | undefined {
    const { recorder, name, now, random } = this.#config
    let isReported = false
    const onError = (error: unknown) => {
      if (!isReported) this.#observer.report(error, 'recorder')
      isReported = true
    }
    return recorder && new LazyRecorder(recorder, name, { now, random, clockTime, onError })
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

  #failedBy(error: unknown, source: 'credentials' | 'options' | 'authentication'): void {
    this.#cause = error
    this.#observer.report(error, source)
  }

  #sessionConfig(time: () => number, deliverUnmatched: RuntimeParts['deliverUnmatched']): SessionConfig {
    const { clock, now, random, timeouts, outbox, inbox, quarantine, subscriptions, expectTrafficWithin } = this.#config
    return {
      clock,
      now,
      time,
      random,
      timeouts,
      expectTrafficWithin,
      outbox,
      inbox,
      quarantine,
      subscriptions: { ...subscriptions, maxAttempts: defaultResubscribe.maxAttempts },
      journal: this.journal,
      deliverUnmatched:
        deliverUnmatched &&
        ((packet) => {
          if (this.onUnmatched) return this.onUnmatched(packet)
          deliverUnmatched(packet)
          return undefined
        }),
      keepsSession: () => typeof this.keptClientId === 'string',
    }
  }

  #createJournal(): LazyJournal | undefined {
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
        if (waits + inFlight.length > 0) this.#observer.restored({ waiting: waits, inFlight: inFlight.length })
      },
      onStored: (publication) => this.session.stored(publication),
      onRefused: (publication, error) => this.session.withdraw(publication, error),
      onError: (error) => this.#observer.report(error, 'store'),
    })
  }

  /** For `xstate-mqtt/mqttjs`, whose packets are whole. */
  get packets(): PacketTrace | undefined {
    return this.#observer.packets
  }

  #createTransport(time: () => number): Transport {
    const { session } = this
    const { clock, timeouts } = this.#config
    return createTransport({
      prepare: (input) => this.#attempts.prepare(input),
      packetIds: session.packetIds,
      packets: this.#observer.packets,
      clock,
      time,
      disconnectTimeout: timeouts.disconnectTimeout,
      probeTimeout: timeouts.probeTimeout,
      authenticationTimeout: timeouts.authenticationTimeout,
      onError: (error, source) => {
        this.#cause = error
        // A proxy that is down is a failure like others, which the application learns of by its events.
        if (source === 'socket') return
        if (source === 'options') this.#attempts.forget()
        this.#failedBy(error, source)
      },
      onIdleTimeoutLearnt: (learnt) => {
        const { log, events } = this.#observer
        const note = `something in between ends connections after ${learnt.silence / 1_000} s of silence`
        log.event('warn', 'idleTimeoutLearnt', learnt, note)
        events.emit('idleTimeoutLearnt', learnt)
      },
      events: session,
      farewell: () => this.farewell,
      onControlPacket: (packet, stream) => this.onControlPacket?.(packet, stream),
    })
  }
}
