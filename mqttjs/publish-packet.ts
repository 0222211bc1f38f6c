import type { IPublishPacket } from 'mqtt'

import type { IncomingPublish } from '../src/wire/packets.ts'
import { toBuffer } from './payload.ts'

/**
 * A PUBLISH as MQTT.js gives it.
 *
 * @param identifiers - the application's Subscription Identifiers. Those on the wire are ours
 */
export function publishPacket(packet: IncomingPublish, identifiers: readonly number[]): IPublishPacket {
  const { topic, payload, qos, retain, dup, packetId, properties } = packet
  const { subscriptionIdentifier: _ours, ...others } = properties ?? {}
  const [identifier] = identifiers
  const subscriptionIdentifier = identifiers.length > 1 ? identifiers : identifier
  const given = { ...others, ...(identifier !== undefined && { subscriptionIdentifier }) }
  return {
    cmd: 'publish',
    topic,
    payload: toBuffer(payload),
    qos,
    retain,
    dup,
    ...(packetId && { messageId: packetId }),
    ...(Object.keys(given).length > 0 && { properties: given as NonNullable<IPublishPacket['properties']> }),
  }
}
