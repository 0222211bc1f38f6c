import type {
  ClientSubscribeCallback,
  DoneCallback,
  IClientPublishOptions,
  IClientSubscribeOptions,
  IClientSubscribeProperties,
  IClientUnsubscribeProperties,
  IDisconnectPacket,
  ISubscriptionGrant,
  ISubscriptionMap,
  PacketCallback,
  StreamBuilder,
} from 'mqtt'
import type { Packet } from 'mqtt-packet'

import { type ResilientMqttClient, runtimeOf } from '../src/client.ts'
import { nothing } from '../src/shared/nothing.ts'
import { soon } from '../src/shared/soon.ts'
import { promised, sorted } from './call.ts'
import { ConnectionEvents, type EmitEvent } from './connection-events.ts'
import { createClient } from './create-client.ts'
import { disconnect, type EndArguments, endArguments } from './end.ts'
import { FirstStream } from './first-stream.ts'
import { HeardClient } from './heard-client.ts'
import { Incoming } from './incoming.ts'
import { MqttjsClient } from './mqttjs.ts'
import { inMqttjsNames } from './option-names.ts'
import type { ClientOptions } from './options.ts'
import { PacketEvents } from './packet-events.ts'
import { Publishes } from './publishes.ts'
import { followReports } from './reports.ts'
import { invalidFilter, subscriptionRequests, type TopicObject } from './subscription-requests.ts'
import { Subscriptions } from './subscriptions.ts'
import { callUncaught, uncaught } from './uncaught.ts'

type SubscribeOptions = IClientSubscribeOptions | IClientSubscribeProperties

let holdUntil: (client: MqttClient, until: Promise<void>) => void

/**
 * MQTT.js's client on top of `ResilientMqttClient`. It is a subclass of MQTT.js's own, so that it can be passed wherever one
 * is expected. Of that class it uses the event emitter and the properties, and neither the connection nor the stores.
 *
 * Its methods report errors as those of MQTT.js do: a method with a callback passes the error to it, and the promise of
 * an `…Async` method rejects.
 */
export class MqttClient extends HeardClient {
  declare options: ClientOptions
  /** The client below, with everything for which MQTT.js has no name: `status`, `health()`, `waitFor()`, other events. */
  readonly resilient: ResilientMqttClient
  readonly #packets: PacketEvents
  readonly #incoming: Incoming
  readonly #subscriptions: Subscriptions
  readonly #publishes: Publishes
  /** Whether the application has called `connect()`, `reconnect()` or `end()`. */
  #isAsked = false
  /** Whether `reconnect()` was called while the client was being ended. */
  #reconnectsLater = false

