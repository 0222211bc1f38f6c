import type { MqttClient } from 'mqtt'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'

import { Reading } from '../../src/mqtt/reading.ts'

function scene() {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  let isAwaiting = false
  const reading = new Reading(stream as MqttClient['stream'], { isAwaitingAnswer: () => isAwaiting })
  stream.on('data', () => {})
  return { stream, reading, await: (answer: boolean) => (isAwaiting = answer) }
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
