import { expect, test } from 'vitest'

import { type Ending, IdleTimeouts } from '../../src/mqtt/idle-timeouts.ts'
import { createTestClock } from '../../testing/index.ts'
import { hours } from '../support/machine-scene.ts'

const SERVER = 'mqtt://broker:1883'

/** Silences are given in seconds. */
function scene(keepalive = 60) {
  const clock = createTestClock()
  const learnt: { silence: number; keepalive: number }[] = []
  const timeouts = new IdleTimeouts(
    () => clock.now(),
    (event) => learnt.push(event),
  )
  const opened = (server = SERVER) => timeouts.opened(server, keepalive * 1_000) / 1_000
  const ended = (how: Ending['how'], silence: number, survived = 0, server = SERVER) =>
    timeouts.ended(server, keepalive * 1_000, { how, silence: silence * 1_000, survived: survived * 1_000 })
  return {
    clock,
    timeouts,
    learnt,
    opened,
    ended,
    /** Opens and ends connections. @returns whether the last end was explained */
    closes: (...silences: number[]) => {
      let isExplained = false
      for (const silence of silences) {
        opened()
        isExplained = ended('closed', silence)
      }
      return isExplained
    },
    fails: (...silences: number[]) => {
      for (const silence of silences) {
        opened()
        ended('unanswered', silence)
      }
      return opened()
    },
  }
}

test('uses the keep alive as long as nothing is learnt', () => {
  expect([scene().opened(), scene(0).opened()]).toEqual([60, 0])
})

test.each([
  { closes: [59.9, 59.8], interval: 44.85 },
  { closes: [50, 50.02], interval: 37.5 },
  { closes: [15, 15.9], interval: 11.25 },
  { closes: [4, 4.1], interval: 3 },
  { closes: [20, 59.9, 59.8], interval: 44.85 },
])('closes after $closes s show a timeout: PINGREQ after $interval s', ({ closes, interval }) => {
  const { closes: close, learnt, opened } = scene()
  expect(close(...closes)).toBe(true)
  expect(opened()).toBe(interval)
  expect(learnt).toEqual([{ silence: Math.round((interval / 0.75) * 1_000), keepalive: 60_000 }])
})

test.each([
  { closes: [59.9], why: 'a single close' },
  { closes: [59.9, 50, 59.9], why: 'different silences' },
  { closes: [1.5, 1.5, 1.5], why: 'it may be an answer to what was sent' },
  { closes: [4, 5, 4], why: 'different short silences' },
])('closes after $closes s show nothing: $why', ({ closes }) => {
  const { closes: close, learnt, opened } = scene()
  expect(close(...closes)).toBe(false)
  expect([opened(), learnt]).toEqual([60, []])
})

test('a connection that has survived such a silence was closed for another reason', () => {
  const { opened, ended } = scene()
  for (let i = 0; i < 4; i++) expect(ended('closed', 50, 55)).toBe(false)
  expect(opened()).toBe(60)
})

test('only closes in a row count', () => {
  const { opened, ended } = scene()
  for (let i = 0; i < 4; i++) {
    expect(ended('closed', 50)).toBe(false)
    ended('otherwise', 7)
  }
  expect(opened()).toBe(60)
})

test('learns for each server on its own', () => {
  const { opened, closes } = scene()
  closes(50, 50)
  expect([opened(), opened('mqtt://other:1883')]).toEqual([37.5, 60])
})

test('a keep alive that is off, or longer, is not longer than what was learnt; a shorter one stays', () => {
  const off = scene(0)
  off.closes(50, 50)
  expect(off.opened()).toBe(37.5)
  const short = scene(20)
  short.closes(50, 50)
  expect(short.opened()).toBe(20)
})

test('a shorter timeout replaces a longer one', () => {
  const { closes, opened, learnt } = scene()
  closes(50, 50, 30, 30)
  expect(opened()).toBe(22.5)
  expect(learnt.map(({ silence }) => silence)).toEqual([50_000, 30_000])
})

test('halves the silence after which nothing answers, down to five seconds', () => {
  const { fails, learnt } = scene()
  expect(fails(60)).toBe(30)
  expect(fails(30)).toBe(15)
  expect(fails(15, 7.5, 5, 5)).toBe(5)
  expect(learnt.map(({ silence }) => silence)).toEqual([60_000, 30_000, 15_000, 7_500])
})

test('does not halve if the next attempt fails, because the network is down', () => {
  const { opened, ended, timeouts, learnt } = scene()
  ended('unanswered', 60)
  timeouts.attemptFailed()
  expect([opened(), learnt]).toEqual([60, []])
})

test('takes a connection that has survived such a silence for broken', () => {
  const { opened, ended } = scene()
  for (let i = 0; i < 4; i++) {
    ended('unanswered', 60, 60)
    expect(opened()).toBe(60)
  }
})

test('takes two in a row if other connections have survived such a silence', () => {
  const { opened, ended, fails } = scene()
  ended('otherwise', 7, 60)
  expect(fails(60)).toBe(60)
  ended('otherwise', 7, 60)
  expect(fails(60)).toBe(60)
  expect(fails(60)).toBe(30)
  ended('unanswered', 30)
  expect(opened()).toBe(15)
})

test('tries the keep alive again with the next connection after a day, then after two', () => {
  const { clock, closes, opened, ended, learnt } = scene()
  closes(50, 50)
  clock.tick(hours(24) - 1)
  expect(opened()).toBe(37.5)
  clock.tick(1)
  expect(opened()).toBe(60)
  expect(ended('closed', 50.1)).toBe(true)
  clock.tick(hours(48) - 1)
  expect(opened()).toBe(37.5)
  clock.tick(1)
  expect(opened()).toBe(60)
  // It is already known.
  expect(learnt).toHaveLength(1)
})

test('a trial that ends for another reason is repeated', () => {
  const { clock, closes, opened, ended } = scene()
  closes(50, 50)
  clock.tick(hours(24))
  opened()
  expect(ended('otherwise', 12)).toBe(false)
  expect(opened()).toBe(60)
})

test('forgets a timeout that is gone', () => {
  const { clock, closes, opened, ended } = scene()
  closes(50, 50)
  clock.tick(hours(24))
  opened()
  ended('otherwise', 7, 60)
  expect(opened()).toBe(60)
})

test('returns from a trial that nothing answers', () => {
  const { clock, fails, opened, ended } = scene()
  expect(fails(60)).toBe(30)
  clock.tick(hours(24))
  expect(opened()).toBe(60)
  expect(ended('unanswered', 60)).toBe(true)
  expect(opened()).toBe(30)
})
