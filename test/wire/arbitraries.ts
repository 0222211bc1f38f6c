import { generate, type Packet } from 'mqtt-packet'

import { fc } from '../support/property.ts'
import type { Version } from './oracle.ts'

/** A UTF-8 Encoded String of any script (MQTT 5 §1.5.4). */
export const text = (maxLength: number, minLength = 0) =>
  fc
    .oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength, minLength }),
      fc.string({ unit: 'binary', maxLength, minLength }),
    )
    .filter((it) => !it.includes('\0'))

export const topicName = text(60, 1).filter((it) => !/[+#]/.test(it))

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** Most are small; around the sizes at which a length takes a byte more, and at which copies become views. */
export const payload = fc.oneof(
  { weight: 6, arbitrary: bytes(80) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(100, 127, 128, 4_000, 4_090, 4_100, 8_192, 16_370, 16_384, 20_000)
      .map((size) => Buffer.alloc(size, 'payload')),
  },
  { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 300_000 }).map((size) => Buffer.alloc(size, 'large')) },
)

/** mqtt-packet forgets an empty value if another with its name follows: lists have none. */
const userProperties = fc.dictionary(
  text(12),
  fc.oneof(text(12), fc.array(text(12, 1), { minLength: 2, maxLength: 4 })),
  { minKeys: 1, maxKeys: 4, noNullPrototype: true },
)

/** Its keys are in the order in which `parseProperties` puts them. */
export const sentProperties = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.oneof(fc.nat(100), fc.nat(0xffffffff)),
    responseTopic: topicName,
    correlationData: bytes(60),
    contentType: text(30),
    userProperties,
  },
  { requiredKeys: [], noNullPrototype: true },
)

const identifier = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 268_435_455 }))

const receivedProperties = fc
  .record(
    {
      sent: sentProperties,
      topicAlias: fc.integer({ min: 1, max: 65_535 }),
      subscriptionIdentifier: fc.oneof(identifier, fc.array(identifier, { minLength: 2, maxLength: 5 })),
    },
    { requiredKeys: ['sent'] },
  )
  .map(({ sent, ...received }) => ({ ...sent, ...received }))

export const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
export const packetId = fc.integer({ min: 1, max: 65_535 })

const publish = (version: Version) =>
  fc
    .record({
      topic: topicName,
      payload,
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      messageId: packetId,
      properties: version === 5 ? fc.oneof(fc.constant({}), receivedProperties) : fc.constant({}),
      isByAlias: fc.boolean(),
    })
    .map(({ isByAlias, ...packet }) => ({
      cmd: 'publish' as const,
      ...packet,
      topic: isByAlias && 'topicAlias' in packet.properties ? '' : packet.topic,
      dup: packet.dup && packet.qos > 0,
    }))

const ackProperties = fc.record({ reasonString: text(20), userProperties }, { requiredKeys: [], noNullPrototype: true })

export const reasonCodes = {
  puback: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0, 0x92],
  pubcomp: [0, 0x92],
} as const

const ack = (version: Version) =>
  fc.oneof(
    ...(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map((cmd) =>
      fc.record(
        {
          cmd: fc.constant(cmd),
          messageId: packetId,
          reasonCode: fc.constantFrom<number>(...reasonCodes[cmd]),
          ...(version === 5 && { properties: ackProperties }),
        },
        { requiredKeys: ['cmd', 'messageId', 'reasonCode'], noNullPrototype: true },
      ),
    ),
  )

const control = (version: Version): fc.Arbitrary<Packet> =>
  fc.oneof(
    fc.constantFrom<Packet>(
      { cmd: 'pingresp' },
      { cmd: 'connack', sessionPresent: true, returnCode: 0, reasonCode: 0 },
      { cmd: 'unsuback', messageId: 4, granted: version === 5 ? [0] : [] },
      ...(version === 5 ? [{ cmd: 'disconnect', reasonCode: 0x8b } as const] : []),
    ),
    fc.record({
      cmd: fc.constant('suback' as const),
      messageId: packetId,
      granted: fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 200 }),
    }),
  )

/** Packets that a server may send. */
export function packets(version: Version): fc.Arbitrary<Packet> {
  return fc.oneof(
    { weight: 5, arbitrary: publish(version) as fc.Arbitrary<Packet> },
    { weight: 4, arbitrary: ack(version) as fc.Arbitrary<Packet> },
    { weight: 2, arbitrary: control(version) },
  )
}

/** A packet without its large payload. */
export function smallPacket(version: Version): fc.Arbitrary<Packet> {
  return packets(version).filter((packet) => packet.cmd !== 'publish' || packet.payload.length < 200)
}

export function encoded(packet: Packet, version: Version): Buffer {
  return generate(packet, { protocolVersion: version })
}
