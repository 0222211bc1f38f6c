import { parser, type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import { CodeTranslator } from '../../src/mqtt/code-translator.ts'
import { Framer } from '../../src/wire/framer.ts'
import { range } from '../support/range.ts'
import { cut } from '../wire/oracle.ts'

/** Reads chunks as a transport does. mqtt-packet throws on a code that it does not know. */
function read(chunks: readonly Uint8Array[], protocolVersion: 4 | 5): Packet[] {
  const framer = new Framer()
  const codes = new CodeTranslator(protocolVersion)
  const packets: Packet[] = []
  const parse = parser({ protocolVersion })
  parse.on('packet', (packet) => {
    codes.restore(packet)
    packets.push(packet)
  })
  for (const chunk of chunks) {
    framer.push(chunk)
    while (framer.next()) {
      const bytes = codes.translate(framer.frame)
      if (bytes) parse.parse(Buffer.from(bytes))
    }
  }
  return packets
}

const all = range(256)
const size = [0x80 | (259 & 0x7f), 259 >> 7]

describe('all codes arrive as they were sent', () => {
  test.each<[string, 4 | 5, readonly number[], object]>([
    ['SUBACK, MQTT 3.1.1', 4, [0x90, 0x82, 2, 0, 7, ...all], { cmd: 'suback', messageId: 7, granted: all }],
    ['SUBACK, MQTT 5', 5, [0x90, ...size, 0, 7, 0, ...all], { cmd: 'suback', messageId: 7, granted: all }],
    ['UNSUBACK, MQTT 3.1.1', 4, [0xb0, 2, 0, 7], { cmd: 'unsuback', messageId: 7 }],
    ['UNSUBACK, MQTT 5', 5, [0xb0, ...size, 0, 7, 0, ...all], { cmd: 'unsuback', messageId: 7, granted: all }],
    [
      'SUBACK with a Reason String, MQTT 5',
      5,
      [0x90, 8, 0, 7, 4, 0x1f, 0, 1, 0x61, 0xc5],
      { granted: [0xc5], properties: { reasonString: 'a' } },
    ],
    ['DISCONNECT with a Reason String, MQTT 5', 5, [0xe0, 6, 0xc5, 4, 0x1f, 0, 1, 0x61], { reasonCode: 0xc5 }],
    ['DISCONNECT without a code, MQTT 5', 5, [0xe0, 0], { cmd: 'disconnect', reasonCode: 0 }],
    ['DISCONNECT, MQTT 3.1.1', 4, [0xe0, 0], { cmd: 'disconnect' }],
    ['CONNACK', 5, [0x20, 3, 0, 0xc5, 0], { cmd: 'connack', reasonCode: 0xc5 }],
  ])('%s', (_, version, bytes, packet) => {
    const chunk = Uint8Array.from(bytes)
    expect(read([chunk], version)).toMatchObject([packet])
    // However it is cut, and with another packet behind it.
    expect(
      read(
        [...chunk].map((byte) => Uint8Array.of(byte)),
        version,
      ),
    ).toMatchObject([packet])
    const twice = Uint8Array.from([...bytes, ...bytes])
    for (const place of range(chunk.length)) {
      expect(read(cut(twice, [place, place + 3]), version)).toMatchObject([packet, packet])
    }
  })
})
