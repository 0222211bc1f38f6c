import { describe, expect, test } from 'vitest'

import type { PacketRule } from '../../src/wire/invalid-packet.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'
import { encoded, smallPacket } from './arbitraries.ts'
import { asDecoded, cut, isData, parseAll, type Read, readAll, type Version } from './oracle.ts'

/** Noise, and packets with wrong bytes. */
const noise = (version: Version) =>
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(
        fc.array(smallPacket(version), { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      )
      .map(([sent, changes]) => {
        const bytes = Buffer.concat(sent.map((packet) => encoded(packet, version)))
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
      }),
  )

/** One data packet whose content was changed or cut, with the right Remaining Length. */
const damaged = (version: Version) =>
  fc
    .tuple(
      smallPacket(version).filter(isData),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }),
      fc.option(fc.nat(200)),
    )
    .map(([packet, changes, length]) => {
      const bytes = encoded(packet, version)
      const content = Buffer.from(bytes.subarray(bytes.findIndex((byte, at) => at > 0 && byte < 0x80) + 1))
      for (const [at, value] of changes) if (content.length > 0) content[at % content.length] = value
      const kept = content.subarray(0, length === null ? content.length : length % (content.length + 1))
      const header = kept.length < 128 ? [kept.length] : [(kept.length & 0x7f) | 0x80, kept.length >> 7]
      return Buffer.concat([bytes.subarray(0, 1), Buffer.of(...header), kept])
    })

/** What mqtt-packet does not check. test/wire/invalid.test.ts has a case and a clause for each. */
const UNCHECKED: ReadonlySet<PacketRule> = new Set([
  'truncated',
  'trailingBytes',
  'packetIdentifier',
  'utf8',
  'nullCharacter',
  'topicEmpty',
  'topicWildcard',
  'propertyNotAllowed',
  'propertyTwice',
  'payloadFormatIndicator',
  'subscriptionIdentifier',
  'responseTopicWildcard',
  'topicAliasInvalid',
])

/** The codes that mqtt-packet takes. We take all: test/wire/invalid.test.ts. */
const OF_MESSAGES: ReadonlySet<number> = new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
const OF_RELEASES: ReadonlySet<number> = new Set([0, 0x92])

function hasUnknownCode(packet: Read['packets'][number]): boolean {
  if (!('reasonCode' in packet)) return false
  const known = packet.type === 'puback' || packet.type === 'pubrec' ? OF_MESSAGES : OF_RELEASES
  return !known.has(packet.reasonCode)
}

describe.each([3, 4, 5] as const)('protocol version %i', (version) => {
  test('whatever bytes come, the end is packets or a typed failure, however they are cut', () => {
    fc.assert(
      fc.property(noise(version), fc.array(fc.nat(300), { maxLength: 5 }), (bytes, places) => {
        const whole = readAll([bytes], version, 100_000)
        const parts = readAll(cut(bytes, places), version, 100_000)
        expect(parts.packets).toEqual(whole.packets)
        expect(parts.failure?.rule).toBe(whole.failure?.rule)
        // A control packet that is wrong is passed on as far as it came.
        expect(parts.control.subarray(0, whole.control.length)).toEqual(whole.control)
      }),
      { numRuns: randomCases(150, 20_000) },
    )
  })

  test('what mqtt-packet refuses is refused, and what it does not check is checked by a rule', () => {
    fc.assert(
      fc.property(damaged(version), (bytes) => {
        const { failure, packets } = readAll([bytes], version)
        const oracle = parseAll([bytes], version)
        if (oracle.failed) expect(failure !== undefined || packets.some(hasUnknownCode)).toBe(true)
        else if (failure) expect(UNCHECKED).toContain(failure.rule)
        else expect(packets).toEqual(oracle.packets.map(asDecoded))
      }),
      { numRuns: randomCases(150, 20_000) },
    )
  })
})
