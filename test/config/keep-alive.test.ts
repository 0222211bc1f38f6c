import { expect, test } from 'vitest'

import { keepAliveOf } from '../../src/config/keep-alive.ts'

test.each([
  ['mqtt://broker', 60_000],
  ['mqtts://broker', 60_000],
  ['ws://broker/mqtt', 50_000],
  ['wss://broker/mqtt', 50_000],
])('the keep alive of a connection to %s is %d ms by default', (url, keepalive) => {
  expect(keepAliveOf(url, {})).toBe(keepalive)
  expect(keepAliveOf(url, { keepalive: 90_000 })).toBe(90_000)
  expect(keepAliveOf(url, { keepalive: 0 })).toBe(0)
})
