import type { IClientSubscribeOptions, IClientSubscribeProperties, ISubscriptionMap, ISubscriptionRequest } from 'mqtt'

import { checkFilter } from '../src/config/topics.ts'
import { validateTopics } from './mqttjs.ts'

/** What `subscribe` is asked for: topic filters, or their options by topic filter. */
export type TopicObject = string | string[] | ISubscriptionMap

/**
 * The subscriptions that a call of `subscribe` asks for, with all options that the protocol version has.
 *
 * @param options - for the filters that have no options of their own
 */
export function subscriptionRequests(
  topics: TopicObject,
  options: Partial<IClientSubscribeOptions> & IClientSubscribeProperties,
  isVersion5: boolean,
): ISubscriptionRequest[] {
  const isMap = typeof topics === 'object' && !Array.isArray(topics)
  const { resubscribe: _resubscribe, ...byFilter } = isMap ? topics : {}
  const filters = isMap ? Object.keys(byFilter) : [topics].flat()
  const own = byFilter as Readonly<Record<string, IClientSubscribeOptions | undefined>>
  return filters.map((topic) => {
    const { qos = 0, nl = false, rap = false, rh = 0 } = own[topic] ?? options
    if (!isVersion5) return { topic, qos }
    return { topic, qos, nl, rap, rh, ...(options.properties && { properties: options.properties }) }
  })
}

/** The first topic filter on which a broker would close the connection; `undefined` if there is none. */
export function invalidFilter(filters: readonly string[]): string | undefined {
  return validateTopics([...filters]) ?? filters.find((filter) => !isFilter(filter))
}

function isFilter(filter: string): boolean {
  try {
    checkFilter(filter)
    return true
  } catch {
    return false
  }
}
