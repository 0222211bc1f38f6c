import type { IConnackPacket } from 'mqtt-packet'

import type { BrokerStatus } from '../api/status.ts'
import { keepAliveOf } from '../config/keep-alive.ts'
import { fromSessionExpiryInterval } from '../shared/session-expiry.ts'
import type { Attempt } from './client-options.ts'
import { serverReference as toServerReference } from './server-reference.ts'

/** The last one that was made. Brokers announce the same to all clients, so a process with many clients keeps few. */
let last: BrokerStatus | undefined

/** What the broker announced in a CONNACK, completed with the defaults of MQTT (§3.2.2.3). */
export function brokerStatus({ properties }: IConnackPacket, attempt: Attempt): BrokerStatus {
  const { protocolVersion, sessionExpiry } = attempt.connect
  const { sessionExpiryInterval, serverKeepAlive, responseInformation, serverReference } = properties ?? {}
  const grantedExpiry =
    sessionExpiryInterval === undefined ? sessionExpiry : fromSessionExpiryInterval(sessionExpiryInterval)
  const status: BrokerStatus = Object.freeze({
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumPacketSize: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    maximumQos: (properties?.maximumQoS ?? 2) as 0 | 1 | 2,
    retainAvailable: properties?.retainAvailable ?? true,
    wildcardSubscriptionAvailable: properties?.wildcardSubscriptionAvailable ?? true,
    sharedSubscriptionAvailable: properties?.sharedSubscriptionAvailable ?? true,
    subscriptionIdentifiersAvailable: protocolVersion === 5 && (properties?.subscriptionIdentifiersAvailable ?? true),
    topicAliasMaximum: properties?.topicAliasMaximum ?? 0,
    sessionExpiry: protocolVersion === 5 ? grantedExpiry : undefined,
    keepalive: serverKeepAlive === undefined ? keepAliveOf(attempt.url, attempt.connect) : serverKeepAlive * 1_000,
    assignedClientId: properties?.assignedClientIdentifier ?? attempt.assignedClientId,
    responseInformation,
    serverReference: serverReference === undefined ? undefined : toServerReference(serverReference),
  })
  if (!last || !isSame(last, status)) last = status
  return last
}

function isSame(one: BrokerStatus, other: BrokerStatus): boolean {
  return (Object.keys(one) as (keyof BrokerStatus)[]).every((name) => one[name] === other[name])
}
