import { generate, parser, type Packet } from 'mqtt-packet'
import { duplexPair } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { PacketScanner, PacketType, packetIdOf } from '../../measure/bench/packet-scanner.ts'
import { serveConnection } from '../../measure/bench/server/connection.ts'
import { windowOf } from '../../measure/bench/window.ts'

const V5 = { protocolVersion: 5 }
const payload = Buffer.alloc(300, 120)

const publish = (messageId: number, qos: 0 | 1 | 2): Packet =>
  ({ cmd: 'publish', topic: 'a/b', payload, qos, messageId, retain: false, dup: false }) as Packet
const ack = (cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', messageId: number): Packet => ({ cmd, messageId })
const connect = (receiveMaximum?: number): Packet => ({
  cmd: 'connect',
  clientId: 'c',
  keepalive: 10,
  properties: { sessionExpiryInterval: 5, ...(receiveMaximum !== undefined && { receiveMaximum }) },
  protocolVersion: 5,
})
const subscribe = (topic: string, subscriptionIdentifier?: number): Packet => ({
  cmd: 'subscribe',
  messageId: 9,
  subscriptions: [{ topic, qos: 2 }],
  ...(subscriptionIdentifier !== undefined && { properties: { subscriptionIdentifier } }),
})

/** A client of the server that has sent a CONNECT and forgotten the CONNACK. */
async function served(receiveMaximum?: number) {
  const [ours, theirs] = duplexPair()
  serveConnection(theirs)
  const received: Packet[] = []
  const packets = parser(V5)
  packets.on('packet', (packet) => received.push(packet))
  ours.on('data', (chunk: Buffer) => packets.parse(chunk))
  const exchange = async (...sent: readonly Packet[]) => {
    received.length = 0
    ours.write(Buffer.concat(sent.map((packet) => generate(packet, V5))))
    for (let i = 0; i < 10; i++) await turn()
    return received.map((packet) => ({ ...packet }))
  }
  expect(await exchange(connect(receiveMaximum))).toMatchObject([{ cmd: 'connack', reasonCode: 0 }])
  return exchange
}

const described = (packets: readonly Packet[]) =>
  packets.map((packet) => `${packet.cmd} ${'messageId' in packet ? packet.messageId : ''}`.trim())

test('the server acknowledges what a client publishes, in order', async () => {
  const exchange = await served()
  const sent = [publish(0, 0), publish(1, 1), publish(2, 2), ack('pubrel', 7), publish(65_535, 1)]
  expect(described(await exchange(...sent))).toEqual(['puback 1', 'pubrec 2', 'pubcomp 7', 'puback 65535'])
  expect(await exchange({ cmd: 'pingreq' })).toMatchObject([{ cmd: 'pingresp' }])
})

test('the server sends as many messages as the Receive Maximum allows, and more when they are acknowledged', async () => {
  const exchange = await served(3)
  const [suback, ...messages] = await exchange(subscribe('bench/messages/1/16', 321))
  expect(suback).toMatchObject({ cmd: 'suback', messageId: 9, granted: [1] })
  expect(described(messages)).toEqual(['publish 1', 'publish 2', 'publish 3'])
  expect(messages[0]).toMatchObject({ topic: 'bench/messages/1/16', qos: 1, payload: Buffer.alloc(16, 120) })
  expect(messages[0]).toMatchObject({ properties: { subscriptionIdentifier: 321 } })
  expect(described(await exchange(ack('puback', 1), ack('puback', 2)))).toEqual(['publish 4', 'publish 5'])
})

test('the server sends the next QoS 2 message after the PUBCOMP', async () => {
  const exchange = await served(1)
  expect(described(await exchange(subscribe('bench/messages/2/64')))).toEqual(['suback 9', 'publish 1'])
  expect(described(await exchange(ack('pubrec', 1)))).toEqual(['pubrel 1'])
  expect(described(await exchange(ack('pubcomp', 1)))).toEqual(['publish 2'])
})

test.each([
  [16, 1_000],
  [4_096, 1_000],
  [262_144, 16],
])('a window of messages with %i bytes has %i', (payloadBytes, messages) => {
  expect(windowOf(payloadBytes)).toBe(messages)
})

test('the scanner finds the same packets wherever the bytes are split', () => {
  const sent = [publish(1, 1), publish(0, 0), ack('puback', 3), publish(2, 2), { cmd: 'pingreq' } as Packet]
  const bytes = Buffer.concat(sent.map((packet) => generate(packet, V5)))
  const { PUBLISH, PUBACK, PINGREQ } = PacketType
  for (let size = 1; size <= bytes.length; size++) {
    const found: string[] = []
    const scanner = new PacketScanner((packet) => {
      const numbered = packet.type === PUBACK || (packet.first & 6) > 0
      found.push(`${packet.type} ${packet.length} ${numbered ? packetIdOf(packet) : ''}`)
    })
    for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size))
    expect(found).toEqual([`${PUBLISH} 308 1`, `${PUBLISH} 306 `, `${PUBACK} 4 3`, `${PUBLISH} 308 2`, `${PINGREQ} 0 `])
  }
})
