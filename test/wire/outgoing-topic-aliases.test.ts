import { describe, expect, test } from 'vitest'

import type { DecodedPublish } from '../../src/wire/decode-publish.ts'
import { publishSize } from '../../src/wire/encoded-size.ts'
import { IncomingTopicAliases } from '../../src/wire/incoming-topic-aliases.ts'
import { PacketBuffer, type ServerLimits } from '../../src/wire/packet-buffer.ts'
import type { OutgoingPublish } from '../../src/wire/packets.ts'
import { UnencodablePacketError } from '../../src/wire/unencodable-packet.ts'
import { fc } from '../support/property.ts'
import { range } from '../support/range.ts'
import { randomCases } from '../support/repetitions.ts'
import { packetId, qos, sentProperties, topicName } from './arbitraries.ts'
import { asDecoded, parseAll, readAll } from './oracle.ts'

const publish = (topic: string, more: Partial<OutgoingPublish> = {}): OutgoingPublish => ({
  topic,
  payload: 'x',
  qos: 0,
  retain: false,
  properties: undefined,
  ...more,
})

function decoded(gathered: PacketBuffer): DecodedPublish[] {
  return readAll(gathered.take(), 5).packets as DecodedPublish[]
}

/** Publishes to topics one after the other. @returns what each packet has of its topic: `topic=alias`, `=alias` or `topic` */
function onWire(limits: ServerLimits, ...topics: readonly string[]): string[] {
  const gathered = new PacketBuffer(5, limits)
  for (const topic of topics) gathered.publish(publish(topic), 0, false)
  return decoded(gathered).map(shown)
}

function shown({ topic, topicAlias }: DecodedPublish): string {
  return topicAlias > 0 ? `${topic}=${topicAlias}` : topic
}

describe('topics on the wire', () => {
  test.each([
    ['none allowed', 0, ['room/1', 'room/1'], ['room/1', 'room/1']],
    ['one topic', 5, ['room/1', 'room/1', 'room/1'], ['room/1=1', '=1', '=1']],
    ['two topics in turn', 5, ['room/1', 'room/2', 'room/1', 'room/2'], ['room/1=1', 'room/2=2', '=1', '=2']],
    ['more topics than aliases', 1, ['room/1', 'room/2', 'room/2', 'room/1'], ['room/1=1', 'room/2', 'room/2', '=1']],
    ['topics of 3 and 4 bytes', 5, ['abc', 'abc', 'abcd', 'abcd'], ['abc', 'abc', 'abcd=1', '=1']],
    ['4 bytes of UTF-8', 5, ['éé', 'éé'], ['éé=1', '=1']],
    ['the largest alias', 65_535, ['room/1', 'room/1'], ['room/1=1', '=1']],
  ] as [string, number, string[], string[]][])('%s', (_, topicAliasMaximum, topics, expected) => {
    expect(onWire({ topicAliasMaximum }, ...topics)).toEqual(expected)
  })

  test('each alias has two bytes', () => {
    const topics = range(300).map((n) => `room/${n}`)
    const expected = [...topics.map((topic, i) => `${topic}=${i + 1}`), ...topics.map((_, i) => `=${i + 1}`)]
    expect(onWire({ topicAliasMaximum: 300 }, ...topics, ...topics)).toEqual(expected)
  })

  test('a topic that is published to rarely makes room for another, and gets an alias again later', () => {
    const limits = { topicAliasMaximum: 2 }
    const often = range(199).map(() => 'often')
    const lately = (topic: string) => onWire(limits, 'once', ...often, topic, 'once', 'often', topic).slice(-4)
    expect(lately('other'), 'after as few publishes').toEqual(['other', '=1', '=2', 'other'])
    often.push('often')
    expect(lately('other')).toEqual(['other=1', 'once', '=2', '=1'])
  })

  test('MQTT 3.1.1 has none', () => {
    const gathered = new PacketBuffer(4, { topicAliasMaximum: 5 })
    for (const topic of ['room/1', 'room/1']) gathered.publish(publish(topic), 0, false)
    expect(parseAll(gathered.take(), 4).packets).toMatchObject([{ topic: 'room/1' }, { topic: 'room/1' }])
  })
})

