import type { MessageHandler, ResilientMqttClient, SubscribeOptions } from '../src/index.ts'
import { FilterSubscription, type SubscriptionReadiness } from './filter-subscription.ts'
import { Store } from './store.ts'

/** A subscription whose messages go to a handler. */
export function createHandledMessages<Value>(
  client: ResilientMqttClient,
  filter: string | null | undefined,
  options: SubscribeOptions<Value>,
  handle: MessageHandler<Value>,
): Store<SubscriptionReadiness> {
  const changed = () => store.changed()
  const subscription = new FilterSubscription<Value>({ client, filter, options, handle, changed })
  const store: Store<SubscriptionReadiness> = new Store({
    read: () => subscription.readiness,
    start: () => subscription.start(),
    stop: () => subscription.stop(),
  })
  return store
}
