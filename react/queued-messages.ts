import type { Message, ResilientMqttClient, SubscribeOptions } from '../src/index.ts'
import { must, oneOf } from '../src/shared/option-rules.ts'
import { readCallOptions, type RulesFor } from '../src/shared/read-options.ts'
import { FilterSubscription, type SubscriptionReadiness } from './filter-subscription.ts'
import { MessageQueue } from './message-queue.ts'
import { Store } from './store.ts'

/** Options of a subscription whose messages wait in a queue. */
export interface MessageQueueOptions<Value = Uint8Array> extends Omit<
  SubscribeOptions<Value>,
  'ack' | 'bufferSize' | 'retry'
> {
  /** How many messages wait. @default 100 */
  readonly limit?: number
  /**
   * What happens when that many wait:
   *
   * - `drop-oldest`: the oldest is dropped with each further message. For lists of recent messages
   * - `pause`: the subscription is paused until the component takes a message. The client holds what arrives meanwhile, and
   *   at the limits of its option `inbox` the broker has to wait
   *
   * @default 'drop-oldest'
   */
  readonly whenFull?: 'drop-oldest' | 'pause'
}

/** A subscription and the messages that the component has not taken. */
export type MessageQueueState<Value = Uint8Array> = SubscriptionReadiness & {
  /** Oldest first. Another array after each change. */
  readonly messages: readonly Message<Value>[]
  /** How many messages were dropped because the queue was full. */
  readonly dropped: number
  /** Removes the oldest messages, one by default, and returns them. The function is the same in each render. */
  readonly take: (count?: number) => Message<Value>[]
  /** Removes all messages. The function is the same in each render. */
  readonly clear: () => void
}

/** How long the queue may be, and what happens then. */
type QueueLimits = Required<Pick<MessageQueueOptions, 'limit' | 'whenFull'>>

const rules = {
  limit: must(
    'must be a whole number of at least 1, or Infinity',
    (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 1),
  ),
  whenFull: oneOf('drop-oldest', 'pause'),
} satisfies RulesFor<QueueLimits>

/** @throws {InvalidOptionError} if an option of the queue is wrong */
export function createQueuedMessages<Value>(
  client: ResilientMqttClient,
  filter: string | null | undefined,
  options: SubscribeOptions<Value>,
  limits: QueueLimits,
): Store<MessageQueueState<Value>> {
  const { limit, whenFull } = readCallOptions('useMessages', limits, rules)
  const pauses = whenFull === 'pause'
  const queue = new MessageQueue<Value>(limit, pauses)
  let state: MessageQueueState<Value> | undefined
  const changed = () => {
    state = undefined
    store.changed()
  }
  const handle = (message: Message<Value>) => {
    queue.add(message)
    if (pauses && queue.isFull) subscription.pause()
    state = undefined
    store.changedInBurst()
  }
  const take = (count = 1) => {
    const taken = queue.take(count)
    if (pauses && !queue.isFull) subscription.resume()
    if (taken.length > 0) changed()
    return taken
  }
  const clear = () => void take(Number.POSITIVE_INFINITY)
  const subscription = new FilterSubscription<Value>({ client, filter, options, handle, changed })
  const store = new Store<MessageQueueState<Value>>({
    read: () =>
      (state ??= { ...subscription.readiness, messages: queue.messages, dropped: queue.dropped, take, clear }),
    start: () => subscription.start(),
    stop: () => {
      subscription.stop()
      state = undefined
    },
  })
  return store
}
