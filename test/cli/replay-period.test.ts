import { describe, expect, test } from 'vitest'

import { partOf, type Period } from '../../cli/replay/period.ts'
import { readRecordings } from '../../testing/replay/read-recording.ts'
import { timedLines } from '../../testing/replay/timed-lines.ts'
import { outage } from '../support/recorded-outage.ts'

/** The recording of an outage lasts 3 min 7.255 s. There is a step every 30 s at least. */
async function runs(...begins: readonly string[]) {
  const text = await outage()
  const shifted = begins.map((begin, index) => {
    const by = Date.parse(`${begin}Z`) - Date.UTC(2026, 10, 28, 18)
    return text
      .replaceAll(/"now":(\d+)/g, (_, now) => `"now":${Number(now) + by}`)
      .replace(/"run":"[^"]*"/, `"run":"r${index}"`)
  })
  return readRecordings(shifted.join('\n')).recordings
}

async function part(begins: readonly string[], { from, until }: Partial<Period>) {
  const found = partOf(await runs(...begins), { from, until })
  const iso = (time: number) => new Date(time).toISOString().slice(0, 19)
  return {
    from: iso(found.from),
    until: iso(found.until),
    runs: found.recordings.map(({ header, lines }) => [header.run, iso(timedLines(lines).at(-1)?.at ?? 0)]),
  }
}

describe('a time of day', () => {
  const overMidnight = ['2026-11-28T23:58:30']
  test.each([
    ['before and after midnight', { from: '23:59', until: '00:01' }, '2026-11-28T23:59:00', '2026-11-29T00:01:00'],
    ['from after midnight', { from: '00:00:30' }, '2026-11-29T00:00:30', '2026-11-29T00:01:37'],
    ['until after midnight', { until: '00:00:31' }, '2026-11-28T23:58:30', '2026-11-29T00:00:31'],
    ['until before midnight', { until: '23:59' }, '2026-11-28T23:58:30', '2026-11-28T23:59:00'],
    ['around all of it', { from: '23:50', until: '00:10' }, '2026-11-28T23:58:30', '2026-11-29T00:01:37'],
  ])('%s', async (_name, period, from, until) => {
    expect(await part(overMidnight, period)).toMatchObject({ from, until })
  })

  test.each([
    ['from after its end', { from: '00:10' }],
    ['until before its begin', { until: '23:50' }],
    ['without a step between', { from: '23:59:01', until: '23:59:02' }],
  ])('%s: nothing was recorded', async (_name, period) => {
    await expect(part(overMidnight, period)).rejects.toThrow('nothing was recorded between --from and --until')
  })

  test('is on the day of a recording of one day, also if nothing was recorded then', async () => {
    const begins = ['2026-11-28T18:00:00']
    expect(await part(begins, { from: '05:00' })).toMatchObject({ from: '2026-11-28T18:00:00' })
    await expect(part(begins, { until: '05:00' })).rejects.toThrow('nothing was recorded')
  })
})

describe('two runs on different days', () => {
  const begins = ['2026-11-28T23:00:00', '2026-12-01T22:59:00']

  test('each has its own time of day', async () => {
    expect(await part(begins, { until: '23:01' })).toEqual({
      from: '2026-11-28T23:00:00',
      until: '2026-12-01T23:01:00',
      runs: [
        ['r0', '2026-11-28T23:00:30'],
        ['r1', '2026-12-01T22:59:30'],
      ],
    })
  })

  test('the times are those of the runs that are left', async () => {
    expect(await part(begins, { from: '2026-12-01' })).toEqual({
      from: '2026-12-01T22:59:00',
      until: '2026-12-01T23:02:07',
      runs: [['r1', '2026-12-01T23:02:07']],
    })
  })
})
