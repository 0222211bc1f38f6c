import type { Actor } from 'xstate'

import type { connectionMachine } from '../machines/connection/machine.ts'
import type { ConnectionCommand } from '../machines/connection/types.ts'
import type { Failure } from '../machines/failure.ts'
import { ClientDisposedError, type ConnectionFailedError } from './api/errors.ts'
import type { ClientEvents } from './api/events.ts'
import type { Health } from './api/health.ts'
import type {
  DisconnectOptions,
  EncodedPublishOptions,
  IterableSubscription,
  MessageHandler,
  PendingPublish,
  PeriodicRequestHandle,
  PeriodicRequestOptions,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
} from './api/message-options.ts'
import type { Message, Payload } from './api/message.ts'
import type { ResilientMqttClientOptions } from './api/options.ts'
import type { ClientQuarantine } from './api/quarantine.ts'
import type { ClientStatus, ConnectionState, OutboxStatus } from './api/status.ts'
import { connectRules, disconnectRules } from './config/call-rules.ts'
import type { ClientConfig } from './config/client-config.ts'
import { checkListener } from './config/listener.ts'
import { parseOptions } from './config/parse-options.ts'
import { clientStatus } from './lifecycle/client-status.ts'
import { ConnectCalls } from './lifecycle/connect-calls.ts'
import { depart } from './lifecycle/departure.ts'
import { type Happening, Observer } from './lifecycle/observer.ts'
import { RunningMachine } from './lifecycle/running-machine.ts'
import { ConnectionRuntime } from './lifecycle/runtime.ts'
import { waitForState } from './lifecycle/wait-for-state.ts'
import { announcing } from './messages/birth.ts'
import { deliverUnmatched } from './messages/deliver.ts'
import { preparePeriodicRequest } from './messages/periodic-requests.ts'
import { PublishRejections } from './messages/publish-promise.ts'
import { noOptions, publish, type Publisher, publishNow, refusedPublish } from './messages/publish.ts'
import { clientQuarantine } from './messages/quarantine.ts'
import { Requests } from './messages/requests.ts'
import { subscribe, subscribeToResponses } from './messages/subscribe.ts'
import type { TapSlot } from './session/message-tap.ts'
import { callGuarded } from './shared/emitter.ts'
import { readCallOptions } from './shared/read-options.ts'
import { Waits } from './shared/wait.ts'
import { Rejections } from './shared/watched-promise.ts'

let partsOf: (client: ResilientMqttClient) => ConnectionRuntime

/**
 * An MQTT client whose connection never needs a restart. It reconnects with backoff, recovers, renews its credentials,
 * and restores its subscriptions and periodic requests by itself. It delivers each publish that it accepted, or reports
 * why it could not.
 */
export class ResilientMqttClient implements AsyncDisposable {
  readonly #config: ClientConfig
  readonly #observer: Observer
  readonly #runtime: ConnectionRuntime
  readonly #publisher: Publisher
  readonly #machine: RunningMachine
  readonly #waits = new Waits()
  readonly #rejections = new Rejections()
  readonly #connectCalls: ConnectCalls
  /** Created when it is asked for. */
  #quarantine: ClientQuarantine | undefined
  /** Created with the first request. */
  #requests: Requests | undefined
  #disposing: Promise<void> | undefined
  #disposed = false

