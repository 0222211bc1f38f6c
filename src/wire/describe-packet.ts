import type { PacketEvent, PacketType } from '../api/packet-event.ts'
import { decodeAck } from './decode-ack.ts'
import { decodePublish } from './decode-publish.ts'
import type { Frame } from './framer.ts'
import { PropertyReader } from './property-reader.ts'
import { readText } from './text.ts'

/** The fields of a packet beside its direction and size. */
export type PacketDescription = Omit<PacketEvent, 'direction' | 'size'>

/** By packet type (MQTT 5 §2.1.2); 0 is reserved. */
const TYPES: readonly (PacketType | undefined)[] = [
  undefined,
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
]

/** The type of a packet; `undefined` if MQTT has no such type. @param header - its first byte */
export function packetType(header: number): PacketType | undefined {
  return TYPES[header >> 4]
}

/**
 * Describes a packet without what may be secret in it.
 *
 * @param frame - the content of the packet. That of a PUBLISH may end anywhere in the payload
 * @returns `undefined` if the content is wrong, or ends too early
 */
export function describePacket(
  type: PacketType,
  frame: Frame,
  protocolVersion: 3 | 4 | 5,
): PacketDescription | undefined {
  try {
    return described(type, frame, protocolVersion)
  } catch {
    return undefined
  }
}

function described(type: PacketType, frame: Frame, protocolVersion: 3 | 4 | 5): PacketDescription {
  const { bytes, start, end } = frame
  const isVersion5 = protocolVersion === 5
  switch (type) {
    case 'publish': {
      const { topic, qos, retain, dup, packetId, topicAlias } = decodePublish(frame, protocolVersion)
      return {
        type,
        ...(qos > 0 && { packetId }),
        qos,
        retain,
        dup,
        topic,
        ...(topicAlias > 0 && { topicAlias }),
      }
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp': {
      const { packetId, reasonCode } = decodeAck(frame, protocolVersion)
      return { type, packetId, ...(isVersion5 && { reasonCode }) }
    }
    case 'subscribe':
    case 'unsubscribe':
      return { type, packetId: packetIdOf(frame), filters: filtersOf(frame, type, isVersion5) }
    case 'suback':
      return { type, packetId: packetIdOf(frame), reasonCodes: [...bytes.subarray(behindId(frame, isVersion5), end)] }
    case 'unsuback': {
      const reasonCodes = isVersion5 && { reasonCodes: [...bytes.subarray(behindId(frame, isVersion5), end)] }
      return { type, packetId: packetIdOf(frame), ...reasonCodes }
    }
    case 'connack':
      return { type, reasonCode: byteAt(frame, start + 1) }
    case 'disconnect':
    case 'auth':
      // Without a code it is 0 (MQTT 5 §3.14.2.1).
      return { type, ...(isVersion5 && { reasonCode: end > start ? byteAt(frame, start) : 0 }) }
    case 'connect':
    case 'pingreq':
    case 'pingresp':
      return { type }
  }
}

function filtersOf(frame: Frame, type: 'subscribe' | 'unsubscribe', isVersion5: boolean): string[] {
  const { header, bytes, end } = frame
  const filters: string[] = []
  for (let at = behindId(frame, isVersion5); at < end;) {
    const textEnd = at + 2 + ((byteAt(frame, at) << 8) | byteAt(frame, at + 1))
    if (textEnd > end) throw new RangeError('a topic filter ends too early')
    filters.push(readText(bytes, at + 2, textEnd, header))
    // The options of a subscription.
    at = type === 'subscribe' ? textEnd + 1 : textEnd
  }
  return filters
}

function packetIdOf(frame: Frame): number {
  return (byteAt(frame, frame.start) << 8) | byteAt(frame, frame.start + 1)
}

/** Where a packet goes on behind its Packet Identifier and, on MQTT 5, its properties. */
function behindId({ header, bytes, start, end }: Frame, isVersion5: boolean): number {
  return isVersion5 ? new PropertyReader(bytes, start + 2, end, header).end : start + 2
}

function byteAt({ bytes, end }: Frame, at: number): number {
  if (at >= end) throw new RangeError('the packet ends too early')
  return bytes[at] as number
}
