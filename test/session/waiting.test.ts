import { expect, test } from 'vitest'

import type { HeldMessage } from '../../src/session/incoming/held-message.ts'
import { WaitingMessages } from '../../src/session/incoming/waiting.ts'
import type { IncomingPublish } from '../../src/wire/packets.ts'
import { range } from '../support/range.ts'

const held = {} as HeldMessage

/** Messages of 1 byte that wait for handlers, until the limits of the number are reached. */
function scene() {
  const waiting = new WaitingMessages({ maxUnprocessed: 1, maxUnprocessedBytes: 1_000_000 })
  const add = (qos: 0 | 1, count: number) => {
    for (const _ of range(count)) {
      const packet = { qos, topic: 'a', payload: new Uint8Array(1) } as unknown as IncomingPublish
      waiting.add(packet, qos > 0 ? held : undefined)
      // The inbox looks after each message.
      void waiting.isTooMuch
    }
  }
  return { waiting, add }
}

/** One, those that are read ahead, and those of a chunk. */
const LIMIT = 1 + 1_024 + 16_384

test('the oldest message of QoS 0 is dropped, from wherever it stands', () => {
  const { waiting, add } = scene()
  add(1, 10)
  add(0, LIMIT)
  expect([waiting.size, waiting.acknowledged, waiting.dropped]).toEqual([LIMIT, 10, 10])
  for (const _ of range(100)) waiting.shift()
  add(0, 100)
  expect([waiting.size, waiting.acknowledged, waiting.dropped]).toEqual([LIMIT, 0, 10])
  add(0, LIMIT)
  expect([waiting.size, waiting.dropped]).toEqual([LIMIT, 10 + LIMIT])
  add(1, LIMIT)
  expect([waiting.size, waiting.acknowledged, waiting.dropped]).toEqual([LIMIT, LIMIT, 10 + 2 * LIMIT])
  add(1, 1)
  add(0, 1)
  expect([waiting.size, waiting.acknowledged, waiting.dropped]).toEqual([LIMIT + 1, LIMIT + 1, 11 + 2 * LIMIT])
})
