import { describe, expect, test } from 'vitest'

import type { PacketRule } from '../../src/wire/invalid-packet.ts'
import { parseAll, readAll } from './oracle.ts'

/** A packet with that content, and the right Remaining Length: at most 127 bytes. */
function packet(first: number, ...content: readonly (number | string | readonly number[])[]): Uint8Array {
  const bytes = content.flatMap((part) => (typeof part === 'string' ? [0, part.length, ...Buffer.from(part)] : part))
  return Uint8Array.of(first, bytes.length, ...bytes)
}

/** A PUBLISH of MQTT 5 with QoS 0 and those properties. */
const withProperties = (...properties: number[]) => packet(0x30, 'a', [properties.length, ...properties])

interface Case {
  readonly title: string
  readonly bytes: Uint8Array
  readonly rule: PacketRule
  readonly versions?: readonly (4 | 5)[]
  /** Whether mqtt-packet takes it: our decision is by the clause. */
  readonly taken?: boolean
}

/** The clauses are those of `rules` in src/wire/invalid-packet.ts. */
const cases: readonly Case[] = [
  // Both refuse.
  { title: 'QoS 3', bytes: packet(0x36, 'a', 0, 1, 0), rule: 'qos' },
  { title: 'a PUBLISH without content', bytes: packet(0x30), rule: 'truncated' },
  { title: 'a topic beyond the packet', bytes: packet(0x30, 0, 9, 0x61), rule: 'truncated' },
  { title: 'an unknown property', bytes: withProperties(0x7f, 0), rule: 'propertyNotAllowed', versions: [5] },
  { title: 'the property 0', bytes: withProperties(0, 0), rule: 'propertyNotAllowed', versions: [5] },
  { title: 'PUBACK with flags', bytes: packet(0x42, 0, 1), rule: 'flags' },
  { title: 'PUBREL with the flags 0', bytes: packet(0x60, 0, 1), rule: 'flags' },
  { title: 'PUBREL with the flags 0b1010', bytes: packet(0x6a, 0, 1), rule: 'flags' },
  {
    title: 'a Subscription Identifier of 5 bytes',
    bytes: withProperties(0x0b, 0xff, 0xff, 0xff, 0xff, 1),
    rule: 'variableByteInteger',
    versions: [5],
  },

  // mqtt-packet takes them.
  { title: 'DUP with QoS 0', bytes: packet(0x38, 'a', 0), rule: 'dupWithQos0', taken: true },
  { title: 'an empty topic', bytes: packet(0x30, '', 0), rule: 'topicEmpty', taken: true },
  { title: 'a topic with +', bytes: packet(0x30, 'a/+', 0), rule: 'topicWildcard', taken: true },
  { title: 'a topic with #', bytes: packet(0x30, '#', 0), rule: 'topicWildcard', taken: true },
  { title: 'a topic with U+0000', bytes: packet(0x30, 'a\0', 0), rule: 'nullCharacter', taken: true },
  { title: 'a lone byte of UTF-8', bytes: packet(0x30, 0, 2, 0x61, 0x80, 0), rule: 'utf8', taken: true },
  { title: 'an overlong form', bytes: packet(0x30, 0, 2, 0xc0, 0xaf, 0), rule: 'utf8', taken: true },
  { title: 'a surrogate as UTF-8', bytes: packet(0x30, 0, 3, 0xed, 0xa0, 0x80, 0), rule: 'utf8', taken: true },
  {
    title: 'a character above U+10FFFF',
    bytes: packet(0x30, 0, 4, 0xf4, 0x90, 0x80, 0x80, 0),
    rule: 'utf8',
    taken: true,
  },
  { title: 'a character that is cut off', bytes: packet(0x30, 0, 2, 0xe2, 0x82, 0), rule: 'utf8', taken: true },
  {
    title: 'PUBLISH with the Packet Identifier 0',
    bytes: packet(0x32, 'a', 0, 0, 0),
    rule: 'packetIdentifier',
    taken: true,
  },
  {
    title: 'PUBLISH that ends in its Packet Identifier',
    versions: [4],
    bytes: packet(0x32, 'a', 1),
    rule: 'truncated',
    taken: true,
  },
  {
    title: 'PUBLISH without a Property Length',
    bytes: packet(0x30, 'a'),
    rule: 'truncated',
    versions: [5],
    taken: true,
  },
  {
    title: 'properties beyond the packet',
    bytes: packet(0x30, 'a', 9, 0x01, 0),
    rule: 'truncated',
    versions: [5],
  },
  {
    title: 'a property that ends in the payload',
    bytes: packet(0x30, 'a', 3, 0x03, 'xy'),
    rule: 'truncated',
    versions: [5],
    taken: true,
  },
  {
    title: 'a property of CONNACK',
    bytes: withProperties(0x21, 0, 1),
    rule: 'propertyNotAllowed',
    versions: [5],
    taken: true,
  },
  {
    title: 'a Reason String in PUBLISH',
    bytes: withProperties(0x1f, 0, 0),
    rule: 'propertyNotAllowed',
    versions: [5],
    taken: true,
  },
  {
    title: 'Payload Format Indicator 2',
    bytes: withProperties(0x01, 2),
    rule: 'payloadFormatIndicator',
    versions: [5],
    taken: true,
  },
  { title: 'Topic Alias 0', bytes: withProperties(0x23, 0, 0), rule: 'topicAliasInvalid', versions: [5], taken: true },
  {
    title: 'Subscription Identifier 0',
    bytes: withProperties(0x0b, 0),
    rule: 'subscriptionIdentifier',
    versions: [5],
    taken: true,
  },
  {
    title: 'a Response Topic with a wildcard',
    bytes: withProperties(0x08, 0, 1, 0x23),
    rule: 'responseTopicWildcard',
    versions: [5],
    taken: true,
  },
  {
    title: 'a Content Type that is not UTF-8',
    bytes: withProperties(0x03, 0, 1, 0xff),
    rule: 'utf8',
    versions: [5],
    taken: true,
  },
  {
    title: 'a User Property with U+0000',
    bytes: withProperties(0x26, 0, 0, 0, 1, 0),
    rule: 'nullCharacter',
    versions: [5],
    taken: true,
  },
  ...[
    [0x01, 1],
    [0x02, 0, 0, 0, 1],
    [0x03, 0, 1, 0x61],
    [0x08, 0, 1, 0x61],
    [0x09, 0, 1, 0x61],
    [0x23, 0, 1],
  ].map((property) => ({
    title: `the property 0x${property[0]?.toString(16)} twice`,
    bytes: withProperties(...property, ...property),
    rule: 'propertyTwice' as const,
    versions: [5] as const,
    taken: true,
  })),
  { title: 'PUBACK with the Packet Identifier 0', bytes: packet(0x40, 0, 0), rule: 'packetIdentifier', taken: true },
  { title: 'PUBACK of one byte', bytes: packet(0x40, 1), rule: 'truncated', taken: true },
  { title: 'PUBACK without content', bytes: packet(0x40), rule: 'truncated', taken: true },
  {
    title: 'PUBACK with bytes behind it',
    bytes: packet(0x40, 0, 1, 0),
    rule: 'trailingBytes',
    versions: [4],
    taken: true,
  },
  {
    title: 'PUBREC with bytes behind its properties',
    bytes: packet(0x50, 0, 1, 0, 0, 9),
    rule: 'trailingBytes',
    versions: [5],
    taken: true,
  },
  {
    title: 'PUBACK with a property of PUBLISH',
    bytes: packet(0x40, 0, 1, 0, 2, 0x01, 1),
    rule: 'propertyNotAllowed',
    versions: [5],
    taken: true,
  },
  {
    title: 'PUBCOMP with two Reason Strings',
    bytes: packet(0x70, 0, 1, 0, 8, 0x1f, 'a', 0x1f, 'b'),
    rule: 'propertyTwice',
    versions: [5],
    taken: true,
  },
]

