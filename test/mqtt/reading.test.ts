import type { MqttClient } from 'mqtt'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'

import { Reading } from '../../src/mqtt/reading.ts'
import { createTestClock } from '../../testing/index.ts'

function scene({ readableObjectMode = false } = {}) {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), readableObjectMode })
  const clock = createTestClock()
  const pings: number[] = []
  let isAwaiting = false
  const reading = new Reading(stream as MqttClient['stream'], clock, {
    isAwaitingAnswer: () => isAwaiting,
    pingreq: () => {
      pings.push(clock.now())
      isAwaiting = true
      reading.listen()
    },
  })
  stream.on('data', () => {})
  return { stream, clock, pings, reading, await: (answer: boolean) => (isAwaiting = answer) }
}

test('a socket is paused when the messages of a chunk are handled, and resumed on request', () => {
  const { stream, reading } = scene()
  reading.handled()
  reading.pause()
  expect(stream.isPaused()).toBe(false)
  reading.handled()
  expect(stream.isPaused()).toBe(true)
  reading.resume()
  expect(stream.isPaused()).toBe(false)
})

test('a socket is read as long as an answer is awaited', () => {
  const { stream, reading, await: answerIs } = scene()
  reading.pause()
  answerIs(true)
  reading.handled()
  expect(stream.isPaused()).toBe(false)
  answerIs(false)
  reading.handled()
  reading.sent()
  expect(stream.isPaused()).toBe(true)
  answerIs(true)
  reading.sent()
  expect(stream.isPaused()).toBe(false)
})

test('the broker is pinged after each minute of a pause, and the socket is read until it answers', () => {
  const { stream, clock, pings, reading, await: answerIs } = scene()
  reading.pause()
  reading.handled()
  clock.tick(59_999)
  expect([pings, stream.isPaused()]).toEqual([[], true])
  clock.tick(1)
  expect([pings, stream.isPaused()]).toEqual([[60_000], false])
  // The broker is silent.
  clock.tick(600_000)
  reading.handled()
  expect([pings, stream.isPaused(), clock.pending]).toEqual([[60_000], false, 0])
  answerIs(false)
  reading.handled()
  expect(stream.isPaused()).toBe(true)
  clock.tick(60_000)
  expect(pings).toEqual([60_000, 720_000])
})

test.each(['resume', 'listen', 'stop'] as const)('the broker is not pinged after %s()', (end) => {
  const { clock, pings, reading } = scene()
  reading.pause()
  reading.handled()
  reading[end]()
  expect(clock.pending).toBe(0)
  clock.tick(60_000)
  expect(pings).toEqual([])
})

test("the stream of a browser's WebSocket is not paused: it would pile up what arrives", () => {
  const { stream, clock, reading } = scene({ readableObjectMode: true })
  reading.pause()
  reading.handled()
  expect([stream.isPaused(), clock.pending]).toEqual([false, 0])
})
