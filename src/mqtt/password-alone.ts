import type { MqttClient } from 'mqtt'

import { byteLength, varintLength } from '../shared/byte-length.ts'
import { joinBytes } from '../shared/bytes.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { writeVariableByteInteger } from '../wire/variable-byte-integer.ts'

/** The bytes of the protocol's name and version, which come before the flags. */
const PROTOCOL_BYTES = 7
const USER_NAME_FLAG = 0x80

/**
 * Connects with a password and no user name, as MQTT 5 allows (§3.1.2.9). mqtt-packet does not write one without the
 * other. It gets an empty user name, which is removed from the bytes that it writes.
 *
 * @param client - created with `manualConnect`, without a user name
 */
export function connectWithPasswordAlone(client: MqttClient): void {
  client.options.username = ''
  const build = client['streamBuilder']
  const written: (string | Uint8Array)[] = []
  let own: PropertyDescriptor | undefined
  client['streamBuilder'] = (each: MqttClient) => {
    const stream = build(each)
    own = Object.getOwnPropertyDescriptor(stream, 'write')
    stream.write = (chunk: string | Uint8Array) => written.push(chunk) > 0
    return stream
  }
  // CONNECT is written before this call returns.
  client.connect()
  // This uncovers the method of the prototype.
  Reflect.deleteProperty(client.stream, 'write')
  if (own) Object.defineProperty(client.stream, 'write', own)
  if (written.length > 0) client.stream.write(withoutUserName(concat(written), client.options.password ?? ''))
}

/**
 * @param connect - a CONNECT packet with an empty user name
 * @param password - the last field of the packet
 */
export function withoutUserName(connect: Uint8Array, password: string | Uint8Array): Uint8Array {
  const lengthBytes = connect.subarray(1).findIndex((byte) => byte < 0x80) + 1
  const body = connect.subarray(1 + lengthBytes)
  const userName = body.byteLength - 2 - byteLength(password) - 2
  return concat([
    connect.subarray(0, 1),
    variableByteInteger(body.byteLength - 2),
    body.subarray(0, PROTOCOL_BYTES),
    Uint8Array.of((body[PROTOCOL_BYTES] ?? 0) & ~USER_NAME_FLAG),
    body.subarray(PROTOCOL_BYTES + 1, userName),
    body.subarray(userName + 2),
  ])
}

function variableByteInteger(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value))
  writeVariableByteInteger(value, bytes, 0)
  return bytes
}

function concat(chunks: readonly (string | Uint8Array)[]): Uint8Array {
  return joinBytes(chunks.map((chunk) => (typeof chunk === 'string' ? textEncoder().encode(chunk) : chunk)))
}