describe.each([4, 5] as const)('protocol version %i refuses', (version) => {
  const ofVersion = cases.filter(({ versions }) => versions?.includes(version) ?? true)

  test.each(ofVersion)('$title: $rule', ({ bytes, rule, taken = false }) => {
    const { failure, packets } = readAll([bytes], version)
    expect(failure).toMatchObject({ rule, name: 'InvalidPacketError' })
    expect(failure?.message).toMatch(/^PUB\w+ with .* \(MQTT 5 §[\d.]+\)$/)
    expect(packets).toEqual([])
    const oracle = parseAll([bytes], version)
    expect(oracle.packets.length > 0 && !oracle.failed).toBe(taken)
  })
})

/** Where no clause obliges the receiver, both take it. */
test.each([
  ['a Remaining Length in more bytes than it needs (MQTT 5 §1.5.5 obliges the sender)', [0x40, 0x82, 0, 0, 1]],
  ['an acknowledgement without a Property Length (§3.4.2.2.1)', [0x40, 3, 0, 1, 0x10]],
  ['control characters in a topic (§1.5.4: should not)', [0x30, 5, 0, 2, 0x01, 0x7f, 0]],
  ['a character that is none, U+FFFF (§1.5.4: should not)', [0x30, 6, 0, 3, 0xef, 0xbf, 0xbf, 0]],
  ['an empty Response Topic, which mosquitto passes on', [0x30, 7, 0, 1, 0x61, 3, 0x08, 0, 0]],
  [
    'a payload that is not the UTF-8 that it says it is (§3.3.2.3.2: may check)',
    [0x30, 7, 0, 1, 0x61, 2, 0x01, 1, 0xff],
  ],
])('taken: %s', (_, bytes) => {
  const chunk = Uint8Array.from(bytes)
  expect(readAll([chunk], 5)).toMatchObject({ failure: undefined, packets: [{}] })
  expect(parseAll([chunk], 5)).toMatchObject({ failed: false, packets: [{}] })
})

test.each([
  ['PUBACK with Packet too large, as mosquitto 2.0.11 sends it', 0x40, 0x95],
  ['PUBACK with a code of PUBCOMP', 0x40, 0x92],
  ['PUBREC with a code that MQTT 5 does not have', 0x50, 0xc5],
  ['PUBREL with a code of PUBACK', 0x62, 0x10],
  ['PUBCOMP with a code that MQTT 5 does not have', 0x70, 0xff],
])('a code that mqtt-packet refuses is taken: %s', (_, first, reasonCode) => {
  const chunk = packet(first, 0, 1, reasonCode)
  expect(readAll([chunk], 5)).toMatchObject({ failure: undefined, packets: [{ packetId: 1, reasonCode }] })
  expect(parseAll([chunk], 5).failed).toBe(true)
})

test('an empty value of a User Property counts, although mqtt-packet forgets it if its name comes again', () => {
  const chunk = withProperties(0x26, 0, 1, 0x61, 0, 0, 0x26, 0, 1, 0x61, 0, 1, 0x62)
  expect(readAll([chunk], 5).packets).toMatchObject([{ properties: { userProperties: { a: ['', 'b'] } } }])
  expect(parseAll([chunk], 5).packets).toMatchObject([{ properties: { userProperties: { a: 'b' } } }])
})
