import { expect, test } from 'vitest'

import { isEqual, share } from '../../react/share.ts'

test.each<[one: unknown, other: unknown, equal: boolean]>([
  [1, 1, true],
  [Number.NaN, Number.NaN, true],
  [null, undefined, false],
  [{}, [], false],
  [{ a: 1 }, { a: 1 }, true],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: undefined }, { b: undefined }, false],
  [{ a: 1 }, { a: 1, b: undefined }, false],
  [{ a: 1, b: 2 }, { a: 1 }, false],
  [[1, [2]], [1, [2]], true],
  [[1, 2], [1], false],
  [{ list: [{ a: null }] }, { list: [{ a: null }] }, true],
  [new Map(), new Map(), false],
  [new Date(0), new Date(0), false],
])('%j and %j are equal: %j', (one, other, equal) => {
  expect(isEqual(one, other)).toBe(equal)
})

test('a copy has the parts that are equal as the same objects', () => {
  const before = { outbox: { size: 0 }, servers: [{ name: 'a' }, { name: 'b' }] }
  const after = share(before, { outbox: { size: 0 }, servers: [{ name: 'a' }, { name: 'c' }] })
  expect(after).toEqual({ outbox: { size: 0 }, servers: [{ name: 'a' }, { name: 'c' }] })
  expect(after.outbox).toBe(before.outbox)
  expect(after.servers[0]).toBe(before.servers[0])
  expect(before.servers[1]).toEqual({ name: 'b' })
})
