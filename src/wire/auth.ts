import { byteLength, varintLength } from '../shared/byte-length.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { allocate } from './bytes.ts'
import type { Frame } from './framer.ts'
import { InvalidPacketError } from './invalid-packet.ts'
import { PropertyReader } from './property-reader.ts'
import { writeVariableByteInteger } from './variable-byte-integer.ts'

/** Reason codes of AUTH (MQTT 5 §3.15.2.1). */
export const CONTINUE_AUTHENTICATION = 0x18
export const REAUTHENTICATE = 0x19

/** The properties of AUTH (MQTT 5 §3.15.2.2). */
const AUTHENTICATION_METHOD = 0x15
const AUTHENTICATION_DATA = 0x16
const REASON_STRING = 0x1f
const USER_PROPERTY = 0x26

/** An AUTH packet (MQTT 5 §3.15). */
export interface Auth {
  readonly reasonCode: number
  /** The Authentication Method. Some servers leave it out of an AUTH without properties. */
  readonly method: string | undefined
  /** The Authentication Data, which is secret. */
  readonly data: Uint8Array | undefined
}

/** @param auth - with a method and data of at most 65,535 bytes each */
export function encodeAuth({ reasonCode, method = '', data }: Auth): Uint8Array {
  const properties = 3 + byteLength(method) + (data ? 3 + data.byteLength : 0)
  const remaining = 1 + varintLength(properties) + properties
  const bytes = allocate(1 + varintLength(remaining) + remaining)
  bytes[0] = 0xf0
  let at = writeVariableByteInteger(remaining, bytes, 1)
  bytes[at++] = reasonCode
  at = writeVariableByteInteger(properties, bytes, at)
  at = writeBinary(AUTHENTICATION_METHOD, textEncoder().encode(method), bytes, at)
  if (data) writeBinary(AUTHENTICATION_DATA, data, bytes, at)
  return bytes
}

/**
 * @param frame - of the kind `auth`
 * @returns its content, with a copy of the data
 * @throws {InvalidPacketError}
 */
export function decodeAuth({ header, bytes, start, end }: Frame): Auth {
  if ((header & 0x0f) !== 0) throw new InvalidPacketError('flags', header)
  // MQTT 5 §3.15.2.1: without a code it is 0, and without a length there are no properties.
  const reasonCode = end > start ? (bytes[start] as number) : 0
  if (end <= start + 1) return { reasonCode, method: undefined, data: undefined }
  const reader = new PropertyReader(bytes, start + 1, end, header)
  if (reader.end !== end) reader.fail('trailingBytes')
  let method: string | undefined
  let data: Uint8Array | undefined
  let reasonString: string | undefined
  while (reader.hasMore) {
    const identifier = reader.byte()
    if (identifier === AUTHENTICATION_METHOD) {
      reader.once(method)
      method = reader.text()
    } else if (identifier === AUTHENTICATION_DATA) {
      reader.once(data)
      // A Buffer's `slice` would not copy.
      data = new Uint8Array(reader.binary())
    } else if (identifier === REASON_STRING) {
      reader.once(reasonString)
      reasonString = reader.text()
    } else if (identifier === USER_PROPERTY) {
      reader.userProperty(undefined)
    } else {
      reader.fail('propertyNotAllowed')
    }
  }
  return { reasonCode, method, data }
}

function writeBinary(property: number, value: Uint8Array, bytes: Uint8Array, at: number): number {
  bytes[at] = property
  bytes[at + 1] = value.byteLength >> 8
  bytes[at + 2] = value.byteLength & 0xff
  bytes.set(value, at + 3)
  return at + 3 + value.byteLength
}
