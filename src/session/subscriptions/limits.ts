import { type FilterPackets, filterPacketSize } from '../../wire/packet-size.ts'
import type { Link } from '../link.ts'
import type { Answer, Unwanted, Wanted } from './wanted.ts'

/** The answer to a SUBSCRIBE that must not be sent, because of what the CONNACK announced; `undefined` if it may. */
export function beyondLimits(wanted: Wanted, link: Link): Answer | undefined {
  const answer = unavailable(wanted.filter, link)
  if (answer) return answer
  const size = filterPacketSize(subscribePackets(link, wanted), [wanted.filter])
  return size > link.limits.maximumPacketSize ? tooLarge : undefined
}

/** The same, but only for kinds of topic filters that the broker does not support (MQTT 5 §3.2.2.3.11, §3.2.2.3.13). */
export function unavailable(filter: string, { limits }: Link): Answer | undefined {
  if (!limits.sharedSubscriptionAvailable && filter.startsWith('$share/')) return noShared
  if (!limits.wildcardSubscriptionAvailable && /[+#]/.test(filter)) return noWildcard
  return undefined
}

/** The packets that ask for such a subscription. */
export function subscribePackets(link: Link, wanted: Wanted | undefined): FilterPackets {
  if (!wanted) return { kind: 'subscribe', link }
  const { identifier, subscribers } = wanted
  return { kind: 'subscribe', link, identifier, userProperties: subscribers.userProperties }
}

/** The packets that end such a subscription. */
export function unsubscribePackets(link: Link, unwanted: Unwanted | undefined): FilterPackets {
  return { kind: 'unsubscribe', link, userProperties: unwanted?.userProperties }
}

const tooLarge: Answer = { code: 0x95, limit: 'maximumPacketSize' }
const noShared: Answer = { code: 0x9e, limit: 'sharedSubscriptionAvailable' }
const noWildcard: Answer = { code: 0xa2, limit: 'wildcardSubscriptionAvailable' }
