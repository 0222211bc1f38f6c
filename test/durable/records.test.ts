import { describe, expect, it, test } from 'vitest'

import {
  decodeHandshake,
  decodeHeader,
  decodeKey,
  decodePublication,
  encodeHandshake,
  encodeHeader,
  encodePublication,
  handshakeKey,
  headerKey,
  publicationKey,
  type StoredPublication,
} from '../../src/durable/records.ts'
import type { PublishProperties } from '../../src/types.ts'
import { fc } from '../testing/property.ts'

const text = fc.string({ unit: 'grapheme' })
const bytes = fc.uint8Array({ maxLength: 600 })
const time = fc.double({ noNaN: true, noDefaultInfinity: true })

const properties: fc.Arbitrary<PublishProperties> = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.integer({ min: 0, max: 0xffffffff }),
    contentType: text,
    responseTopic: text,
    correlationData: bytes,
    userProperties: fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 4 })), { minKeys: 1 }),
  },
  { requiredKeys: [] },
)

const publications: fc.Arbitrary<StoredPublication> = fc
  .record({
    topic: text,
    payload: bytes,
    qos: fc.constantFrom(1 as const, 2 as const),
    retain: fc.boolean(),
    properties: fc.option(properties, { nil: undefined }),
    acceptedAt: time,
    expiresAt: fc.oneof(time, fc.constant(Number.POSITIVE_INFINITY)),
    latest: fc.option(text, { nil: undefined }),
    latestIsTopic: fc.boolean(),
  })
  .map(({ latestIsTopic, ...publication }) =>
    latestIsTopic ? { ...publication, latest: publication.topic } : publication,
  )

describe('a publication', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(publications, (publication) => {
        expect(plain(decodePublication(encodePublication(publication)))).toEqual(plain(publication))
      }),
    )
  })

  it('keeps a text as its UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (payload) => {
        const { payload: stored } = decodePublication(encodePublication({ ...small, payload }))
        expect(Buffer.from(stored as Uint8Array)).toEqual(Buffer.from(payload))
      }),
    )
  })

  it('is refused, or is another one, wherever it is cut or changed, and never anything else', () => {
    fc.assert(
      fc.property(publications, fc.nat(), fc.nat(255), (publication, at, byte) => {
        const encoded = encodePublication(publication)
        const changed = encoded.slice()
        changed[at % encoded.byteLength] = byte
        for (const damaged of [encoded.slice(0, at % encoded.byteLength), changed]) {
          try {
            expect([1, 2]).toContain(decodePublication(damaged).qos)
          } catch (error) {
            if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error
          }
        }
      }),
    )
  })

  it('takes few bytes beside its topic and payload', () => {
    const { byteLength } = encodePublication({ ...small, topic: 'home/kitchen', payload: new Uint8Array(64) })
    expect(byteLength - 12 - 64).toBe(10)
  })

  it('knows no property by a name of JavaScript', () => {
    const userProperties = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    const { properties: decoded } = decodePublication(encodePublication({ ...small, properties: { userProperties } }))
    expect(Object.entries(decoded?.userProperties ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  test.each([
    ['QoS 0', { at: 0, byte: 0 }],
    ['QoS 3', { at: 0, byte: 3 }],
    ['a flag of the future', { at: 0, byte: 0x81 }],
  ])('is refused with %s', (_name, { at, byte }) => {
    const encoded = encodePublication(small)
    encoded[at] = byte
    expect(() => decodePublication(encoded)).toThrow(RangeError)
  })
})

describe('keys', () => {
  it('come back, and are in the order of their sequence', () => {
    const sequences = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(sequences, sequences, (a, b) => {
        expect(decodeKey(publicationKey(a))).toEqual({ kind: 'publication', sequence: a })
        expect(decodeKey(handshakeKey(a))).toEqual({ kind: 'handshake', sequence: a })
        expect(Math.sign(Buffer.compare(publicationKey(a), publicationKey(b)))).toBe(Math.sign(a - b))
        expect(Buffer.compare(headerKey, publicationKey(a))).toBe(-1)
        expect(Buffer.compare(publicationKey(a), handshakeKey(b))).toBe(-1)
      }),
    )
  })

  test.each([[''], ['name'], ['\u0003'], ['\u0001short'], ['\u0000\u0000']])('%j is none of ours', (key) => {
    expect(decodeKey(Buffer.from(key))).toBeUndefined()
  })
})

describe('a handshake', () => {
  it('comes back as it was', () => {
    const packetIds = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(fc.constantFrom('sent' as const, 'released' as const), packetIds, (phase, packetId) => {
        expect(decodeHandshake(encodeHandshake({ phase, packetId }))).toEqual({ phase, packetId })
      }),
    )
  })

  test.each([
    ['no phase', [0, 0, 1]],
    ['another phase', [3, 0, 1]],
    ['packet id 0', [1, 0, 0]],
    ['too little', [1, 0]],
    ['too much', [1, 0, 1, 0]],
  ])('with %s is refused', (_name, value) => {
    expect(() => decodeHandshake(Uint8Array.from(value))).toThrow(RangeError)
  })
})

describe('the header', () => {
  it('keeps the client id', () => {
    expect(decodeHeader(encodeHeader('färber-7'))).toEqual({ format: 1, clientId: 'färber-7' })
  })

  it('tells its format, whatever follows', () => {
    const header = Buffer.from(encodeHeader('x'))
    header[header.indexOf(0) + 1] = 9
    expect(decodeHeader(header)).toEqual({ format: 9, clientId: '' })
  })

  test.each([[''], ['{"version":1}'], ['xstate-mqtt']])('%j is none', (value) => {
    expect(decodeHeader(Buffer.from(value))).toBeUndefined()
  })
})

const small: StoredPublication = {
  topic: 'a',
  payload: new Uint8Array(0),
  qos: 1,
  retain: false,
  properties: undefined,
  acceptedAt: 0,
  expiresAt: Number.POSITIVE_INFINITY,
  latest: undefined,
}

/** `Uint8Array`s of any class as arrays. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map((each) => plain(each))
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
