import type { IConnackPacket } from 'mqtt-packet'

import { type Finding, note } from '../finding.ts'
import { size } from '../words.ts'
import type { Version } from './packets.ts'

type Properties = NonNullable<IConnackPacket['properties']>

/** What the broker announced, in words (MQTT 5 §3.2.2.3). */
export function limitFindings(version: Version, properties: Properties = {}): readonly Finding[] {
  if (version !== 5) {
    return [
      note('limits', 'none', 'MQTT 3.1.1 has no way to announce limits, so nothing is known of those of the broker.'),
    ]
  }
  const limits = announced(properties)
  if (limits.length === 0) return [note('limits', 'none', 'The broker announces no limits.')]
  return [note('limits', 'announced', `The broker announces: ${limits.join('; ')}.`)]
}

function announced(properties: Properties): string[] {
  const { maximumPacketSize, receiveMaximum, maximumQoS, serverKeepAlive, topicAliasMaximum } = properties
  const { sessionExpiryInterval } = properties
  return [
    maximumPacketSize !== undefined && `packets of at most ${size(maximumPacketSize)}`,
    receiveMaximum !== undefined && `at most ${receiveMaximum} unacknowledged publishes of QoS 1 and 2`,
    maximumQoS !== undefined && maximumQoS < 2 && `no QoS above ${maximumQoS}`,
    properties.retainAvailable === false && 'no retained messages',
    properties.wildcardSubscriptionAvailable === false && 'no wildcards in filters',
    properties.sharedSubscriptionAvailable === false && 'no shared subscriptions',
    properties.subscriptionIdentifiersAvailable === false && 'no subscription identifiers',
    topicAliasMaximum !== undefined && topicAliasMaximum > 0 && `up to ${topicAliasMaximum} topic aliases`,
    serverKeepAlive !== undefined && `a keep alive of ${serverKeepAlive} s, which replaces that of the client`,
    sessionExpiryInterval !== undefined && `sessions that expire after ${sessionExpiryInterval} s`,
    properties.assignedClientIdentifier !== undefined && 'a client id of its own choice',
  ].filter((each) => typeof each === 'string')
}
