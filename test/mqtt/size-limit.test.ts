import { expect, test } from 'vitest'

import { SizeLimit } from '../../src/mqtt/size-limit.ts'
import { fc } from '../support/property.ts'

/** A packet with this total size. Its content looks like a long packet. */
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

/** The result for bytes that arrive in chunks of a size. */
function found(limit: number, bytes: Uint8Array, chunk: number): number | undefined {
  const sizes = new SizeLimit(limit)
  for (let at = 0; at < bytes.length; at += chunk) {
    const size = sizes.exceededBy(bytes.subarray(at, at + chunk))
    if (size !== undefined) return size
  }
  return undefined
}

test.each([2, 129, 130, 16_386, 20_000])('accepts a packet of %i bytes at that limit, and rejects it below', (size) => {
  expect(found(size, packet(size), 7)).toBeUndefined()
  expect(found(size - 1, packet(size), 7)).toBe(size)
})

test('rejects a packet at its fixed header, before its content arrives', () => {
  const header = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f)
  expect(new SizeLimit(1_000).exceededBy(header)).toBe(5 + 268_435_455)
})

test('leaves an invalid length to the parser, and ignores the bytes after it', () => {
  expect(found(10, Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x30, 0x7f), 3)).toBeUndefined()
})

test('finds the first packet that is too large, however the bytes are split', () => {
  const size = fc.integer({ min: 2, max: 300 })
  fc.assert(
    fc.property(fc.array(size, { maxLength: 20 }), size, fc.integer({ min: 1, max: 50 }), (sizes, limit, chunk) => {
      const bytes = Uint8Array.from(sizes.flatMap((each) => [...packet(each)]))
      expect(found(limit, bytes, chunk)).toBe(sizes.find((each) => each > limit))
    }),
  )
})
