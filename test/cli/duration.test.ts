import { expect, test } from 'vitest'

import { inSeconds, inWords, parseCount, parseDuration } from '../../cli/duration.ts'

test.each([
  ['120000', 120_000],
  ['300s', 300_000],
  ['5m', 300_000],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['.5 s', 500],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0', 0],
])('parseDuration(%j)', (text, expected) => {
  expect(parseDuration('--max', text)).toBe(expected)
})

test.each(['', 's', '5x', '-5s', '1e3', 'Infinity', 'NaN', '5 5s'])('parseDuration rejects %j', (text) => {
  expect(() => parseDuration('--max', text)).toThrow('--max must be a duration')
})

test.each([
  ['10', 10],
  ['0', 0],
  ['Infinity', Infinity],
  ['unlimited', Infinity],
])('parseCount(%j)', (text, expected) => {
  expect(parseCount('--attempts', text)).toBe(expected)
})

test.each(['', '1.5', '-1', 'ten'])('parseCount rejects %j', (text) => {
  expect(() => parseCount('--attempts', text)).toThrow('--attempts must be a whole number')
})

test.each([
  [750, '0.75 s'],
  [1_000, '1 s'],
  [95_250, '95.25 s'],
  [365_250, '365 s'],
  [12_811_000, '12,811 s'],
])('inSeconds(%i)', (milliseconds, expected) => {
  expect(inSeconds(milliseconds)).toBe(expected)
})

test.each([
  [750, '0.75 s'],
  [60_000, '1 min'],
  [365_250, '6 min 5 s'],
  [12_811_000, '3 h 33 min'],
  [172_800_000, '2 d'],
])('inWords(%i)', (milliseconds, expected) => {
  expect(inWords(milliseconds)).toBe(expected)
})
