import { useMemo } from 'react'

import type { Message, ResilientMqttClient, SubscribeOptions } from '../src/index.ts'
import { checkHookOptions } from './check-hook-options.ts'
import { useScope } from './context.ts'
import { FilterSubscription, type SubscriptionReadiness } from './filter-subscription.ts'
import { Store, useStore } from './store.ts'
import { useStableOptions } from './use-stable-options.ts'

/** A subscription and its latest message. */
export type SubscriptionState<Value = Uint8Array> = SubscriptionReadiness & {
  /** What the codec decoded of the latest message; without a codec its payload; `undefined` before the first message. */
  readonly value: Value | undefined
  /** The latest message; `undefined` before the first. */
  readonly message: Message<Value> | undefined
  /** Whether the broker had kept the latest message, so that it may be old. */
  readonly retained: boolean
}

/**
 * Subscribes while the component is mounted, and returns the latest message. If several messages arrive at once, the
 * component renders once, with the last one: see `useMessages` for all of them.
 *
 * Components with the same filter share one subscription at the broker. Another filter, QoS or the like in a later render
 * subscribes anew; another object or function with the same meaning does not.
 *
 * @param filter - `null` and `undefined` subscribe to nothing
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 * @throws {InvalidOptionError} if the filter or an option is wrong
 */
export function useSubscription<Value = Uint8Array>(
  filter: string | null | undefined,
  options?: SubscribeOptions<Value>,
): SubscriptionState<Value> {
  const { client } = useScope('useSubscription')
  const stable = useStableOptions(checkHookOptions('useSubscription', options))
  const store = useMemo(() => createLatestMessage(client, filter, stable), [client, filter, stable])
  return useStore(store)
}

function createLatestMessage<Value>(
  client: ResilientMqttClient,
  filter: string | null | undefined,
  options: SubscribeOptions<Value>,
): Store<SubscriptionState<Value>> {
  let message: Message<Value> | undefined
  let state: SubscriptionState<Value> | undefined
  const changed = () => {
    state = undefined
    store.changed()
  }
  const handle = (latest: Message<Value>) => {
    message = latest
    state = undefined
    store.changedInBurst()
  }
  const subscription = new FilterSubscription<Value>({ client, filter, options, handle, changed })
  const store = new Store<SubscriptionState<Value>>({
    read: () =>
      (state ??= {
        ...subscription.readiness,
        value: message?.value,
        message,
        retained: message?.retain ?? false,
      }),
    start: () => subscription.start(),
    stop: () => {
      subscription.stop()
      state = undefined
    },
  })
  return store
}
