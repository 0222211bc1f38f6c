import type { Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'

import { encode, PacketReader, type Received, type Version } from '../../../cli/doctor/mqtt/packets.ts'

const packets: readonly Packet[] = [
  { cmd: 'connack', reasonCode: 0, returnCode: 0, sessionPresent: false, properties: { maximumPacketSize: 5_000 } },
  { cmd: 'publish', topic: 'a', payload: Buffer.alloc(300), qos: 0, retain: false, dup: false },
  { cmd: 'suback', messageId: 7, granted: [0, 0x8f] },
  { cmd: 'puback', messageId: 8, reasonCode: 0x87, properties: { reasonString: 'no\u001B[2J' } },
  { cmd: 'pingresp' },
  { cmd: 'disconnect', reasonCode: 0x8e },
]

const expected = [
  { type: 2, codes: [0], connack: { properties: { maximumPacketSize: 5_000 } } },
  { type: 3, topic: 'a' },
  { type: 9, packetId: 7, codes: [0, 0x8f] },
  { type: 4, packetId: 8, codes: [0x87], reasonString: 'no [2J' },
  { type: 13 },
  { type: 14, codes: [0x8e] },
]

function read(bytes: Uint8Array, step: number, version: Version): Received[] {
  const reader = new PacketReader(version)
  const received: Received[] = []
  for (let at = 0; at < bytes.length; at += step) received.push(...reader.read(bytes.subarray(at, at + step)))
  return received
}

test.each([1, 2, 7, 100, 10_000])('packets in chunks of %i bytes', (step) => {
  const bytes = Buffer.concat(packets.map((packet) => encode(packet, 5)))
  expect(read(bytes, step, 5)).toMatchObject(expected)
})

test('a SUBACK of MQTT 3.1.1 with a code of MQTT 5, as ejabberd sends it', () => {
  expect(read(Uint8Array.of(0x90, 3, 0, 7, 0x8f), 100, 4)).toMatchObject([{ packetId: 7, codes: [0x8f] }])
})

test('a Remaining Length of five bytes is no packet', () => {
  expect(() => read(Uint8Array.of(0x90, 255, 255, 255, 255, 1), 100, 5)).toThrow('Remaining Length')
})