  // Not in a static block, which React Native's preset of Babel refuses.
  static #holdUntil(this: void, client: MqttClient, until: Promise<void>): void {
    client.#incoming.hold(until)
  }

  /**
   * @param streamBuilder - opens the stream to the server; `undefined` to connect to the host of the options
   * @throws {InvalidOptionError} if an option is wrong
   */
  constructor(streamBuilder: StreamBuilder | undefined, options: ClientOptions) {
    const { manualConnect, customHandleAcks, resilient, properties } = options
    // Otherwise MQTT.js's constructor would connect.
    options.manualConnect = true
    super(nothing as unknown as StreamBuilder, options)
    holdUntil = MqttClient.#holdUntil
    if (manualConnect === undefined) delete options.manualConnect
    else options.manualConnect = manualConnect
    // MQTT.js's own listeners would reconnect.
    this.removeAllListeners('connect')
    this.removeAllListeners('close')
    const openStream = streamBuilder && (() => streamBuilder(this, this.options) as never)
    const hasStore = resilient?.store !== undefined
    const client = createClient(this, openStream)
    this.resilient = client
    const runtime = runtimeOf(client)
    if (properties?.requestResponseInformation) runtime.requestResponseInformation()
    const { session } = runtime
    const tell: EmitEvent = (name, ...values) => this.emitUncaught(name, ...values)
    this.#incoming = new Incoming({
      customHandleAcks: this.#isVersion5 ? customHandleAcks : undefined,
      emitMessage: (packet) => tell('message', packet.topic, packet.payload as Buffer, packet),
      emitError: (error) => tell('error', error),
      handleMessage: () => this.#handleMessage,
      identifiersOf: (packet) => this.#subscriptions.identifiersOf(packet),
    })
    this.#subscriptions = new Subscriptions({
      session,
      deliver: (packet) => this.#incoming.deliver(packet),
    })
    this.#publishes = new Publishes({
      client,
      messageIds: this.messageIdProvider,
      isVersion5: this.#isVersion5,
      isDurable: hasStore,
    })
    this.#packets = new PacketEvents({
      client,
      trace: runtime.packets,
      emit: tell,
      identifiersOf: (packet) => this.#subscriptions.identifiersOf(packet),
    })
    this.onListener = (event) => this.#packets.heard(event)
    const firstStream = new FirstStream()
    this.stream = firstStream.stream
    const events = new ConnectionEvents({
      client,
      flags: this,
      emit: firstStream.tellBefore(tell),
      onClosed: () => this.#closed(),
    })
    runtime.onUnmatched = (packet) => this.#incoming.deliver(packet)
    runtime.onControlPacket = (packet, stream) => {
      this.stream = stream
      firstStream.opened(stream)
      if (packet.cmd === 'connack') this['_serverProperties'] = packet.properties
      this.#packets.received(packet)
      events.received(packet)
    }
    followReports({
      client,
      resilient,
      isHeard: () => this.hasHeardErrors || this.hearsErrors,
      emitError: (error) => tell('error', error),
      // oxlint-disable-next-line no-console -- There is no other place where it would be seen.
      print: (line) => console.error(line),
    })
    client.on('drained', () => {
      // After the callback of the last publish, which a promise calls.
      if (this.disconnecting) soon(() => tell('outgoingEmpty'))
    })
    soon(() => {
      if (!this.#isAsked && !this.options.manualConnect) this.connect()
    })
  }

  /** Connects, and stays connected. `connect` calls it, unless the option `manualConnect` is set. */
  override connect(): this {
    this.#isAsked = true
    this.disconnecting = false
    this.disconnected = false
    // The events tell what becomes of it.
    this.resilient.connect().catch(nothing)
    return this
  }

  override publish(topic: string, message: string | Buffer): this
  override publish(topic: string, message: string | Buffer, callback?: PacketCallback): this
  override publish(
    topic: string,
    message: string | Buffer,
    options?: IClientPublishOptions,
    callback?: PacketCallback,
  ): this
  override publish(
    topic: string,
    message: string | Buffer,
    options?: IClientPublishOptions | PacketCallback,
    last?: PacketCallback,
  ): this {
    const { given, callback } = sorted<IClientPublishOptions, PacketCallback>(options, last)
    if (this.#refuses(callback)) return this
    const { qos = 0 } = given
    if (qos === 0 && !this.queueQoSZero && !this.connected) callback?.(new Error('No connection to broker'))
    else this.#publishes.publish(topic, message, given, callback)
    return this
  }

  override publishAsync(
    topic: string,
    message: string | Buffer,
    options?: IClientPublishOptions,
  ): Promise<Packet | undefined> {
    return promised((settle) => this.publish(topic, message, options, settle))
  }

  override subscribe(topics: TopicObject): this
  override subscribe(topics: TopicObject, callback?: ClientSubscribeCallback): this
  override subscribe(topics: TopicObject, options?: SubscribeOptions): this
  override subscribe(topics: TopicObject, options?: SubscribeOptions, callback?: ClientSubscribeCallback): this
  override subscribe(
    topics: TopicObject,
    options?: SubscribeOptions | ClientSubscribeCallback,
    last?: ClientSubscribeCallback,
  ): this {
    const { given, callback = nothing } = sorted<SubscribeOptions, ClientSubscribeCallback>(options, last)
    const requests = subscriptionRequests(topics, given, this.#isVersion5)
    const invalid = invalidFilter(requests.map(({ topic }) => topic))
    if (invalid !== undefined) {
      soon(() => callback(new Error(`Invalid topic ${invalid}`)))
      return this
    }
    if (this.#refuses(callback === nothing ? undefined : callback)) return this
    const isRepeated = this.options.resubscribe === false || (topics as ISubscriptionMap).resubscribe === true
    const missing = isRepeated ? requests : requests.filter((request) => !this.#subscriptions.has(request))
    if (missing.length === 0) callback(null, [])
    else this.#try(callback, () => this.#subscriptions.subscribe(missing, callback))
    return this
  }

  override subscribeAsync(topics: TopicObject, options?: SubscribeOptions): Promise<ISubscriptionGrant[]> {
    return promised((settle) => this.subscribe(topics, options, settle as ClientSubscribeCallback))
  }

  override unsubscribe(topics: string | string[]): this
  override unsubscribe(topics: string | string[], options?: IClientUnsubscribeProperties): this
  override unsubscribe(topics: string | string[], callback?: PacketCallback): this
  override unsubscribe(
    topics: string | string[],
    options?: IClientUnsubscribeProperties,
    callback?: PacketCallback,
  ): this
  override unsubscribe(
    topics: string | string[],
    options?: IClientUnsubscribeProperties | PacketCallback,
    last?: PacketCallback,
  ): this {
    const { given, callback } = sorted<IClientUnsubscribeProperties, PacketCallback>(options, last)
    const filters = [topics].flat()
    const invalid = invalidFilter(filters)
    if (invalid !== undefined) soon(() => callback?.(new Error(`Invalid topic ${invalid}`)))
    else if (!this.#refuses(callback)) {
      const answered = () => callback?.(null as never, { cmd: 'unsuback' } as Packet)
      this.#try(callback, () => {
        this.#subscriptions.unsubscribe(filters, this.#isVersion5 ? given : {}, answered)
      })
    }
    return this
  }

  override unsubscribeAsync(
    topics: string | string[],
    options?: IClientUnsubscribeProperties,
  ): Promise<Packet | undefined> {
    return promised((settle) => this.unsubscribe(topics, options, settle))
  }

  override end(callback?: DoneCallback): this
  override end(force?: boolean): this
  override end(options?: Partial<IDisconnectPacket>, callback?: DoneCallback): this
  override end(force?: boolean, callback?: DoneCallback): this
  override end(force?: boolean, options?: Partial<IDisconnectPacket>, callback?: DoneCallback): this
  override end(...values: readonly unknown[]): this {
    const given = endArguments(values)
    this.#isAsked = true
    if (this.disconnecting) given.callback?.()
    else {
      this.disconnecting = true
      void this.#end(given)
    }
    return this
  }

  override endAsync(): Promise<void>
  override endAsync(force?: boolean): Promise<void>
  override endAsync(options?: Partial<IDisconnectPacket>): Promise<void>
  override endAsync(force?: boolean, options?: Partial<IDisconnectPacket>): Promise<void>
  override endAsync(...values: readonly unknown[]): Promise<void> {
    return promised((settle) => this.end(values[0] as boolean, values[1] as Partial<IDisconnectPacket>, settle))
  }

  /** Connects again: now, if the client waits to do so. An open connection is replaced. What waits is kept. */
  override reconnect(): this {
    this.#isAsked = true
    if (this.disconnecting && !this.disconnected) {
      this.#reconnectsLater = true
      return this
    }
    const { state } = this.resilient.status
    this.disconnecting = false
    this.disconnected = false
    if (this.connected) {
      this.resilient.disconnect({ outbox: 'keep', drainTimeout: 0 }).then(() => this.connect(), nothing)
    } else if (['reconnecting', 'recovering', 'failed'].includes(state)) this.resilient.resetReconnect()
    else this.connect()
    return this
  }

  /** @param messageId - the number of `getLastMessageId()` after the publish */
  override removeOutgoingMessage(messageId: number): this {
    this.#publishes.remove(messageId)
    return this
  }

  /** Sends PINGREQ, and expects an answer. */
  override sendPing(): void {
    this.resilient.wake()
  }

  /** Does nothing: the client plans its pings by itself. */
  override reschedulePing(): void {}

  get #isVersion5(): boolean {
    return this.options.protocolVersion === 5
  }

  get #handleMessage() {
    const isOverridden = this.handleMessage !== MqttjsClient.prototype.handleMessage
    return isOverridden ? uncaught(this.handleMessage.bind(this)) : undefined
  }

  /** Whether the client is being ended, so that it takes no calls: the callback, or `error`, tells that. */
  #refuses(callback: ((error: Error) => unknown) | undefined): boolean {
    if (!this.disconnecting) return false
    this.#fail(callback, new Error('client disconnecting'))
    return true
  }

  /** What a call throws goes to its callback. */
  #try(callback: ((error: Error) => unknown) | undefined, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#fail(callback, inMqttjsNames(error, undefined) as Error)
    }
  }

  #fail(callback: ((error: Error) => unknown) | undefined, error: Error): void {
    if (callback) callback(error)
    else this.emit('error', error)
  }

  #closed(): void {
    this['_serverProperties'] = undefined
    if (this.options.resubscribe === false) this.#subscriptions.forget()
  }

  async #end(given: EndArguments): Promise<void> {
    const { callback = nothing } = given
    const problem = await disconnect(this.resilient, given, this.#isVersion5)
    this.#subscriptions.closed()
    this.disconnected = true
    this.emitUncaught('end')
    callUncaught(callback, problem)
    const { reconnectPeriod, manualConnect } = this.options
    if (this.#reconnectsLater) {
      this.#reconnectsLater = false
      this.reconnect()
    } else if (reconnectPeriod === 0 || manualConnect) this.disconnecting = false
  }
}

/** No message is emitted before the promise resolves. */
export function holdMessages(client: MqttClient, until: Promise<void>): void {
  holdUntil(client, until)
}
