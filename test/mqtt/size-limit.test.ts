import { expect, test } from 'vitest'

import { SizeLimit } from '../../src/mqtt/size-limit.ts'
import { fc } from '../support/property.ts'

/** A packet of that size in all, with a content that would be read as a long packet. */
function packet(size: number): Uint8Array {
  for (const lengthBytes of [1, 2, 3, 4]) {
    const remaining = size - 1 - lengthBytes
    if (remaining >= 128 ** lengthBytes) continue
    const length = Array.from({ length: lengthBytes }, (_, i) => {
      const digit = Math.floor(remaining / 128 ** i) % 128
      return i < lengthBytes - 1 ? digit | 0x80 : digit
    })
    return Uint8Array.of(0x30, ...length, ...Array.from({ length: remaining }, () => 0xff))
  }
  throw new Error('too large')
}

/** What it says of bytes that come in chunks of a size. */
function found(limit: number, bytes: Uint8Array, chunk: number): number | undefined {
  const sizes = new SizeLimit(limit)
  for (let at = 0; at < bytes.length; at += chunk) {
    const size = sizes.exceededBy(bytes.subarray(at, at + chunk))
    if (size !== undefined) return size
  }
  return undefined
}

test.each([2, 129, 130, 16_386, 20_000])('a packet of %i bytes passes at that limit, and not below it', (size) => {
  expect(found(size, packet(size), 7)).toBeUndefined()
  expect(found(size - 1, packet(size), 7)).toBe(size)
})

test('it is found by its fixed header alone, before any of its content came', () => {
  const header = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f)
  expect(new SizeLimit(1_000).exceededBy(header)).toBe(5 + 268_435_455)
})

test('a length that is none is left to the parser, and what follows has no meaning', () => {
  expect(found(10, Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x30, 0x7f), 3)).toBeUndefined()
})

test('the first that is too large is found, however the bytes are cut', () => {
  const size = fc.integer({ min: 2, max: 300 })
  fc.assert(
    fc.property(fc.array(size, { maxLength: 20 }), size, fc.integer({ min: 1, max: 50 }), (sizes, limit, chunk) => {
      const bytes = Uint8Array.from(sizes.flatMap((each) => [...packet(each)]))
      expect(found(limit, bytes, chunk)).toBe(sizes.find((each) => each > limit))
    }),
  )
})
