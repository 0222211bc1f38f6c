import { describe, expect, it, test } from 'vitest'

import type { PublishProperties } from '../../src/api/message.ts'
import {
  decodeHandshake,
  decodeLedger,
  decodeHeader,
  decodeKey,
  decodePublication,
  encodePublication,
  handshakeKey,
  handshakeRecord,
  headerRecord,
  ledgerRecord,
  publicationKey,
  publicationRecord,
  quarantineRecord,
  unseal,
  type StoredPublication,
} from '../../src/store/records.ts'
import { fc } from '../support/property.ts'

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

const text = fc.string({ unit: 'grapheme' })
/** Strings of any code points. For its unit `binary`, fast-check builds a table of all of them, which takes a second. */
const codePoint = fc.integer({ min: 0, max: 0x10ffff - 0x800 }).map((n) => (n < 0xd800 ? n : n + 0x800))
const anyText = fc.array(codePoint).map((points) => String.fromCodePoint(...points))
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
        expect(plain(decodePublication(written(publication)))).toEqual(plain(publication))
      }),
    )
  })

  it('stores a string as UTF-8', () => {
    fc.assert(
      fc.property(anyText, (payload) => {
        const { payload: stored } = decodePublication(written({ ...small, payload }))
        expect(Buffer.from(stored as Uint8Array)).toEqual(Buffer.from(payload))
      }),
    )
  })

  test.each([0, 1, 126, 127, 128, 129, 300, 16_383, 16_384, 65_000])(
    'comes back with texts of %i characters, ASCII or not',
    (length) => {
      for (const topic of ['x'.repeat(length), `${'x'.repeat(Math.max(0, length - 1))}ä`]) {
        const publication = { ...small, topic, properties: { userProperties: { name: topic } } }
        expect(plain(decodePublication(written(publication)))).toEqual(plain(publication))
      }
    },
  )

  it('keeps its bytes when others are encoded after it, whatever their sizes', () => {
    const sizes = [0, 1, 4_000, 4_096, 16_300, 16_384, 100_000, 64, 300_000, 3]
    const payloads = sizes.flatMap((size) => [size, size + 1]).map((size, n) => new Uint8Array(size).fill(n + 1))
    const encoded = payloads.map((payload) => encodePublication({ ...small, payload }))
    // Much faster than `toEqual`.
    const isKept = encoded.map((each, n) => {
      return Buffer.compare(decodePublication(each.slice(0, -4)).payload as Uint8Array, payloads[n] ?? each) === 0
    })
    expect(isKept).not.toContain(false)
  })

  it('shares no buffer if it is large, and keeps no large buffer if it is small', () => {
    const buffers = [100_000, 5_000, 10].map((size) => {
      return encodePublication({ ...small, payload: new Uint8Array(size) }).buffer.byteLength
    })
    expect(buffers[0]).toBeLessThan(100_000 + 100)
    expect(buffers[1]).toBeLessThan(5_000 + 100)
    expect(buffers[2]).toBeLessThanOrEqual(16_384)
  })

  it('is rejected or decoded to another publication wherever it is cut or changed', () => {
    fc.assert(
      fc.property(publications, fc.nat(), fc.nat(255), (publication, at, byte) => {
        const encoded = written(publication)
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

  it('needs few bytes besides its topic and payload', () => {
    const { byteLength } = encodePublication({ ...small, topic: 'home/kitchen', payload: new Uint8Array(64) })
    expect(byteLength - 12 - 64).toBe(10 + 4)
  })

  it('treats names of JavaScript’s own properties as ordinary names', () => {
    const userProperties = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    const { properties: decoded } = decodePublication(written({ ...small, properties: { userProperties } }))
    expect(Object.entries(decoded?.userProperties ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  test.each([
    ['QoS 0', { at: 0, byte: 0 }],
    ['QoS 3', { at: 0, byte: 3 }],
    ['a flag of the future', { at: 0, byte: 0x81 }],
  ])('is rejected with %s', (_name, { at, byte }) => {
    const encoded = written(small)
    encoded[at] = byte
    expect(() => decodePublication(encoded)).toThrow(RangeError)
  })
})

describe('keys', () => {
  it('are decoded, and sort by their sequence', () => {
    const sequences = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(sequences, sequences, (a, b) => {
        expect(decodeKey(publicationKey(a))).toEqual({ kind: 'publication', sequence: a })
        expect(decodeKey(handshakeKey(a))).toEqual({ kind: 'handshake', sequence: a })
        expect(Math.sign(Buffer.compare(publicationKey(a), publicationKey(b)))).toBe(Math.sign(a - b))
        expect(Buffer.compare(headerRecord('').key, publicationKey(a))).toBe(-1)
        expect(Buffer.compare(publicationKey(a), handshakeKey(b))).toBe(-1)
      }),
    )
  })

  test.each([[''], ['name'], ['\u0003'], ['\u0005'], ['\u0001short'], ['\u0000\u0000']])(
    '%j is not accepted',
    (key) => {
      expect(decodeKey(Buffer.from(key))).toBeUndefined()
    },
  )
})

describe('a handshake', () => {
  it('comes back as it was', () => {
    const packetIds = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(fc.constantFrom('sent' as const, 'released' as const), packetIds, (phase, packetId) => {
        const { key, value } = handshakeRecord(1, { phase, packetId })
        expect(decodeHandshake(unseal(key, value).body)).toEqual({ phase, packetId })
      }),
    )
  })

  test.each([
    ['no phase', [0, 0, 1]],
    ['another phase', [3, 0, 1]],
    ['packet id 0', [1, 0, 0]],
    ['too few bytes', [1, 0]],
    ['too many bytes', [1, 0, 1, 0]],
  ])('is rejected with %s', (_name, value) => {
    expect(() => decodeHandshake(Uint8Array.from(value))).toThrow(RangeError)
  })
})

describe('a checksum', () => {
  test.each([
    ['header', headerRecord('client')],
    ['publication', publicationRecord(1, encodePublication({ ...small, payload: 'payload' }))],
    ['handshake', handshakeRecord(1, { phase: 'sent', packetId: 7 })],
    ['quarantine', quarantineRecord(1)],
    ['ledger', ledgerRecord({ batches: 300, lastSequence: 200, publications: 1, others: 2, sum: 0xffffffff })],
  ])('of the record %s detects any changed bit of it and of its key', (_name, { key, value }) => {
    expect(() => unseal(key, value)).not.toThrow()
    for (const part of [key, value]) {
      for (let bit = 0; bit < part.byteLength * 8; bit++) {
        part[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => unseal(key, value)).toThrow(RangeError)
        part[bit >> 3]! ^= 1 << (bit & 7)
      }
    }
  })
})

test('the ledger is decoded as it was', () => {
  const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const sum = fc.integer({ min: 0, max: 0xffffffff })
  const ledgers = fc.record({ batches: number, lastSequence: number, publications: number, others: number, sum })
  fc.assert(
    fc.property(ledgers, (ledger) => {
      const { key, value } = ledgerRecord(ledger)
      expect(decodeLedger(unseal(key, value).body)).toEqual(ledger)
    }),
  )
})

describe('the header', () => {
  it('keeps the client id', () => {
    expect(decodeHeader(headerRecord('färber-7').value)).toEqual({ format: 2, clientId: 'färber-7' })
  })

  it('contains its format, whatever follows', () => {
    const header = Buffer.from(headerRecord('x').value)
    header[header.indexOf(0) + 1] = 9
    expect(decodeHeader(header)).toEqual({ format: 9, clientId: '' })
  })

  test.each([[''], ['{"version":1}'], ['xstate-mqtt']])('is not %j', (value) => {
    expect(decodeHeader(Buffer.from(value))).toBeUndefined()
  })
})

/** The value without its checksum. */
function written(publication: StoredPublication): Uint8Array {
  return encodePublication(publication).slice(0, -4)
}

/** Converts `Uint8Array`s of any class to arrays. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map((each) => plain(each))
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
