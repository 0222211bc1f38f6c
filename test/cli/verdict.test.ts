import { expect, test } from 'vitest'

import { missingState } from '../../cli/verdict.ts'
import type { ConnectionState } from '../../src/api/status.ts'

const whole: ConnectionState[] = [
  'connecting',
  'connected',
  'reconnecting',
  'connecting',
  'failed',
  'recovering',
  'refreshingToken',
  'connecting',
  'connected',
  'disconnecting',
  'disconnected',
]

test.each([
  ['the whole outage', whole, undefined],
  ['no recovery', whole.filter((state) => state !== 'recovering'), 'recovering'],
  ['not connected again', whole.slice(0, -3), 'connected'],
  ['connected only once', whole.toSpliced(-3, 1), 'connected'],
  ['no state', [], 'connected'],
] satisfies [string, ConnectionState[], ConnectionState | undefined][])('%s', (_, path, expected) => {
  expect(missingState(path)).toBe(expected)
})
