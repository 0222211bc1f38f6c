import { describe, expect, test } from 'vitest'

import { publishSize } from '../../src/wire/encoded-size.ts'
import { PacketBuffer } from '../../src/wire/packet-buffer.ts'
import type { OutgoingPublish } from '../../src/wire/packets.ts'
import { UnencodablePacketError } from '../../src/wire/unencodable-packet.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'
import { encoded, packetId, payload, qos, reasonCodes, sentProperties, text, topicName } from './arbitraries.ts'
import { asDecoded, parseAll, readAll } from './oracle.ts'

/** Halves of surrogate pairs too: a payload may be any string. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units))

const sentPayload = fc.oneof(
  payload,
  text(100),
  anyText,
  fc.integer({ min: 10_000, max: 300_000 }).map((size) => 'é'.repeat(size / 2)),
)

const publishCall = fc.record({
  packet: fc.record({
    topic: topicName,
    payload: sentPayload,
    qos,
    retain: fc.boolean(),
    properties: fc.oneof(fc.constant(undefined), sentProperties),
  }),
  id: packetId,
  dup: fc.boolean(),
})

const ackCall = fc
  .constantFrom('puback' as const, 'pubrec' as const, 'pubrel' as const, 'pubcomp' as const)
  .chain((type) =>
    fc.record({ type: fc.constant(type), id: packetId, code: fc.constantFrom<number>(...reasonCodes[type]) }),
  )

const message: OutgoingPublish = { topic: 'a', payload: 'b', qos: 0, retain: false, properties: undefined }

describe.each([3, 4, 5] as const)('protocol version %i', (version) => {
  test('what is gathered is, byte by byte, what mqtt-packet would write', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(publishCall, ackCall), { maxLength: 8 }), (calls) => {
        const gathered = new PacketBuffer(version)
        const expected = calls.map((call) => {
          const before = gathered.size
          if ('type' in call) {
            gathered.ack(call.type, call.id, call.code)
            return encoded({ cmd: call.type, messageId: call.id, reasonCode: call.code }, version)
          }
          const { packet, id, dup } = call
          gathered.publish(packet, id, dup && packet.qos > 0)
          expect(gathered.size - before).toBe(publishSize(packet, version))
          return encoded(
            {
              cmd: 'publish',
              ...packet,
              payload: Buffer.from(packet.payload as string),
              properties: packet.properties as object,
              messageId: id,
              dup: dup && packet.qos > 0,
            },
            version,
          )
        })
        const { size } = gathered
        const written = Buffer.concat(gathered.take())
        expect(written.length).toBe(size)
        expect(written.equals(Buffer.concat(expected))).toBe(true)
        expect(gathered.size).toBe(0)
        expect(gathered.take()).toEqual([])
      }),
      { numRuns: randomCases(50, 3_000) },
    )
  })

  test('what is written is read again as it was, by mqtt-packet and by the decoder', () => {
    fc.assert(
      fc.property(publishCall, ({ packet, id, dup }) => {
        const gathered = new PacketBuffer(version)
        gathered.publish(packet, id, dup && packet.qos > 0)
        const chunks = gathered.take()
        const [theirs] = parseAll(chunks, version).packets.map(asDecoded)
        const [ours] = readAll(chunks, version).packets
        for (const read of [theirs, ours]) {
          if (!read || !('payload' in read)) throw new Error('no PUBLISH')
          const { payload: readPayload, ...rest } = read
          expect(Buffer.compare(readPayload, Buffer.from(packet.payload as string))).toBe(0)
          expect(rest).toEqual({
            topic: packet.topic,
            qos: packet.qos,
            retain: packet.retain,
            dup: dup && packet.qos > 0,
            packetId: packet.qos > 0 ? id : 0,
            topicAlias: 0,
            properties:
              version === 5 && Object.keys(packet.properties ?? {}).length > 0 ? packet.properties : undefined,
          })
        }
      }),
      { numRuns: randomCases(40, 2_000) },
    )
  })
})

test('a Subscription Identifier is left out (MQTT-3.3.4-6)', () => {
  const gathered = new PacketBuffer(5)
  gathered.publish({ ...message, properties: { subscriptionIdentifier: 3 } }, 0, false)
  expect(gathered.take()).toEqual([Buffer.of(0x30, 5, 0, 1, 0x61, 0, 0x62)])
})

describe('parts', () => {
  test('small packets are one part', () => {
    const gathered = new PacketBuffer(5)
    for (let i = 1; i <= 2_000; i++) {
      gathered.publish({ ...message, qos: 1 }, i, false)
      gathered.ack('puback', i)
    }
    expect(gathered.take().map(({ length }) => length)).toEqual([2_000 * (9 + 4)])
  })

  test('a large payload is a part of its own, and not copied', () => {
    const large = Buffer.alloc(16_384)
    const gathered = new PacketBuffer(4)
    gathered.ack('puback', 1)
    gathered.publish({ ...message, payload: large }, 0, false)
    gathered.publish({ ...message, payload: large.subarray(1) }, 0, false)
    const parts = gathered.take()
    expect(parts.map(({ length }) => length)).toEqual([4 + 7, 16_384, 7 + 16_383])
    expect(parts[1]).toBe(large)
  })

  test('what was given away is never written again', () => {
    const gathered = new PacketBuffer(4)
    gathered.ack('puback', 1)
    const [first] = gathered.take()
    gathered.ack('puback', 2)
    const [second] = gathered.take()
    expect([first, second]).toEqual([Buffer.of(0x40, 2, 0, 1), Buffer.of(0x40, 2, 0, 2)])
  })
})

describe('what has no form on the wire is refused, and nothing is written', () => {
  const long = 'x'.repeat(65_536)
  const huge = { length: 268_435_455, byteLength: 268_435_455 } as Uint8Array
  const cases: [string, Partial<OutgoingPublish>, number, clause: string][] = [
    ['a topic of 65,536 bytes', { topic: long }, 0, '1.5.4'],
    ['a topic of 65,538 bytes in 32,769 characters', { topic: 'é'.repeat(32_769) }, 0, '1.5.4'],
    ['a Response Topic that is too long', { properties: { responseTopic: long } }, 0, '1.5.4'],
    ['a Content Type that is too long', { properties: { contentType: long } }, 0, '1.5.4'],
    ['Correlation Data that is too long', { properties: { correlationData: Buffer.alloc(65_536) } }, 0, '1.5.4'],
    ['a User Property that is too long', { properties: { userProperties: { a: ['b', long] } } }, 0, '1.5.4'],
    ['a name of one that is too long', { properties: { userProperties: { [long]: 'a' } } }, 0, '1.5.4'],
    ['a Message Expiry Interval below 0', { properties: { messageExpiryInterval: -1 } }, 0, '3.3.2.3.3'],
    ['one of 4,294,967,296', { properties: { messageExpiryInterval: 2 ** 32 } }, 0, '3.3.2.3.3'],
    ['one of half a second', { properties: { messageExpiryInterval: 0.5 } }, 0, '3.3.2.3.3'],
    ['a packet of more than 268,435,455 bytes', { payload: huge }, 0, '2.1.4'],
    ['QoS 1 without a Packet Identifier', { qos: 1 }, 0, '2.2.1'],
    ['QoS 2 with one of 65,536', { qos: 2 }, 65_536, '2.2.1'],
  ]

  test.each(cases)('%s', (_, part, id, clause) => {
    const gathered = new PacketBuffer(5)
    gathered.publish({ ...message, topic: 'before' }, 0, false)
    const { size } = gathered
    const publish = () => gathered.publish({ ...message, ...part }, id, false)
    expect(publish).toThrow(UnencodablePacketError)
    expect(publish).toThrow(`§${clause}`)
    expect(gathered.size).toBe(size)
    gathered.publish({ ...message, topic: 'behind' }, 0, false)
    const read = readAll(gathered.take(), 5)
    expect(read.packets).toMatchObject([{ topic: 'before' }, { topic: 'behind' }])
  })

  test('an acknowledgement without a Packet Identifier', () => {
    const gathered = new PacketBuffer(4)
    expect(() => gathered.ack('puback', 0)).toThrow(UnencodablePacketError)
    expect(gathered.size).toBe(0)
  })

  test('the longest that there are', () => {
    const topic = 'x'.repeat(65_535)
    const largest = { length: 0, byteLength: 268_435_455 - 3 } as Uint8Array
    expect(publishSize({ ...message, payload: largest }, 4)).toBe(268_435_460)
    expect(publishSize({ ...message, topic }, 4)).toBe(1 + 3 + 2 + 65_535 + 1)
  })
})