  // Not in a static block, which React Native's preset of Babel refuses.
  static #partsOf(this: void, client: ResilientMqttClient): ConnectionRuntime {
    return client.#runtime
  }

  /** @throws {InvalidOptionError} if an option is wrong */
  constructor(options: ResilientMqttClientOptions) {
    partsOf = ResilientMqttClient.#partsOf
    const config = parseOptions(options)
    this.#config = config
    this.#observer = new Observer(config, (event) => this.#follow(event))
    this.#runtime = new ConnectionRuntime(config, {
      observer: this.#observer,
      deliverUnmatched: deliverUnmatched(
        config.onMessage,
        (error) => this.#observer.report(error, 'onMessage'),
        () => this.#runtime.session,
      ),
      announce: announcing(config.birth, {
        clock: config.clock,
        timeout: config.timeouts.birthTimeout,
        publisher: () => this.#publisher,
        report: (error, source) => this.#observer.report(error, source),
      }),
      onGiveUp: (error) => this.#requests?.reject(error),
    })
    const { session, journal } = this.#runtime
    const observer = new PublishRejections(this.#rejections, (topic, error) =>
      this.#observer.publishFailed(topic, error),
    )
    this.#publisher = { session, now: config.now, observer, givenUp: () => this.#runtime.givenUp }
    this.#machine = new RunningMachine(config, this.#runtime, this.#observer)
    this.#connectCalls = new ConnectCalls({
      machine: this.#machine,
      observer: this.#observer,
      store: journal,
      send: (type) => this.#send(type),
      failed: (failure) => this.#failed(failure),
    })
    this.#machine.start()
  }

  /**
   * The actor of the connection machine, for XState users. An error inside the machine ends its actor: the client is
   * then `failed` with a failure of kind `internal`, and another actor takes its place. So read this property anew each
   * time.
   */
  get actor(): Actor<typeof connectionMachine> {
    return this.#machine.actor
  }

  /** Durable publishes that are set aside because the broker closes the connection on them. */
  get quarantine(): ClientQuarantine {
    return (this.#quarantine ??= clientQuarantine(this.#runtime.session))
  }

  /** The option `name`, or its default: the client id, if it is fixed. */
  get name(): string | undefined {
    return this.#config.name
  }

  /** What the client is doing now. */
  get status(): ClientStatus {
    return clientStatus(this.#config, this.actor.getSnapshot(), this.#observer, this.#runtime.session)
  }

  /**
   * Whether the client is live and ready, for the probes of an orchestrator: see docs/observability.md. `live` is `false` if
   * the client gave up, an error ended its machine, or it is disposed. `ready` is `true` while messages flow.
   */
  health(): Health {
    return this.#observer.health(this.actor.getSnapshot())
  }

  /** Whether a connection is open. */
  get isConnected(): boolean {
    return this.actor.getSnapshot().hasTag('online')
  }

  /**
   * Publishes that wait for a connection, or for an acknowledgement. The event `drained` reports that there are none.
   */
  get outbox(): OutboxStatus {
    return this.#runtime.session.status.outbox
  }

  /**
   * Connects, and stays connected. Resolves when subscriptions are restored and messages flow. A call during a
   * `disconnect()` connects after that. A rejection that is not handled does not end the process: the event `gaveUp`
   * reports it, or `error` if an option is wrong or the store can't be opened.
   *
   * @param options.signal - stops waiting when it aborts. It also stops the attempts if only calls of `connect()`
   *   started them, the connection has not been ready since, and no other call waits for it
   * @throws {ConnectionFailedError} if the client gave up: the failure is fatal, or no attempts and cycles are left
   * @throws {StoreError} if the store can't be opened; nothing was done then
   * @throws {DisconnectedError} if `disconnect()` is called meanwhile
   * @throws {ClientDisposedError}
   */
  connect(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#rejections.watch(this.#connect(options), (error) => this.#observer.callFailed(error, 'connect()'))
  }

  /**
   * Disconnects gracefully and stays disconnected: handlers finish if `handlers` says so, the outbox drains, DISCONNECT is
   * sent, and the socket is closed, each in bounded time. Subscriptions, periodic requests and durable publishes are kept for
   * the next `connect()`, and durable publishes also for a later process. A rejection that is not handled is reported through
   * the event `error`.
   *
   * @throws {InvalidOptionError} if an option is wrong; nothing was done then
   */
  disconnect(options: DisconnectOptions = {}): Promise<void> {
    return this.#rejections.watch(this.#checkedDisconnect(options), (error) =>
      this.#observer.callFailed(error, 'disconnect()'),
    )
  }

  /**
   * Publishes a message. If it can't be sent now, it waits in the outbox. A rejection that is not handled does not end
   * the process: the event `publishFailed` reports it.
   *
   * @returns resolves at PUBACK or PUBCOMP, or with QoS 0 when the message is written. Its property `accepted` resolves
   *   when the client is responsible for the message: at once, or if it is durable when it is on disk. If a publish is
   *   not accepted, code that handles the rejection of one of the two promises need not handle the other
   * @throws {InvalidOptionError} if topic, payload or options are wrong
   * @throws {PublishRefusedError} if the broker refuses the message
   * @throws {NotSupportedByBrokerError} if the broker does not support its size, its QoS, or retained messages
   * @throws {OutboxOverflowError} {PublishExpiredError} {PublishSupersededError} if it left the outbox unsent
   * @throws {ConnectionLostError} if it has QoS 0 and the connection ended while it was written
   * @throws {PacketEncodingError} if it can't be encoded, which is a fault of this package
   * @throws {PoisonPacketError} if the broker repeatedly closes the connection on it and accepts others meanwhile. A
   *   durable one is then in `quarantine`
   * @throws {StoreError} if it is durable and can't be stored
   * @throws {DisconnectedError} {ClientDisposedError} if the client was ended. A durable one stays in the store
   */
  publish(topic: string, payload: Payload, options?: PublishOptions): PendingPublish
  publish<Value>(topic: string, value: Value, options: EncodedPublishOptions<Value>): PendingPublish
  publish<Value>(topic: string, value: Value, options: PublishOptions<Value> = noOptions): PendingPublish {
    if (this.#disposed) return refusedPublish(this.#publisher, topic, new ClientDisposedError())
    return publish(this.#publisher, topic, value, options)
  }

  /**
   * Subscribes, now and again after each interruption. A handler is called for each message. Without one, a loop takes
   * the messages: `for await (const message of client.subscribe('a/#'))`. The same handler with the same filter and
   * options again is subscribed once: the result is the same subscription.
   *
   * @throws {InvalidOptionError} if the filter or an option is wrong
   * @throws {ClientDisposedError}
   */
  subscribe<Value = Uint8Array>(
    filter: string,
    handler: MessageHandler<Value>,
    options?: SubscribeOptions<Value>,
  ): Subscription
  subscribe<Value = Uint8Array>(filter: string, options?: SubscribeOptions<Value>): IterableSubscription<Value>
  subscribe<Value>(
    filter: string,
    handlerOrOptions?: MessageHandler<Value> | SubscribeOptions<Value>,
    options?: SubscribeOptions<Value>,
  ): Subscription {
    this.#ensureAlive()
    return subscribe(this.#runtime, filter, handlerOrOptions, options, this.#observer)
  }

  /**
   * Sends a request and resolves with its response (MQTT 5 §4.10; on MQTT 3.1.1 with `responseTopic`).
   *
   * @throws {TimeoutError} if no response comes in time
   * @throws {InvalidOptionError} {ClientDisposedError}, and the errors of `publish`
   */
  async request(topic: string, payload: Payload, options: RequestOptions = {}): Promise<Message> {
    this.#ensureAlive()
    if (this.#runtime.givenUp) throw this.#runtime.givenUp
    this.#requests ??= this.#createRequests()
    return this.#requests.request(topic, payload, options)
  }

  /**
   * Publishes periodically while the connection is ready: for the first time at once, never two at a time, never
   * queued, and without making up for the time of an outage.
   *
   * @throws {InvalidOptionError} if an option is wrong
   * @throws {ClientDisposedError}
   */
  startPeriodicRequests(options: PeriodicRequestOptions): PeriodicRequestHandle {
    this.#ensureAlive()
    const { schedule, end } = preparePeriodicRequest(
      {
        requests: this.#runtime.session.periodic,
        subscribe: subscribeToResponses(this.#runtime, { retainHandling: 2 }, this.#observer),
        publishNow: (topic, payload, qos) => publishNow(this.#publisher, topic, payload, qos),
        guard: (call, name) => callGuarded(call, (error) => this.#observer.report(error, name)),
      },
      options,
    )
    const { id } = schedule
    const tell = (type: 'PAUSE' | 'RESUME') => this.#runtime.sendTo(this.actor, id, { type })
    this.#machine.send({ type: 'PERIODIC.START', schedule })
    return {
      pause: () => tell('PAUSE'),
      resume: () => tell('RESUME'),
      stop: () => {
        end()
        this.#machine.send({ type: 'PERIODIC.STOP', id })
      },
    }
  }

  /** Resets the counters and tries at once: during a delay, or after the client gave up. */
  resetReconnect(): void {
    this.#send('RETRY')
  }

  /** Runs a recovery cycle now: asks for new credentials and recreates the MQTT.js client. */
  recover(): void {
    this.#send('RECOVER')
  }

  /**
   * Call this when the network may be back, or the computer woke up, and the client can't know: see the option `wakeOn`. It
   * ends a delay, or probes the open connection with a PINGREQ. An attempt that it brings forward does not count.
   */
  wake(): void {
    this.#send('WAKE')
  }

  /**
   * Waits until the connection is in a state. Resolves at once if it is.
   *
   * @param options.timeout - in milliseconds
   * @throws {TimeoutError}
   * @throws {InvalidOptionError} if the state or an option is wrong
   * @throws {ConnectionFailedError} if the client gives up, or has given up, unless the state is `failed`
   * @throws {ClientDisposedError}
   */
  async waitFor(
    state: ConnectionState,
    options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
  ): Promise<void> {
    this.#ensureAlive()
    const port = {
      clock: this.#config.clock,
      observer: this.#observer,
      waits: this.#waits,
      snapshot: () => this.actor.getSnapshot(),
      failed: (failure: Failure) => this.#failed(failure),
    }
    await waitForState(port, state, options)
  }

  /**
   * Adds a handler for an event.
   *
   * @returns removes the handler
   * @throws {InvalidOptionError} if the client has no such event
   */
  on<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => unknown): () => void {
    checkListener(event, handler)
    return this.#observer.on(event, handler)
  }

  /** Adds a handler for the next event of a name. @returns removes the handler */
  once<Name extends keyof ClientEvents>(event: Name, handler: (event: ClientEvents[Name]) => unknown): () => void {
    checkListener(event, handler)
    const off = this.#observer.on(event, (emitted) => {
      off()
      return handler(emitted)
    })
    return off
  }

  /** Disconnects and ends the client for good. Pending calls reject with `ClientDisposedError`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose()
    return this.#disposing
  }

  #follow(event: Happening): void {
    if (event.type === 'gaveUp') this.#gaveUp(this.#failed(event.failure))
    this.#connectCalls.follow(event)
    this.#runtime.follow(event)
    this.#machine.follow(event)
  }

  #gaveUp(error: ConnectionFailedError): void {
    // The machine ended before it could report this.
    if (error.failure.kind === 'internal') this.#runtime.giveUp(error)
    // Calls of `connect()` reject with the error themselves.
    if (!this.#connectCalls.isAwaited) this.#observer.unheard('gaveUp', 'the connection failed', error)
  }

  async #dispose(): Promise<void> {
    try {
      await this.#checkedDisconnect({ outbox: 'keep' })
    } catch (error) {
      this.#observer.report(error, 'disconnecting')
    }
    this.#disposed = true
    this.#machine.stop()
    const error = new ClientDisposedError()
    this.#runtime.session.end(error)
    this.#requests?.reject(error)
    this.#waits.reject(error)
    await this.#runtime.journal?.close()
    await this.#runtime.endRecording()
  }

  #createRequests(): Requests {
    return new Requests(
      {
        clock: this.#config.clock,
        protocolVersion: () => this.#runtime.protocolVersion,
        keptClientId: () => this.#runtime.keptClientId,
        responseInformation: () => this.#runtime.responseInformation(),
        onConnected: (handler) => this.#observer.events.on('connected', handler),
        onSubscriptionFailed: (handler) => this.on('subscriptionFailed', ({ filter }) => handler(filter)),
        report: (error, responseTopic) => this.#observer.report(error, `the match of a request on ${responseTopic}`),
        // A broker that keeps the session keeps for us what comes with QoS 1 while we are away.
        subscribe: subscribeToResponses(this.#runtime, { qos: 1, retainHandling: 2 }, this.#observer),
        publish: (topic, payload, options) => this.publish(topic, payload, options),
      },
      this.#config.responseTopic,
    )
  }

  async #connect(options: { readonly signal?: AbortSignal }): Promise<void> {
    const { signal } = readCallOptions('connect', options, connectRules)
    if (this.#disposing) throw new ClientDisposedError()
    await this.#connectCalls.connect(signal)
  }

  async #checkedDisconnect(options: DisconnectOptions): Promise<void> {
    const read = readCallOptions('disconnect', options, disconnectRules)
    await this.#connectCalls.disconnect(() => this.#disconnect(read))
  }

  #disconnect(options: DisconnectOptions): Promise<void> {
    const port = {
      config: this.#config,
      runtime: this.#runtime,
      observer: this.#observer,
      connectCalls: this.#connectCalls,
      waits: this.#waits,
      isDisposed: () => this.#disposed,
      isConnected: () => this.isConnected,
      leave: () => this.#send('DISCONNECT'),
    }
    return depart(port, options)
  }

  /** @returns whether a running machine took the command */
  #send(type: Exclude<ConnectionCommand['type'], `PERIODIC.${string}`>): boolean {
    return this.#machine.send({ type })
  }

  #failed(failure: Failure): ConnectionFailedError {
    const isInternal = failure.kind === 'internal'
    return isInternal ? this.#runtime.failed(failure, this.#machine.cause) : this.#runtime.failed(failure)
  }

  #ensureAlive(): void {
    if (this.#disposed) throw new ClientDisposedError()
  }
}

/** Returns where a client has its tap. For the rooms of this package only. */
export function tapSlotOf(client: ResilientMqttClient): TapSlot {
  return partsOf(client).session
}

/** Returns the runtime of a client. For `xstate-mqtt/mqttjs` only. */
export function runtimeOf(client: ResilientMqttClient): ConnectionRuntime {
  return partsOf(client)
}
