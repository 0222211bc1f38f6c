import { withDefaults } from '../../machines/config.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { IterableSubscription, MessageHandler, SubscribeOptions, Subscription } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import { subscribeRules } from '../config/call-rules.ts'
import { defaultRetry, defaultSubscribe, type RetryPolicy } from '../config/defaults.ts'
import { checkBackoff } from '../config/parse-options.ts'
import { checkFilter } from '../config/topics.ts'
import type { ConnectionRuntime } from '../lifecycle/runtime.ts'
import type { Receiver } from '../session/incoming/receiver.ts'
import { readCallOptions } from '../shared/read-options.ts'
import { createDeliver } from './deliver.ts'
import { MessageQueue } from './message-queue.ts'
import { PausableHandler } from './pausable-handler.ts'
import { SubscriptionReadiness } from './subscription-readiness.ts'

/** What `subscribe` reports. */
export interface SubscribeReporter {
  /** Called with what a handler throws, and with invalid messages if there is no `onInvalid`. */
  report(error: unknown, source: string): void
  /** The same handler is subscribed to the filter already, with the same options: nothing was done. */
  subscribedAgain(filter: string): void
}

/**
 * Subscribes on a connection.
 *
 * @param isAwaiting - of the responses to requests: see `Receiver.isAwaiting`
 * @throws {InvalidOptionError} if the filter, the handler or an option is wrong
 */
export function subscribe<Value>(
  runtime: ConnectionRuntime,
  filter: string,
  handlerOrOptions: MessageHandler<Value> | SubscribeOptions<Value> | undefined,
  optionsAfterHandler: SubscribeOptions<Value> | undefined,
  reporter: SubscribeReporter,
  isAwaiting?: () => boolean,
): Subscription {
  const handler = typeof handlerOrOptions === 'function' ? handlerOrOptions : undefined
  const given = handler ? optionsAfterHandler : (handlerOrOptions as SubscribeOptions<Value> | undefined)
  checkFilter(filter)
  const options = readOptions(filter, given === undefined ? {} : given)
  // In MQTT.js the handler comes last. Without this check, the messages would wait for a loop.
  if (!handler && optionsAfterHandler !== undefined) {
    throw new InvalidOptionError('handler', 'must be a function, and stand before the options', handlerOrOptions)
  }
  const earlier = handler && runtime.session.receiverOf(filter, handler)
  if (earlier && isAlike(earlier.options, options)) {
    if (!earlier.isRefused) {
      reporter.subscribedAgain(filter)
      return earlier.subscription
    }
    // The broker is asked again.
    runtime.session.forget(earlier)
  }
  const unsubscribe = () => {
    runtime.session.unsubscribe(receiver)
    queue?.close()
  }
  const ack = options.ack ?? (handler ? 'on-receipt' : 'after-handler')
  const acksWait = ack === 'after-handler'
  const consumer = handler
    ? new PausableHandler(handler, acksWait)
    : new MessageQueue<Value>(options.bufferSize, acksWait, unsubscribe)
  const queue = consumer instanceof MessageQueue ? consumer : undefined
  const readiness = new SubscriptionReadiness()
  const report = (error: unknown) => reporter.report(error, `the handler of ${filter}`)

  const subscription: Subscription = {
    filter,
    get ready() {
      return readiness.promise
    },
    unsubscribe,
    get isPaused() {
      return runtime.session.isPaused(receiver)
    },
    pause: () => runtime.session.pause(receiver),
    resume: () => runtime.session.resume(receiver),
  }
  const receiver: Receiver = {
    filter,
    handler,
    options,
    subscription,
    get isRefused() {
      return readiness.isRejected
    },
    qos: options.qos ?? defaultSubscribe.qos,
    noLocal: options.noLocal ?? defaultSubscribe.noLocal,
    retainAsPublished: options.retainAsPublished ?? defaultSubscribe.retainAsPublished,
    retainHandling: options.retainHandling ?? defaultSubscribe.retainHandling,
    ack,
    retry: withDefaults<RetryPolicy>(defaultRetry, options.retry),
    isAwaiting,
    pausable: consumer,
    granted: (qos) => readiness.resolve(qos),
    postponed: (error) => readiness.postpone(error),
    rejected: (error) => {
      readiness.reject(error)
      if (!queue) return
      // No loop is left to take what a later connection might bring.
      runtime.session.forget(receiver)
      queue.close()
    },
    deliver: createDeliver({
      options,
      handler: (message, session) => consumer.handle(message, session),
      onThrow: report,
      onInvalid: report,
    }),
  }
  runtime.session.subscribe(receiver)
  if (runtime.givenUp) receiver.postponed(runtime.givenUp)
  return queue ? iterable(subscription, queue) : subscription
}

/** Returns a function that subscribes to responses. @param isAwaiting - of that function: whether one is awaited */
export function subscribeToResponses(
  runtime: ConnectionRuntime,
  options: SubscribeOptions,
  reporter: SubscribeReporter,
): (filter: string, handler: (message: Message) => void, isAwaiting: () => boolean) => Subscription {
  return (filter, handler, isAwaiting) => subscribe(runtime, filter, handler, options, reporter, isAwaiting)
}

function iterable<Value>(subscription: Subscription, queue: MessageQueue<Value>): IterableSubscription<Value> {
  return {
    filter: subscription.filter,
    get ready() {
      return subscription.ready
    },
    unsubscribe: () => subscription.unsubscribe(),
    get isPaused() {
      return subscription.isPaused
    },
    pause: () => subscription.pause(),
    resume: () => subscription.resume(),
    [Symbol.asyncIterator]: () => queue.iterate(),
    get dropped() {
      return queue.dropped
    },
  }
}

/** Whether two sets of options are equal, apart from a group in them that is a different object. */
function isAlike(earlier: object, options: object): boolean {
  const [a, b] = [earlier as Record<string, unknown>, options as Record<string, unknown>]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => {
    const [one, other] = [a[name], b[name]]
    return Object.is(one, other) || (name === 'retry' && isAlike(Object(one) as object, Object(other) as object))
  })
}

function readOptions<Value>(filter: string, given: SubscribeOptions<Value>): SubscribeOptions<Value> {
  const options = readCallOptions('subscribe', given, subscribeRules)
  // MQTT-3.8.3-4: the broker would have to close the connection on it.
  if (options.noLocal && filter.startsWith('$share/')) {
    throw new InvalidOptionError('noLocal', 'must not be set on a shared subscription', options.noLocal)
  }
  if (options.retry) checkBackoff('retry', withDefaults<RetryPolicy>(defaultRetry, options.retry))
  return options
}
