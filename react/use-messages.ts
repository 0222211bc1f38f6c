import { useCallback, useMemo } from 'react'

import { InvalidOptionError, type Message, type MessageHandler, type SubscribeOptions } from '../src/index.ts'
import { checkHookOptions } from './check-hook-options.ts'
import { useScope } from './context.ts'
import type { SubscriptionReadiness } from './filter-subscription.ts'
import { createHandledMessages } from './handled-messages.ts'
import { createQueuedMessages, type MessageQueueOptions, type MessageQueueState } from './queued-messages.ts'
import { type ReadableStore, useStore } from './store.ts'
import { useLatest } from './use-latest.ts'
import { useStableOptions } from './use-stable-options.ts'

/**
 * Subscribes while the component is mounted, and hands over every message.
 *
 * With a handler, it is called for each message, as by `client.subscribe`: with `ack: 'after-handler'` the broker waits for
 * its promise. Another handler in a later render takes the place of the earlier one. Without a handler, messages wait in a
 * queue of limited length, which the component shows and takes from; several that arrive at once cause one render.
 *
 * Another filter, QoS or the like in a later render subscribes anew; another object or function with the same meaning does
 * not.
 *
 * @param filter - `null` and `undefined` subscribe to nothing
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 * @throws {InvalidOptionError} if the filter or an option is wrong
 */
export function useMessages<Value = Uint8Array>(
  filter: string | null | undefined,
  handler: MessageHandler<Value>,
  options?: SubscribeOptions<Value>,
): SubscriptionReadiness
export function useMessages<Value = Uint8Array>(
  filter: string | null | undefined,
  options?: MessageQueueOptions<Value>,
): MessageQueueState<Value>
export function useMessages<Value>(
  filter: string | null | undefined,
  handlerOrOptions?: MessageHandler<Value> | MessageQueueOptions<Value>,
  optionsAfterHandler?: SubscribeOptions<Value>,
): SubscriptionReadiness | MessageQueueState<Value> {
  const { client } = useScope('useMessages')
  const { handler, given } = readCall(handlerOrOptions, optionsAfterHandler)
  const { limit = 100, whenFull = 'drop-oldest', ...options } = given
  const stable = useStableOptions(options)
  const latest = useLatest(handler)
  const handle = useCallback((message: Message<Value>) => latest.current?.(message), [latest])
  const hasHandler = handler !== undefined
  const store = useMemo(
    (): ReadableStore<SubscriptionReadiness> =>
      hasHandler
        ? createHandledMessages(client, filter, stable, handle)
        : createQueuedMessages(client, filter, stable, { limit, whenFull }),
    [client, filter, stable, handle, hasHandler, limit, whenFull],
  )
  return useStore(store)
}

/** @throws {InvalidOptionError} if the options are not those of a handler, or of a queue */
function readCall<Value>(
  handlerOrOptions: MessageHandler<Value> | MessageQueueOptions<Value> | undefined,
  optionsAfterHandler: SubscribeOptions<Value> | undefined,
): { readonly handler: MessageHandler<Value> | undefined; readonly given: MessageQueueOptions<Value> } {
  if (typeof handlerOrOptions === 'function') {
    const given = checkHookOptions('useMessages', optionsAfterHandler)
    refuse(given, ['limit', 'whenFull'], 'is for messages that wait in a queue, and there is a handler')
    return { handler: handlerOrOptions, given }
  }
  if (optionsAfterHandler !== undefined) {
    throw new InvalidOptionError('handler', 'must be a function, and stand before the options', handlerOrOptions)
  }
  const given = checkHookOptions('useMessages', handlerOrOptions)
  refuse(given, ['ack', 'bufferSize', 'retry'], 'is for a handler, and messages wait in a queue')
  return { handler: undefined, given }
}

function refuse(given: object, names: readonly string[], rule: string): void {
  const options = given as Readonly<Record<string, unknown>>
  for (const name of names) if (options[name] !== undefined) throw new InvalidOptionError(name, rule, options[name])
}
