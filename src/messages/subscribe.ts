import { withDefaults } from '../../machines/config.ts'
import { InvalidMessageError, InvalidOptionError } from '../api/errors.ts'
import type { MessageHandler, SubscribeOptions, Subscription } from '../api/message-options.ts'
import type { Message, UserProperties } from '../api/message.ts'
import { subscribeRules } from '../config/call-rules.ts'
import { defaultRetry, type RetryPolicy } from '../config/defaults.ts'
import { checkBackoff } from '../config/parse-options.ts'
import { checkFilter } from '../config/topics.ts'
import type { ConnectionRuntime } from '../lifecycle/runtime.ts'
import { userPropertiesKey } from '../session/subscriptions/subscribers.ts'
import { readCallOptions } from '../shared/read-options.ts'
import { ClientReceiver } from './client-receiver.ts'

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
  const options = readSubscribeOptions(filter, given === undefined ? {} : given)
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
  const report = (error: unknown) => reporter.report(error, `the ${partOf(error)} of ${filter}`)
  const { session } = runtime
  const receiver = new ClientReceiver({ session, filter, handler, options, isAwaiting, report })
  session.subscribe(receiver)
  if (runtime.givenUp) receiver.postponed(runtime.givenUp)
  return receiver.subscription
}

/** Returns a function that subscribes to responses. @param isAwaiting - of that function: whether one is awaited */
export function subscribeToResponses(
  runtime: ConnectionRuntime,
  options: SubscribeOptions,
  reporter: SubscribeReporter,
): (filter: string, handler: (message: Message) => void, isAwaiting: () => boolean) => Subscription {
  return (filter, handler, isAwaiting) => subscribe(runtime, filter, handler, options, reporter, isAwaiting)
}

/** Whether two sets of options are equal, apart from a group in them that is a different object. */
function isAlike(earlier: object, options: object): boolean {
  const [a, b] = [earlier as Record<string, unknown>, options as Record<string, unknown>]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => {
    const [one, other] = [a[name], b[name]]
    if (name === 'retry') return isAlike(Object(one) as object, Object(other) as object)
    if (name !== 'userProperties') return Object.is(one, other)
    return userPropertiesKey(one as UserProperties) === userPropertiesKey(other as UserProperties)
  })
}

/** Checks the options of a subscription to a filter, and copies them. @throws {InvalidOptionError} */
export function readSubscribeOptions<Value>(filter: string, given: SubscribeOptions<Value>): SubscribeOptions<Value> {
  const options = readCallOptions('subscribe', given, subscribeRules)
  // MQTT-3.8.3-4: the broker would have to close the connection on it.
  if (options.noLocal && filter.startsWith('$share/')) {
    throw new InvalidOptionError('noLocal', 'must not be set on a shared subscription', options.noLocal)
  }
  if (options.retry) checkBackoff('retry', withDefaults<RetryPolicy>(defaultRetry, options.retry))
  return options
}

/** The part of a subscription that an error comes from. */
function partOf(error: unknown): 'codec' | 'schema' | 'handler' {
  if (!(error instanceof InvalidMessageError)) return 'handler'
  return error.issues.length === 0 ? 'codec' : 'schema'
}
