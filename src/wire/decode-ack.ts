import type { Frame } from './framer.ts'
import { InvalidPacketError } from './invalid-packet.ts'
import { PropertyReader } from './property-reader.ts'

export type AckType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

/** PUBACK, PUBREC, PUBREL or PUBCOMP as it came. */
export interface DecodedAck {
  readonly type: AckType
  readonly packetId: number
  /** 0 (Success) on MQTT 3.1.1. */
  readonly reasonCode: number
  /** As the server sent it: of any content. */
  readonly reasonString: string | undefined
  readonly userProperties: Readonly<Record<string, string | readonly string[]>> | undefined
}

const TYPES: readonly AckType[] = ['puback', 'pubrec', 'pubrel', 'pubcomp']

/**
 * Decodes a PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5 §3.4 to §3.7).
 *
 * @param frame - of the kind `ack`
 * @throws {InvalidPacketError}
 */
export function decodeAck(frame: Frame, protocolVersion: 3 | 4 | 5): DecodedAck {
  const { header, bytes, start, end } = frame
  const type = TYPES[(header >> 4) - 4] as AckType
  const length = end - start
  if (!hasValidFlags(header)) throw new InvalidPacketError('flags', header)
  if (length < 2) throw new InvalidPacketError('truncated', header)
  const packetId = ((bytes[start] as number) << 8) | (bytes[start + 1] as number)
  if (packetId === 0) throw new InvalidPacketError('packetIdentifier', header)
  // Most end here (MQTT 5 §3.4.2.1).
  if (length === 2) return { type, packetId, reasonCode: 0, reasonString: undefined, userProperties: undefined }

  if (protocolVersion !== 5) throw new InvalidPacketError('trailingBytes', header)
  // Any code is taken: mosquitto 2.0.11, for example, refuses a publish with 0x95, which is none of a PUBACK.
  const reasonCode = bytes[start + 2] as number
  let reasonString: string | undefined
  let userProperties: DecodedAck['userProperties']
  if (length > 3) {
    const reader = new PropertyReader(bytes, start + 3, end, header)
    if (reader.end !== end) reader.fail('trailingBytes')
    while (reader.hasMore) {
      const identifier = reader.byte()
      if (identifier === 0x26) {
        userProperties = reader.userProperty(userProperties)
      } else if (identifier === 0x1f) {
        reader.once(reasonString)
        reasonString = reader.text()
      } else {
        reader.fail('propertyNotAllowed')
      }
    }
  }
  return { type, packetId, reasonCode, reasonString, userProperties }
}

/** MQTT 5 §2.1.3: 2 for PUBREL, 0 for the others. */
function hasValidFlags(header: number): boolean {
  return (header & 0x0f) === (header >> 4 === 6 ? 2 : 0)
}
