import type { Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'
import { encoded, packets, smallPacket } from './arbitraries.ts'
import { asDecoded, cut, isData, parseAll, readAll, type Version } from './oracle.ts'

/** What the decoders must make of packets, by mqtt-packet, and what must be passed on. */
function expectSame(sent: readonly Packet[], chunks: readonly Uint8Array[], version: Version): void {
  const read = readAll(chunks, version)
  const oracle = parseAll(chunks, version)
  expect(read.failure).toBeUndefined()
  expect(oracle.failed).toBe(false)
  const data = oracle.packets.filter(isData)
  expect(read.packets.length).toBe(data.length)
  for (const [i, packet] of data.entries()) {
    const { payload: expectedPayload, ...expected } = { payload: undefined, ...asDecoded(packet) }
    const { payload, ...found } = { payload: undefined, ...read.packets[i] }
    expect(found).toEqual(expected)
    // Compared at once: element by element 300 KB take seconds.
    expect(Buffer.compare(payload ?? Buffer.of(), expectedPayload ?? Buffer.of())).toBe(0)
  }
  const control = Buffer.concat(sent.filter((each) => !isData(each)).map((each) => encoded(each, version)))
  expect(read.control.equals(control)).toBe(true)
}

describe.each([3, 4, 5] as const)('protocol version %i', (version) => {
  test('many packets, cut anywhere, are what mqtt-packet makes of them', () => {
    const places = fc.array(fc.nat(2_000_000), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(packets(version), { minLength: 1, maxLength: 8 }), places, (sent, at) => {
        expectSame(sent, cut(Buffer.concat(sent.map((each) => encoded(each, version))), at), version)
      }),
      { numRuns: randomCases(50, 3_000) },
    )
  })

  test('two packets are the same wherever they are cut', () => {
    fc.assert(
      fc.property(smallPacket(version), smallPacket(version), (first, second) => {
        const bytes = Buffer.concat([encoded(first, version), encoded(second, version)])
        const whole = readAll([bytes], version)
        for (let at = 1; at < bytes.length; at++) {
          expect(readAll([bytes.subarray(0, at), bytes.subarray(at)], version)).toEqual(whole)
        }
        expectSame([first, second], [bytes], version)
      }),
      { numRuns: randomCases(8, 400) },
    )
  })

  test('packets are the same when each byte comes by itself', () => {
    fc.assert(
      fc.property(fc.array(smallPacket(version), { maxLength: 4 }), (sent) => {
        const bytes = Buffer.concat(sent.map((each) => encoded(each, version)))
        expectSame(sent, cut(bytes, [...bytes.keys()]), version)
      }),
      { numRuns: randomCases(20, 1_000) },
    )
  })
})

test('a payload and Correlation Data are what `Buffer` is on Node', () => {
  const packet = {
    cmd: 'publish',
    topic: 'a',
    payload: 'text',
    qos: 0,
    dup: false,
    retain: false,
    properties: { correlationData: Buffer.from('b') },
  } as const
  const [publish] = readAll([encoded(packet, 5)], 5).packets
  expect(publish).toMatchObject({ payload: Buffer.from('text'), properties: { correlationData: Buffer.from('b') } })
})

test('a text keeps U+FEFF at its start (MQTT-1.5.4-3)', () => {
  const packet = { cmd: 'publish', topic: '\uFEFFa', payload: '', qos: 0, dup: false, retain: false } as const
  expect(readAll([encoded(packet, 4)], 4).packets).toMatchObject([{ topic: '\uFEFFa' }])
})

test('a User Property may have any name, and each of its values counts', () => {
  const pairs = ['__proto__', '', '__proto__', 'x', 'constructor', '']
  const properties: number[] = []
  for (let i = 0; i < pairs.length; i += 2) {
    const [name = '', value = ''] = pairs.slice(i)
    properties.push(0x26, 0, name.length, ...Buffer.from(name), 0, value.length, ...Buffer.from(value))
  }
  const body = [0, 1, 0x61, properties.length, ...properties]
  const [publish] = readAll([Uint8Array.of(0x30, body.length, ...body)], 5).packets
  const found = publish && 'properties' in publish ? publish.properties?.userProperties : undefined
  expect(Object.entries(found ?? {})).toEqual([
    ['__proto__', ['', 'x']],
    ['constructor', ''],
  ])
})
