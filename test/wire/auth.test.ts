import { generate, parser } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import { type Auth, decodeAuth, encodeAuth } from '../../src/wire/auth.ts'
import { Framer } from '../../src/wire/framer.ts'

const method = 'SCRAM-SHA-256'

function decoded(bytes: Uint8Array) {
  const framer = new Framer()
  framer.push(bytes)
  expect(framer.next()).toBe('auth')
  return decodeAuth(framer.frame)
}

describe('an AUTH', () => {
  test.each<[string, Auth]>([
    ['without data', { reasonCode: 0x19, method, data: undefined }],
    ['with empty data', { reasonCode: 0x18, method, data: new Uint8Array() }],
    ['with data', { reasonCode: 0x18, method: 'ä', data: Uint8Array.of(0, 255) }],
    ['with as much data as fits', { reasonCode: 0x18, method: 'x'.repeat(65_535), data: new Uint8Array(65_535) }],
  ])('%s is what mqtt-packet writes and reads', (_, auth) => {
    const properties = {
      authenticationMethod: auth.method ?? '',
      ...(auth.data && { authenticationData: Buffer.from(auth.data) }),
    }
    const bytes = encodeAuth(auth)
    const packet = { cmd: 'auth' as const, reasonCode: auth.reasonCode, properties }
    expect(Buffer.compare(bytes, generate(packet, { protocolVersion: 5 }))).toBe(0)
    expect(decoded(bytes)).toEqual(auth)
    const read: unknown[] = []
    parser({ protocolVersion: 5 })
      .on('packet', (each) => read.push(each.cmd))
      .parse(Buffer.from(bytes))
    expect(read).toEqual(['auth'])
  })

  test.each<[string, readonly number[], Partial<Auth>]>([
    ['no content', [0xf0, 0], { reasonCode: 0, method: undefined }],
    ['a code only', [0xf0, 1, 0x18], { reasonCode: 0x18, method: undefined }],
    ['an unknown code', [0xf0, 2, 0x99, 0], { reasonCode: 0x99 }],
    ['a reason string', [0xf0, 6, 0x18, 4, 0x1f, 0, 1, 0x61], { reasonCode: 0x18 }],
    ['a user property', [0xf0, 9, 0x18, 7, 0x26, 0, 1, 0x61, 0, 1, 0x62], { reasonCode: 0x18 }],
  ])('with %s is read', (_, bytes, auth) => {
    expect(decoded(Uint8Array.from(bytes))).toMatchObject(auth)
  })

  test.each<[string, readonly number[], string]>([
    ['flags', [0xf1, 0], 'AUTH with invalid flags'],
    ['a wrong length', [0xf0, 2, 0x18, 9], 'AUTH with a length beyond its end'],
    ['bytes behind it', [0xf0, 3, 0x18, 0, 0], 'AUTH with bytes behind its last field'],
    ['two methods', [0xf0, 10, 0x18, 8, 0x15, 0, 1, 0x61, 0x15, 0, 1, 0x61], 'AUTH with a property twice'],
    ['a Topic Alias', [0xf0, 5, 0x18, 3, 0x23, 0, 1], 'AUTH with a property that it can not have'],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decoded(Uint8Array.from(bytes))).toThrow(message)
  })

  test('keeps nothing of the chunk in its data', () => {
    const bytes = encodeAuth({ reasonCode: 0x18, method, data: Uint8Array.of(1) })
    const { data } = decoded(bytes)
    bytes.fill(0)
    expect(data).toEqual(Uint8Array.of(1))
  })
})