describe('an alias is assigned only by a packet that is sent', () => {
  test.each([
    ['a packet that cannot be encoded', { properties: { messageExpiryInterval: -1 } }],
    ['a packet id out of range', { qos: 1 }],
  ] as [string, Partial<OutgoingPublish>][])('%s assigns none', (_, wrong) => {
    const gathered = new PacketBuffer(5, { topicAliasMaximum: 5 })
    gathered.publish(publish('room/1'), 0, false)
    expect(() => gathered.publish(publish('room/2', wrong), 0, false)).toThrow(UnencodablePacketError)
    for (const topic of ['room/2', 'room/2']) gathered.publish(publish(topic), 0, false)
    expect(decoded(gathered).map(shown)).toEqual(['room/1=1', 'room/2=2', '=2'])
  })

  test('what is sent again has its topic, and no alias', () => {
    const gathered = new PacketBuffer(5, { topicAliasMaximum: 5 })
    const send = (id: number, dup: boolean) => gathered.publish(publish('room/1', { qos: 1 }), id, dup)
    send(1, true)
    send(2, false)
    send(3, true)
    send(4, false)
    expect(decoded(gathered).map(shown)).toEqual(['room/1', 'room/1=1', 'room/1', '=1'])
  })

  test('a packet near the Maximum Packet Size assigns none', () => {
    const message = publish('room/1', { payload: 'x'.repeat(100) })
    const sizes = range(12).map((more) => {
      const maximumPacketSize = publishSize(message, 5) + more
      const gathered = new PacketBuffer(5, { topicAliasMaximum: 5, maximumPacketSize })
      gathered.publish(message, 0, false)
      expect(gathered.size).toBeLessThanOrEqual(maximumPacketSize)
      return gathered.size - publishSize(message, 5)
    })
    expect(sizes.filter((size) => size === 3).length, 'with 9 bytes more it is certain to fit').toBeGreaterThan(0)
    expect(sizes[0]).toBe(0)
  })
})

test('with any publishes, a reader of aliases finds their topics, and no packet is larger than allowed', () => {
  const call = fc.record({
    // Few topics, so that they repeat.
    topic: fc.oneof(fc.constantFrom('a', 'room/1', 'room/2', 'room/3', 'room/4'), topicName),
    qos,
    dup: fc.boolean(),
    id: packetId,
    properties: fc.oneof(fc.constant(undefined), sentProperties, fc.constant({ messageExpiryInterval: -1 })),
    payload: fc.string({ maxLength: 200 }),
  })
  const limits = fc.record({
    topicAliasMaximum: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(65_535)),
    maximumPacketSize: fc.oneof(fc.integer({ min: 20, max: 400 }), fc.constant(Number.POSITIVE_INFINITY)),
  })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 40 }), limits, (calls, { topicAliasMaximum, maximumPacketSize }) => {
      const gathered = new PacketBuffer(5, { topicAliasMaximum, maximumPacketSize })
      const known = new IncomingTopicAliases(topicAliasMaximum)
      for (const { id, dup, ...content } of calls) {
        const isDup = dup && content.qos > 0
        const message = publish(content.topic, content)
        try {
          gathered.publish(message, id, isDup)
        } catch {
          expect(gathered.size).toBe(0)
          continue
        }
        const plain = publishSize(message, 5)
        const size = gathered.size
        const chunks = gathered.take()
        const [ours] = readAll(chunks, 5).packets as DecodedPublish[]
        if (!ours) throw new Error('no PUBLISH')
        expect(parseAll(chunks, 5).packets.map(asDecoded), 'mqtt-packet reads the same').toEqual([ours])
        if (plain <= maximumPacketSize) expect(size).toBeLessThanOrEqual(maximumPacketSize)
        if (ours.topic === '') expect(size).toBeLessThanOrEqual(plain)
        if (isDup) expect(shown(ours)).toBe(content.topic)
        known.resolve(ours)
        expect(ours).toMatchObject({ topic: content.topic, qos: content.qos, dup: isDup })
        expect(ours.payload.toString()).toBe(content.payload)
        expect(ours.properties ?? {}).toEqual(content.properties ?? {})
      }
    }),
    { numRuns: randomCases(60, 3_000) },
  )
})
