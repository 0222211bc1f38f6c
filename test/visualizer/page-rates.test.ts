import { afterEach, expect, test, vi } from 'vitest'
import { createActor } from 'xstate'

import { rateWords, ratesOf } from '../../visualizer/page/src/model/rates.ts'
import type { StatsMessage } from '../../visualizer/protocol.ts'
import { Recorder } from '../../visualizer/record/recorder.ts'
import { Sampler } from '../../visualizer/record/sampler.ts'
import { downsample } from '../../visualizer/shared/downsample.ts'
import { lamp } from '../support/lamp.ts'

afterEach(() => void vi.useRealTimers())

const sample = (time: number, total: number) => ({ time, total })

test.each<[string, ReturnType<typeof sample>[], number[]]>([
  ['without samples, there are no rates', [], []],
  ['one sample is not enough for a rate', [sample(0, 5)], []],
  [
    'a rate is the messages per second between two samples',
    [sample(0, 0), sample(1_000, 3), sample(3_000, 4)],
    [3, 0.5],
  ],
  ['the rate is 0 without messages', [sample(0, 7), sample(1_000, 7)], [0]],
  ['a new client counts from zero', [sample(0, 700), sample(1_000, 4)], [4]],
  ['of two samples of the same time, the later one counts', [sample(0, 0), sample(0, 9), sample(1_000, 10)], [1]],
])('%s', (_, samples, rates) => {
  expect(ratesOf(samples, 0, 10_000).map(({ rate }) => rate)).toEqual(rates)
})

test('only rates in the visible time are computed', () => {
  const samples = [0, 1, 2, 3, 4].map((second) => sample(second * 1_000, second))
  expect(ratesOf(samples, 1_500, 2_500).map(({ start, end }) => [start, end])).toEqual([
    [1_000, 2_000],
    [2_000, 3_000],
  ])
})

test.each([
  [0.0333, '0.03/s'],
  [0.5, '0.5/s'],
  [7.25, '7.3/s'],
  [1204.4, '1,204/s'],
])('the rate %d is shown as %s', (rate, words) => {
  expect(rateWords(rate)).toBe(words)
})

test('messages after a pause do not count for the pause', () => {
  vi.useFakeTimers({ now: 1_000_000 })
  const reported: StatsMessage[] = []
  const recorder = new Recorder({
    allowCommands: false,
    onRecorded: ({ type, read }) => {
      if (type === '@xstate-mqtt.stats') reported.push(read() as StatsMessage)
    },
  })
  const totals = [10, 20, 20, 20, 20, 120, 120]
  const stop = new Sampler(recorder).watch(createActor(lamp).start(), () => ({ received: totals.shift() ?? 120 }))
  vi.advanceTimersByTime(6_000)
  stop()
  const samples = reported.map(({ createdAt, stats }) => sample(Number(createdAt) - 1_000_000, stats.received ?? 0))
  expect(samples).toEqual([sample(0, 10), sample(1_000, 20), sample(4_000, 20), sample(5_000, 120)])
  expect(ratesOf(samples, 0, 6_000).map(({ rate }) => rate)).toEqual([10, 0, 100])
})

test('old samples are removed gradually, so that weeks fit into a limited number of samples', () => {
  let samples: number[][] = []
  for (let second = 0; second < 14 * 86_400; second++) {
    samples.push([second])
    if (samples.length > 600) samples = downsample(samples, ([time]) => time ?? 0, 600)
  }
  const times = samples.map(([time]) => time ?? 0)
  const now = times.at(-1) ?? 0
  expect(times.slice(-15)).toEqual(Array.from({ length: 15 }, (_, index) => now - 14 + index))
  const gaps = times.slice(1).map((time, index) => ({ age: now - time, gap: time - (times[index] ?? 0) }))
  for (const { age, gap } of gaps.filter(({ age: old }) => old > 60)) expect(gap / age).toBeLessThan(0.1)
  expect(now - (times[0] ?? 0), 'the samples cover more than two days').toBeGreaterThan(2 * 86_400)
})
