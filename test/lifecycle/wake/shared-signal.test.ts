import { describe, expect, test } from 'vitest'

import { SharedSignal } from '../../../src/lifecycle/wake/shared-signal.ts'
import { createTestClock } from '../../../testing/index.ts'

/** A signal that the test sends, and clients that note when they were woken. */
function scene(count: number) {
  const clock = createTestClock()
  const listening: (() => void)[] = []
  const woken: number[] = []
  const signal = new SharedSignal((onSignal) => {
    listening.push(onSignal)
    return () => void listening.splice(listening.indexOf(onSignal), 1)
  }, clock)
  const clients = Array.from({ length: count }, () => ({ wake: () => void woken.push(clock.now()) }))
  for (const client of clients) signal.add(client)
  const send = () => {
    for (const onSignal of listening) onSignal()
  }
  return { clock, signal, clients, woken, listening, send }
}

describe('one source for all clients', () => {
  test('is listened to while a client is there', () => {
    const { clock, signal, clients, listening, send } = scene(3)
    expect(listening).toHaveLength(1)
    send()
    send()
    for (const client of clients) {
      expect(listening).toHaveLength(1)
      signal.delete(client)
      signal.delete(client)
    }
    expect(listening).toHaveLength(0)
    expect(clock.pending).toBe(0)
    signal.add({ wake: () => {} })
    expect(listening).toHaveLength(1)
  })

  test('wakes each client once, however often it was added', () => {
    const { signal, clients, woken, send } = scene(2)
    for (const client of clients) signal.add(client)
    send()
    expect(woken).toEqual([0, 0])
  })
})

describe('a network that comes and goes', () => {
  test('wakes at most every 5 s, also with the last signal', () => {
    const { clock, woken, send } = scene(1)
    for (let n = 0; n <= 120; n++) {
      send()
      clock.tick(100)
    }
    clock.tick(60_000)
    expect(woken).toEqual([0, 5_000, 10_000, 15_000])
  })

  test('wakes at once after a pause', () => {
    const { clock, woken, send } = scene(1)
    send()
    clock.tick(5_000)
    send()
    expect(woken).toEqual([0, 5_000])
  })
})

describe('10,000 clients', () => {
  test('are woken within a second, 100 at a time', () => {
    const { clock, woken, send } = scene(10_000)
    send()
    expect(woken).toHaveLength(100)
    clock.tick(10)
    expect(woken).toHaveLength(200)
    send()
    clock.tick(980)
    expect(woken).toHaveLength(10_000)
    clock.tick(5_000)
    expect(woken).toHaveLength(10_100)
  })

  test('are not woken if they have ended meanwhile', () => {
    const { clock, signal, clients, woken, send } = scene(10_000)
    send()
    for (const client of clients.slice(100, 9_999)) signal.delete(client)
    clock.tick(1_000)
    expect(woken).toHaveLength(101)
  })
})
