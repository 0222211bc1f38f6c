import { completed, type ConnectionInput } from '../machines/config.ts'
import type { connectionMachine } from '../machines/connection/machine.ts'
import { withConfig } from '../machines/connection/persistable.ts'
import { ClientDisposedError } from './api/errors.ts'
import type {
  EncodedPublishOptions,
  IterableSubscription,
  MessageHandler,
  PendingPublish,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from './api/message-options.ts'
import type { Payload } from './api/message.ts'
import type { ResilientMqttClientOptions } from './api/options.ts'
import type { ClientQuarantine } from './api/quarantine.ts'
import { parseOptions } from './config/parse-options.ts'
import { providedMachine } from './lifecycle/actors.ts'
import { EventLog } from './lifecycle/event-log.ts'
import { ConnectionRuntime } from './lifecycle/runtime.ts'
import { announcing } from './messages/birth.ts'
import { deliverUnmatched } from './messages/deliver.ts'
import { PublishRejections } from './messages/publish-promise.ts'
import { noOptions, publish, refusedPublish } from './messages/publish.ts'
import { clientQuarantine } from './messages/quarantine.ts'
import { subscribe } from './messages/subscribe.ts'
import { nothing } from './shared/nothing.ts'
import { Rejections } from './shared/watched-promise.ts'

/** The connection machine for an actor system of your own, and the messages that flow beside it. */
export interface ConnectionMachine extends Disposable {
  /**
   * `connectionMachine`, provided with MQTT.js, the credentials source, the session and the options. Run one actor of
   * it at a time: a new one, or one that is restored from a snapshot. An error that ends the actor is yours to observe,
   * as with any XState actor; its connection is closed, and another actor of this machine goes on.
   */
  readonly machine: typeof connectionMachine
  /** The input of its actor: plain data, which holds no secret and no function. */
  readonly input: ConnectionInput
  /** As `ResilientMqttClient.quarantine`. */
  readonly quarantine: ClientQuarantine
  /** As `ResilientMqttClient.publish`. */
  publish(topic: string, payload: Payload, options?: PublishOptions): PendingPublish
  publish<Value>(topic: string, value: Value, options: EncodedPublishOptions<Value>): PendingPublish
  /** As `ResilientMqttClient.subscribe` with a handler. What a handler throws goes to `logger`. */
  subscribe<Value = Uint8Array>(
    filter: string,
    handler: MessageHandler<Value>,
    options?: SubscribeOptions<Value>,
  ): Subscription
  /** As `ResilientMqttClient.subscribe` without a handler. */
  subscribe<Value = Uint8Array>(filter: string, options?: SubscribeOptions<Value>): IterableSubscription<Value>
  /** Call this when the actor is stopped for good: pending calls reject with `ClientDisposedError`. */
  [Symbol.dispose](): void
}

/**
 * Creates the connection machine for applications that run it themselves: as an actor, or inside a machine of their
 * own. `inspect` and `clock` belong to the actor: give them to `createActor` (`clock` here too, for the transport).
 *
 * @throws {InvalidOptionError} if an option is wrong
 */
export function createConnectionMachine(options: ResilientMqttClientOptions): ConnectionMachine {
  const config = parseOptions(options)
  const log = new EventLog(config.logger, config.name, {
    isHeard: () => false,
    advice: () => 'Handle it by the option logger.',
  })
  const report = (error: unknown, source: string) => log.failed(error, source)
  const runtime = new ConnectionRuntime(config, {
    observer: {
      log,
      events: { emit: nothing },
      report,
      restored: (restored) => log.event('info', 'outboxRestored', restored),
    },
    deliverUnmatched: deliverUnmatched(
      config.onMessage,
      (error) => report(error, 'onMessage'),
      () => session,
    ),
    announce: announcing(config.birth, {
      clock: config.clock,
      timeout: config.timeouts.birthTimeout,
      publisher: () => publisher,
      report,
    }),
  })
  const { session, journal, input } = runtime
  const observer = new PublishRejections(new Rejections(), (topic, error) => log.publishFailed(topic, error))
  const givenUp = () => runtime.givenUp
  const publisher = { session, now: config.now, observer, givenUp }
  let disposed = false

  return {
    machine: withConfig(
      providedMachine(() => runtime),
      completed(input),
    ),
    input: plainData(input),
    quarantine: clientQuarantine(session),
    publish: <Value>(topic: string, value: Value, publishOptions: PublishOptions<Value> = noOptions) =>
      disposed
        ? refusedPublish(publisher, topic, new ClientDisposedError())
        : publish(publisher, topic, value, publishOptions),
    subscribe: <Value>(
      filter: string,
      handlerOrOptions?: MessageHandler<Value> | SubscribeOptions<Value>,
      subscribeOptions?: SubscribeOptions<Value>,
    ) => {
      if (disposed) throw new ClientDisposedError()
      return subscribe(runtime, filter, handlerOrOptions, subscribeOptions, {
        report,
        subscribedAgain: (again) => log.subscribedAgain(again),
      }) as IterableSubscription<Value>
    },
    [Symbol.dispose]() {
      disposed = true
      session.end(new ClientDisposedError())
      void journal?.close()
      void runtime.endRecording()
    },
  }
}

/** The part of the input that an application may keep and pass to the actor. The machine has the functions. */
function plainData(input: ConnectionInput): ConnectionInput {
  return Object.freeze(withoutFunctions(input))
}

function withoutFunctions<Value extends object>(value: Value): Value {
  const entries = Object.entries(value).filter(([, each]) => typeof each !== 'function')
  return Object.fromEntries(
    entries.map(([name, each]) => [name, typeof each === 'object' && each !== null ? withoutFunctions(each) : each]),
  ) as Value
}
