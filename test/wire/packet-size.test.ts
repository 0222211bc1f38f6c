import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'

import { parseProperties } from '../../src/config/publish-properties.ts'
import type { Link } from '../../src/session/link.ts'
import { Publication } from '../../src/session/outgoing/publication.ts'
import { publishSize } from '../../src/wire/encoded-size.ts'
import { inPackets } from '../../src/wire/filter-packets.ts'
import { filterPacketSize } from '../../src/wire/packet-size.ts'
import { fc } from '../support/property.ts'

/** Any UTF-16, including lone surrogates. */
const anyText = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength }),
    fc.array(fc.integer({ min: 0x20, max: 0xffff }), { maxLength }).map((units) => String.fromCharCode(...units)),
  )
/** Valid MQTT strings. */
const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength }).filter((it) => !it.includes('\0'))
const topic = text(300).filter((it) => it !== '')
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const payload = fc.oneof(
  anyText(500),
  bytes(500),
  fc.integer({ min: 100, max: 20_000 }).map((n) => 'x'.repeat(n)),
)
const properties = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.nat(0xffffffff),
    responseTopic: fc.string({ minLength: 1 }).filter((it) => !/[+#\0]/.test(it)),
    correlationData: bytes(100),
    contentType: text(50),
    userProperties: fc.dictionary(text(20), fc.oneof(text(20), fc.array(text(20), { maxLength: 3 }))),
  },
  { requiredKeys: [] },
)
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const protocolVersion = fc.constantFrom(4 as const, 5 as const)

test('computes the size of a PUBLISH on the wire', () => {
  fc.assert(
    fc.property(topic, payload, qos, properties, protocolVersion, (topicName, content, level, props, version) => {
      const checked = parseProperties(props)
      const packet = { topic: topicName, payload: content, qos: level, retain: false, properties: checked }
      const wire = generate(
        { cmd: 'publish', dup: false, messageId: 1, ...packet, properties: checked as object },
        { protocolVersion: version },
      )
      expect(publishSize(packet, version)).toBe(wire.length)
    }),
    { numRuns: 500 },
  )
})

test('counts the bytes of a publication’s topic and payload', () => {
  fc.assert(
    fc.property(topic, payload, (topicName, content) => {
      const publication = new Publication({
        topic: topicName,
        payload: content,
        qos: 0,
        retain: false,
        properties: undefined,
        acceptedAt: 0,
        expiresAt: 0,
        latest: undefined,
        durable: false,
        resolve: () => {},
        reject: () => {},
      })
      expect(publication.bytes).toBe(Buffer.byteLength(topicName) + Buffer.byteLength(content))
    }),
  )
})

const link = (version: 4 | 5, maximumPacketSize: number) =>
  ({
    protocolVersion: version,
    limits: { maximumPacketSize, subscriptionIdentifiersAvailable: version === 5 },
  }) as unknown as Link

const identifier = fc.constantFrom(undefined, 1, 127, 128, 20_000)

const userText = fc.string({ maxLength: 100 })
// Without the names that an object has already: mqtt-packet looks for them in prototypes.
const userName = userText.filter((name) => !(name in {}))
const userProperties = fc.option(
  fc.dictionary(userName, fc.oneof(userText, fc.array(userText, { minLength: 1, maxLength: 3 })), {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  }),
  { nil: undefined },
)

test('computes the sizes of SUBSCRIBE and UNSUBSCRIBE on the wire', () => {
  fc.assert(
    fc.property(
      fc.array(topic, { minLength: 1, maxLength: 200 }),
      protocolVersion,
      identifier,
      userProperties,
      (filters, version, id, texts) => {
        const messageId = 1
        const options = { protocolVersion: version }
        const own = { link: link(version, 0), userProperties: texts }
        const identified = id !== undefined && { identifier: id }
        const user = texts && { userProperties: texts }
        const both = { ...user, ...(id !== undefined && { subscriptionIdentifier: id }) }
        const subscriptions = filters.map((filter) => ({ topic: filter, qos: 1 as const }))
        const subscribe = generate({ cmd: 'subscribe', messageId, subscriptions, properties: both }, options)
        const unsubscribe = generate(
          { cmd: 'unsubscribe', messageId, unsubscriptions: filters, properties: { ...user } },
          options,
        )
        expect(filterPacketSize({ kind: 'subscribe', ...own, ...identified }, filters)).toBe(subscribe.length)
        expect(filterPacketSize({ kind: 'unsubscribe', ...own }, filters)).toBe(unsubscribe.length)
      },
    ),
    { numRuns: 100 },
  )
})

test('distributes filters over packets in order, without exceeding size or count', () => {
  const filters = fc.array(fc.string({ minLength: 1, maxLength: 100 }), { maxLength: 300 })
  fc.assert(
    fc.property(filters, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 10, max: 3_000 }), (all, most, size) => {
      const kind = { kind: 'subscribe', link: link(5, size), identifier: 300 } as const
      const packets = inPackets(kind, all, String, most)
      expect(packets.flat()).toEqual(all)
      for (const packet of packets) {
        expect(packet.length).toBeGreaterThan(0)
        expect(packet.length).toBeLessThanOrEqual(most)
        const bytesOfPacket = filterPacketSize(kind, packet)
        expect(packet.length === 1 || bytesOfPacket <= size).toBe(true)
      }
    }),
  )
})
