import { expect, test } from 'vitest'

import { measurePacketSize } from '../../../cli/doctor/packet-size.ts'

async function measure(limit: number, options: { wanted: number; announced?: number }) {
  const tried: number[] = []
  const measured = await measurePacketSize(async (bytes) => {
    tried.push(bytes)
    return bytes <= limit ? { passed: true } : { passed: false, code: 0x95 }
  }, options)
  return { ...measured, tried }
}

test.each([
  [268_435_460, { wanted: 1_048_576 }, 1_048_576],
  [268_435_460, { wanted: 1_048_576, announced: 2_048 }, 2_048],
  [0, { wanted: 1_048_576 }, 0],
] as const)('a broker that takes %i, asked for %j', async (limit, options, expected) => {
  const { largest, tried } = await measure(limit, options)
  expect(largest).toBe(expected)
  expect(tried.length).toBeLessThanOrEqual(2)
})

test.each([200, 1_000, 4_096, 65_536, 131_072, 262_144, 1_000_000])('a limit of %i is found', async (limit) => {
  const { largest, stopped, tried } = await measure(limit, { wanted: 1_048_576 })
  expect(largest).toBeLessThanOrEqual(limit)
  expect(stopped?.bytes).toBeGreaterThan(limit)
  expect((stopped?.bytes ?? 0) - largest).toBeLessThanOrEqual(Math.max(16, (stopped?.bytes ?? 0) / 32) + 1)
  expect(tried.length).toBeLessThanOrEqual(13)
})

test('nothing above what the broker announced is tried', async () => {
  const { tried } = await measure(1_000, { wanted: 1_048_576, announced: 50_000 })
  expect(Math.max(...tried)).toBe(50_000)
})
