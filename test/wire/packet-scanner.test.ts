import type { Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import { decodePublish } from '../../src/wire/decode-publish.ts'
import { PacketScanner } from '../../src/wire/packet-scanner.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'
import { encoded, packetId, packets, qos, topicName } from './arbitraries.ts'
import { cut, type Version } from './oracle.ts'

/** What is found in chunks. */
function scanned(chunks: readonly Uint8Array[], version: Version): object[] {
  const found: object[] = []
  const scanner = new PacketScanner(version, (packet, size) => found.push({ ...packet, size }))
  for (const chunk of chunks) scanner.push(chunk)
  return found
}

/** Packets that a client sends and that carry no data. */
const sentControl = (version: Version): fc.Arbitrary<Packet> =>
  fc.oneof(
    fc.constantFrom<Packet>({ cmd: 'pingreq' }, { cmd: 'disconnect', ...(version === 5 && { reasonCode: 4 }) }),
    fc.record({
      cmd: fc.constant('subscribe' as const),
      messageId: packetId,
      subscriptions: fc.array(fc.record({ topic: topicName, qos }), { minLength: 1, maxLength: 4 }),
      properties: fc.constant(version === 5 ? { subscriptionIdentifier: 300 } : {}),
    }) as fc.Arbitrary<Packet>,
    fc.record({
      cmd: fc.constant('unsubscribe' as const),
      messageId: packetId,
      unsubscriptions: fc.array(topicName, { minLength: 1, maxLength: 4 }),
    }) as fc.Arbitrary<Packet>,
    fc.constant<Packet>({ cmd: 'connect', clientId: 'a', clean: true, protocolVersion: version as 4, keepalive: 5 }),
  )

/** What is told of a packet of mqtt-packet's. */
function told(packet: Packet, version: Version): object {
  const type = packet.cmd
  const code = (reasonCode: number | undefined) => (version === 5 ? { reasonCode: reasonCode ?? 0 } : {})
  switch (packet.cmd) {
    case 'publish': {
      const topicAlias = version === 5 && packet.properties?.topicAlias
      return {
        type,
        ...(packet.qos > 0 && { packetId: packet.messageId }),
        qos: packet.qos,
        retain: packet.retain,
        dup: packet.dup,
        topic: packet.topic,
        ...(topicAlias && { topicAlias }),
      }
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { type, packetId: packet.messageId, ...code(packet.reasonCode) }
    case 'subscribe':
      return { type, packetId: packet.messageId, filters: packet.subscriptions.map(({ topic }) => topic) }
    case 'unsubscribe':
      return { type, packetId: packet.messageId, filters: packet.unsubscriptions }
    case 'suback':
      return { type, packetId: packet.messageId, reasonCodes: packet.granted }
    case 'unsuback':
      return { type, packetId: packet.messageId, ...(version === 5 && { reasonCodes: packet.granted }) }
    case 'connack':
      return { type, reasonCode: packet.reasonCode }
    case 'disconnect':
      return { type, ...code(packet.reasonCode) }
    default:
      return { type }
  }
}

describe.each([4, 5] as const)('protocol version %i', (version) => {
  test('finds what mqtt-packet has written, wherever the chunks end', () => {
    const any = fc.oneof(packets(version), sentControl(version))
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), fc.array(fc.nat()), (all, places) => {
        const bytes = all.map((packet) => encoded(packet, version))
        const expected = all.map((packet, i) => ({ ...told(packet, version), size: bytes[i]?.length }))
        expect(scanned(cut(Buffer.concat(bytes), places), version)).toEqual(expected)
      }),
      { numRuns: randomCases(60, 3_000) },
    )
  })

  test('wrong packets are found by their type and size, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }), fc.array(fc.nat()), (all, places) => {
        const bytes = all.map((content, i) => Buffer.concat([Buffer.of(((i % 15) + 1) << 4, content.length), content]))
        const found = scanned(cut(Buffer.concat(bytes), places), version) as { size: number }[]
        expect(found.map(({ size }) => size)).toEqual(bytes.map(({ length }) => length))
      }),
      { numRuns: randomCases(60, 3_000) },
    )
  })
})

describe('large packets', () => {
  test.each([
    ['wanted', [1_000_000]],
    ['not wanted', [undefined]],
    ['wanted only for the second PUBLISH', [undefined, 1_000_000]],
  ] as const)('the payload of a PUBLISH is kept if it is wanted: %s', (_, expected) => {
    const publish = {
      topic: 'a',
      payload: Buffer.alloc(1_000_000, 'x'),
      qos: 1,
      messageId: 7,
      retain: false,
      dup: false,
    } as const
    const bytes = encoded({ cmd: 'publish', ...publish }, 5)
    const all = Buffer.concat(expected.map(() => bytes))
    const wanted = expected.map((length) => length !== undefined)
    const payloads: (number | undefined)[] = []
    const scanner = new PacketScanner(
      5,
      (_packet, _size, whole) => payloads.push(whole && decodePublish(whole, 5).payload.length),
      () => wanted.shift() === true,
    )
    for (const chunk of cut(all, [1, 100, 700_000, 1_200_000])) scanner.push(chunk)
    expect(payloads).toEqual(expected)
  })

  test('a PUBLISH is told before its payload has passed', () => {
    const packet = {
      cmd: 'publish',
      topic: 'a',
      payload: Buffer.alloc(1_000_000),
      qos: 0,
      retain: false,
      dup: false,
    } as const
    const bytes = encoded(packet, 5)
    const found = { type: 'publish', qos: 0, retain: false, dup: false, topic: 'a', size: bytes.length }
    const [first, ...others] = [bytes.subarray(0, 100), bytes.subarray(100, 200), bytes.subarray(200)]
    expect(scanned([first], 5)).toEqual([found])
    expect(scanned([first, ...others, Buffer.of(0xc0, 0)], 5)).toEqual([found, { type: 'pingreq', size: 2 }])
  })

  test('a SUBSCRIBE of more than 70,000 bytes is told without its filters', () => {
    const subscriptions = ['a', 'b'].map((topic) => ({ topic: topic.repeat(60_000), qos: 0 as const }))
    const bytes = encoded({ cmd: 'subscribe', messageId: 1, subscriptions }, 5)
    expect(scanned([bytes, Buffer.of(0xc0, 0)], 5)).toEqual([
      { type: 'subscribe', size: bytes.length },
      { type: 'pingreq', size: 2 },
    ])
  })
})
