import type { PublishProperties } from '../api/message.ts'
import { varintLength } from '../shared/byte-length.ts'
import { allocate } from './bytes.ts'
import { writeVariableByteInteger } from './variable-byte-integer.ts'
import { propertiesSize, writeProperties } from './write-properties.ts'

/** A DISCONNECT that is sent (MQTT 5 §3.14). */
export interface Disconnect {
  readonly reasonCode: number
  /** In seconds. */
  readonly sessionExpiryInterval?: number | undefined
  readonly userProperties?: PublishProperties['userProperties'] | undefined
}

/** Normal disconnection: the broker discards our will. The only DISCONNECT of MQTT 3.1.1. */
export const NORMAL_DISCONNECT: Disconnect = Object.freeze({ reasonCode: 0 })

const SESSION_EXPIRY_INTERVAL = 0x11

/** Encodes a DISCONNECT. A normal one without properties has the same bytes in MQTT 3.1.1 and 5. */
export function encodeDisconnect({ reasonCode, sessionExpiryInterval, userProperties }: Disconnect): Uint8Array {
  const properties = userProperties ? { userProperties } : {}
  const length = (sessionExpiryInterval === undefined ? 0 : 5) + propertiesSize(properties)
  if (reasonCode === 0 && length === 0) return Uint8Array.of(0xe0, 0)
  const remaining = 1 + varintLength(length) + length
  const bytes = allocate(1 + varintLength(remaining) + remaining)
  bytes[0] = 0xe0
  let at = writeVariableByteInteger(remaining, bytes, 1)
  bytes[at++] = reasonCode
  at = writeVariableByteInteger(length, bytes, at)
  if (sessionExpiryInterval !== undefined) {
    bytes[at++] = SESSION_EXPIRY_INTERVAL
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, sessionExpiryInterval)
    at += 4
  }
  writeProperties(properties, bytes, at)
  return bytes
}
