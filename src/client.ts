import { createActor, type Actor } from 'xstate'

import type { ConnectionCommand } from '../machines/connection-types.ts'
import type { connectionMachine } from '../machines/connection.ts'
import type { Failure } from '../machines/failure.ts'
import { defaultResubscribe } from '../machines/subscriptions.ts'
import type {
  ClientStatus,
  MessageHandler,
  PeriodicRequestHandle,
  PeriodicRequestOptions,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from './client-types.ts'
import { createConnectionMachine, realClock } from './connection.ts'
import { callGuarded } from './emitter.ts'
import {
  ClientDisposedError,
  ConnectionFailedError,
  DisconnectedError,
  InvalidOptionError,
  TimeoutError,
} from './errors.ts'
import type { ClientEvents, ConnectionState } from './events.ts'
import { guarded, silentLogger } from './logger.ts'
import { ReceivedMessage } from './message.ts'
import { publishSize } from './mqtt/publish-size.ts'
import { Observer } from './observer.ts'
import type { ResilientMqttClientOptions } from './options.ts'
import { checkOptions, connectionInput, defaultOutbox } from './parse-options.ts'
import { checkQos, publish } from './publish.ts'
import type { IncomingPublish } from './session/link.ts'
import { PeriodicRequests } from './session/periodic-requests.ts'
import type { PublishResult } from './session/publication.ts'
import { Session } from './session/session.ts'
import { Subscriptions, type Subscriber } from './session/subscriptions.ts'
import { isReady } from './snapshot.ts'
import { checkFilter, checkTopic } from './topics.ts'
import type { Payload, Qos } from './types.ts'
import { wait, type Ending, type WaitOptions } from './wait.ts'

interface ClientSubscriber extends Subscriber {
  readonly handler: MessageHandler
}

/**
 * An MQTT client whose connection never needs a restart. It reconnects with backoff, recovers, renews its credentials,
 * and brings back its subscriptions and periodic requests by itself.
 */
export class ResilientMqttClient implements AsyncDisposable {
  /** The running connection machine, for who wants XState. */
  readonly actor: Actor<typeof connectionMachine>
  readonly #options: ResilientMqttClientOptions
  readonly #now: () => number
  readonly #observer: Observer
  readonly #session: Session
  readonly #subscriptions: Subscriptions<ClientSubscriber>
  readonly #periodic = new PeriodicRequests()
  /** Waits under way, which `asyncDispose` ends. */
  readonly #waits = new Set<Ending<never>>()
  /** The error of the application's that is behind the last failure. */
  #cause: unknown
  #disposed = false

  /** @throws {InvalidOptionError} if an option is wrong */
  constructor(options: ResilientMqttClientOptions) {
    checkOptions(options)
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#observer = new Observer(guarded(options.logger ?? silentLogger), this.#now)
    this.#session = new Session({
      outbox: { ...defaultOutbox, ...options.outbox },
      now: this.#now,
      onDrained: () => this.#observer.events.emit('drained', {}),
      packetSize: publishSize,
    })
    this.#subscriptions = new Subscriptions({
      batchSize: 100,
      onSessionPresent: 'skip',
      maxAttempts: defaultResubscribe.maxAttempts,
    })
    this.actor = this.#createActor()
    this.#observer.watch(this.actor)
    this.actor.start()
  }

  /** What it is doing. */
  get status(): ClientStatus {
    const { attempt, cycle, retryAt, failure, counters } = this.actor.getSnapshot().context
    const { state, since } = this.#observer
    return { state, since, attempt, cycle, nextRetryAt: retryAt, lastFailure: failure, counters }
  }

  /** Whether a connection is open. */
  get isConnected(): boolean {
    return this.actor.getSnapshot().hasTag('online')
  }

  /**
   * Connects, and stays connected. Resolves when subscriptions are restored and messages flow.
   *
   * @param options.signal - stops trying when it aborts
   * @throws {ConnectionFailedError} when it gave up: the failure is fatal, or no attempts and cycles are left
   * @throws {DisconnectedError} when `disconnect()` is called meanwhile
   * @throws {ClientDisposedError}
   */
  async connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#ensureAlive()
    if (isReady(this.actor.getSnapshot())) return
    signal?.throwIfAborted()
    if (this.#observer.state === 'disconnecting') await this.waitFor('disconnected', signal && { signal })
    try {
      await this.#wait<void>({ signal }, (ending) => {
        const stops = [
          this.on('connected', () => ending.resolve()),
          this.on('gaveUp', ({ failure }) => ending.reject(this.#failed(failure))),
          this.on('stateChanged', ({ to }) => {
            if (to === 'disconnecting' || to === 'disconnected') ending.reject(new DisconnectedError('connected'))
          }),
        ]
        this.#send(this.#observer.state === 'failed' ? 'RETRY' : 'CONNECT')
        return () => stops.forEach((stop) => stop())
      })
    } catch (error) {
      if (signal?.aborted) this.#send('DISCONNECT')
      throw error
    }
  }

  /**
   * Disconnects gracefully and stays disconnected: DISCONNECT is sent and the socket closed, within
   * `timeouts.disconnectTimeout`. Subscriptions and the outbox are kept for the next `connect()`.
   *
   * @param options.signal - stops waiting when it aborts; the connection is closed all the same
   */
  async disconnect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#disposed || this.#observer.state === 'idle' || this.#observer.state === 'disconnected') return
    const disconnected = this.waitFor('disconnected', signal && { signal })
    this.#send('DISCONNECT')
    await disconnected
  }

  /**
   * Publishes. Offline it waits in the outbox.
   *
   * @returns resolves at PUBACK or PUBCOMP, for QoS 0 when it is written
   * @throws {InvalidOptionError} if topic, payload or options are wrong
   * @throws {PublishRefusedError} if the broker refuses it
   * @throws {OutboxOverflowError} {PublishExpiredError} {NotSupportedByBrokerError} {ConnectionLostError}
   * @throws {ClientDisposedError}
   */
  async publish(topic: string, payload: Payload, options: PublishOptions = {}): Promise<PublishResult> {
    this.#ensureAlive()
    return publish(this.#session, topic, payload, options, this.#now())
  }

  /**
   * Subscribes: now, and after every interruption again. A handler that throws, or whose promise rejects, reaches the
   * `error` event.
   *
   * @throws {InvalidOptionError} if the filter or an option is wrong
   * @throws {ClientDisposedError}
   */
  subscribe(filter: string, handler: MessageHandler, options: SubscribeOptions = {}): Subscription {
    this.#ensureAlive()
    checkFilter(filter)
    if (typeof handler !== 'function') throw new InvalidOptionError('handler', 'must be a function', handler)
    const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options
    checkQos(qos)
    const { promise: ready, resolve: granted, reject: rejected } = deferred<Qos>()
    // Nobody has to look at it: a refusal is told by an event too.
    ready.catch(() => {})
    const subscriber = { filter, handler, qos, noLocal, retainAsPublished, retainHandling, granted, rejected }
    if (this.#subscriptions.add(subscriber)) this.#wantedChanged()
    return {
      filter,
      ready,
      unsubscribe: () => {
        if (this.#subscriptions.remove(subscriber)) this.#wantedChanged()
      },
    }
  }

  /**
   * Publishes again and again, while the connection is ready: the first at once, never two at a time, never queued,
   * and none to make up for what an outage swallowed.
   *
   * @throws {InvalidOptionError} if an option is wrong
   * @throws {ClientDisposedError}
   */
  startPeriodicRequests(options: PeriodicRequestOptions): PeriodicRequestHandle {
    this.#ensureAlive()
    const { topic, payload, interval, jitter = 0, qos = 0 } = options
    checkTopic(topic)
    checkQos(qos)
    if (!(interval > 0)) throw new InvalidOptionError('interval', 'must be more than 0 milliseconds', interval)
    if (!(jitter >= 0 && jitter <= 1)) throw new InvalidOptionError('jitter', 'must be between 0 and 1', jitter)
    const id = this.#periodic.add(async () => {
      const value = typeof payload === 'function' ? await payload() : payload
      await publish(this.#session, topic, value, { qos }, this.#now())
    })
    this.actor.send({ type: 'PERIODIC.START', schedule: { id, interval, jitter, responseTimeout: null } })
    return {
      stop: () => {
        this.#periodic.delete(id)
        this.actor.send({ type: 'PERIODIC.STOP', id })
      },
    }
  }

  /** Forgets the counters and tries at once: out of a wait, and after it gave up. */
  resetReconnect(): void {
    this.#send('RETRY')
  }

  /** Does now what a recovery cycle does: asks for new credentials and recreates the client. */
  recover(): void {
    this.#send('RECOVER')
  }

  /**
   * Tells that the network may be back, or the machine woke up: ends a wait, or probes the open connection with a
   * PINGREQ. What it brings forward is not counted as an attempt.
   */
  wake(): void {
    this.#send('WAKE')
  }

  /**
   * Waits until the connection is in a state; at once if it is.
   *
   * @param options.timeout - in milliseconds
   * @throws {TimeoutError}
   * @throws {ConnectionFailedError} if it gives up meanwhile, unless that is what is waited for
   * @throws {ClientDisposedError}
   */
  async waitFor(
    state: ConnectionState,
    { signal, timeout }: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
  ): Promise<void> {
    this.#ensureAlive()
    if (this.#observer.state === state) return
    const clock = this.#options.clock ?? realClock
    const error = () => new TimeoutError(`waiting for ${state}`, timeout ?? 0)
    await this.#wait<void>(
      { signal, timeout: timeout === undefined ? undefined : { after: timeout, clock, error } },
      (ending) => {
        const stops = [
          this.on('stateChanged', ({ to }) => to === state && ending.resolve()),
          this.on('gaveUp', ({ failure }) => state !== 'failed' && ending.reject(this.#failed(failure))),
        ]
        return () => stops.forEach((stop) => stop())
      },
    )
  }

  /**
   * Calls a handler at each event of a name.
   *
   * @returns takes the handler off again
   */
  on<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => unknown): () => void {
    return this.#observer.events.on(event, handler)
  }

  /** Disconnects and ends the client for good. Whatever is pending then rejects with `ClientDisposedError`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    await this.disconnect()
    this.#disposed = true
    this.actor.stop()
    this.#session.dispose(() => new ClientDisposedError())
    for (const ending of this.#waits) ending.reject(new ClientDisposedError())
  }

  #createActor(): Actor<typeof connectionMachine> {
    const machine = createConnectionMachine(this.#options, {
      session: this.#session,
      subscriptions: this.#subscriptions,
      periodic: this.#periodic,
      onMessage: (packet) => this.#dispatch(packet),
      onError: (error, source) => {
        this.#cause = error
        this.#observer.report(error, source)
      },
    })
    const { inspect, clock } = this.#options
    return createActor(machine, {
      id: 'connection',
      input: connectionInput(this.#options),
      ...(inspect && { inspect }),
      ...(clock && { clock: clock as never }),
    })
  }

  #dispatch(packet: IncomingPublish): boolean {
    let message: ReceivedMessage | undefined
    for (const { handler, filter } of this.#subscriptions.match(packet.topic)) {
      const received = (message ??= new ReceivedMessage(packet))
      callGuarded(
        () => handler(received),
        (error) => this.#observer.report(error, `the handler of ${filter}`),
      )
    }
    return false
  }

  #wantedChanged(): void {
    this.actor.getSnapshot().children.subscriptions?.send({ type: 'wanted.changed' })
  }

  #send(type: Exclude<ConnectionCommand['type'], `PERIODIC.${string}`>): void {
    if (!this.#disposed) this.actor.send({ type })
  }

  async #wait<T>(options: WaitOptions, start: (ending: Ending<T>) => () => void): Promise<T> {
    let own: Ending<T> | undefined
    try {
      return await wait<T>(options, (ending) => {
        own = ending
        this.#waits.add(ending)
        return start(ending)
      })
    } finally {
      if (own) this.#waits.delete(own)
    }
  }

  #failed(failure: Failure): ConnectionFailedError {
    const ours = failure.kind === 'refresh' || failure.kind === 'credentials' || failure.kind === 'options'
    return new ConnectionFailedError(failure, ours ? { cause: this.#cause } : undefined)
  }

  #ensureAlive(): void {
    if (this.#disposed) throw new ClientDisposedError()
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
