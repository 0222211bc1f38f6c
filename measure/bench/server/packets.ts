import { PacketType, type ScannedPacket } from '../packet-scanner.ts'

/** A CONNACK of MQTT 5: no session, success, no properties. */
export const CONNACK = Buffer.from([PacketType.CONNACK << 4, 3, 0, 0, 0])
export const PINGRESP = Buffer.from([0xd0, 0])

/** A SUBACK of MQTT 5 that grants one topic filter. */
export function suback({ packetId }: Wish, qos: number): Buffer {
  return Buffer.from([PacketType.SUBACK << 4, 4, packetId >> 8, packetId & 0xff, 0, qos])
}

/** Acknowledgements of QoS 1 and 2, without a reason code, which means success (MQTT 5 §3.4.2.1). */
export function acknowledgements(types: readonly number[], packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(types.length * 4)
  let at = 0
  for (const [i, type] of types.entries()) {
    // Bit 1 of a PUBREL is always set (MQTT 5 §3.6.1).
    bytes[at++] = (type << 4) | (type === PacketType.PUBREL ? 2 : 0)
    bytes[at++] = 2
    at = bytes.writeUInt16BE(packetIds[i] ?? 0, at)
  }
  return bytes
}

/** What a client wants to receive. */
export interface Wish {
  readonly packetId: number
  /** The properties, which may be a subscription identifier. */
  readonly properties: Buffer
  readonly filter: string
}

/** A SUBSCRIBE of MQTT 5 with one topic filter. */
export function wishOf({ bytes, start }: ScannedPacket): Wish {
  const properties = propertiesAt(bytes, start + 2)
  const at = start + 2 + 1 + properties.length
  const filter = bytes.toString('utf8', at + 2, at + 2 + bytes.readUInt16BE(at))
  // A copy, because the bytes are those of a chunk.
  return { packetId: bytes.readUInt16BE(start), properties: Buffer.from(properties), filter }
}

/**
 * A PUBLISH of MQTT 5, with an empty packet identifier if its QoS is 1 or 2. Like a broker, it returns the subscription
 * identifier (MQTT 5 §3.3.4).
 */
export function publish({ filter, properties }: Wish, qos: number, payloadBytes: number) {
  const topic = Buffer.from(filter)
  const remaining = 2 + topic.length + (qos > 0 ? 2 : 0) + 1 + properties.length + payloadBytes
  const fixedHeader = Buffer.from([(PacketType.PUBLISH << 4) | (qos << 1), ...variableByteInteger(remaining)])
  const bytes = Buffer.alloc(fixedHeader.length + remaining)
  fixedHeader.copy(bytes)
  bytes.writeUInt16BE(topic.length, fixedHeader.length)
  const packetIdAt = fixedHeader.length + 2 + topic.copy(bytes, fixedHeader.length + 2)
  const propertiesStart = packetIdAt + (qos > 0 ? 2 : 0)
  bytes[propertiesStart] = properties.length
  properties.copy(bytes, propertiesStart + 1)
  bytes.fill('x', bytes.length - payloadBytes)
  return { bytes, packetIdAt }
}

/** MQTT 5 §1.5.5. */
function variableByteInteger(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...variableByteInteger(value >> 7)]
}

/** MQTT 5 §3.1.2.11.3 uses 65,535 if the client announces no limit. */
const NO_LIMIT = 65_535
const RECEIVE_MAXIMUM = 0x21
/** The lengths of the properties of a CONNECT that have a fixed one (MQTT 5 §3.1.2.11). */
const LENGTHS = new Map([
  [0x11, 4],
  [RECEIVE_MAXIMUM, 2],
  [0x27, 4],
  [0x22, 2],
  [0x19, 1],
  [0x17, 1],
])

/** The Receive Maximum of a CONNECT of MQTT 5. */
export function receiveMaximumOf({ bytes, start }: ScannedPacket): number {
  // The properties follow the protocol name (6 bytes), its version, the flags and the keep alive.
  const properties = propertiesAt(bytes, start + 10)
  for (let at = 0; at < properties.length;) {
    const property = properties.readUInt8(at++)
    if (property === RECEIVE_MAXIMUM) return properties.readUInt16BE(at)
    const length = LENGTHS.get(property)
    // The others, such as user properties, are not used by the measured clients.
    if (length === undefined) break
    at += length
  }
  return NO_LIMIT
}

/** The properties behind their length, which has one byte: the measured clients send few. */
function propertiesAt(bytes: Buffer, at: number): Buffer {
  const length = bytes.readUInt8(at)
  if (length > 127) throw new Error('The packet has more properties than the benchmark expects')
  return bytes.subarray(at + 1, at + 1 + length)
}
