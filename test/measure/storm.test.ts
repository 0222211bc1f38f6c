import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokerModel, type BrokerModelOptions } from '../../measure/storm/broker-model.ts'
import { EventQueue } from '../../measure/storm/event-queue.ts'
import { policies } from '../../measure/storm/policies.ts'
import { simulate } from '../../measure/storm/simulate.ts'

describe('the queue', () => {
  test('runs each callback when it is due, and simultaneous ones in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), (times) => {
        const queue = new EventQueue()
        const ran: (readonly [time: number, n: number])[] = []
        for (const [n, time] of times.entries()) {
          queue.at(time, () => {
            expect(queue.now()).toBe(time)
            ran.push([time, n])
          })
        }
        queue.run(100)
        expect(ran).toEqual(times.map((time, n) => [time, n] as const).toSorted(([a, i], [b, j]) => a - b || i - j))
        expect(queue.now()).toBe(100)
      }),
    )
  })

  test.each<[name: string, arrange: (queue: EventQueue, ran: number[]) => void, ran: number[]]>([
    ['a callback that is due at the end waits', (queue, ran) => queue.at(100, () => ran.push(1)), []],
    [
      'an overdue callback runs at once',
      (queue, ran) => queue.at(10, () => queue.at(5, () => ran.push(queue.now()))),
      [10],
    ],
    ['a cleared timer never runs', (queue, ran) => queue.clearTimeout(queue.setTimeout(() => ran.push(1), 10)), []],
    [
      'a timer may clear its neighbour',
      (queue, ran) => {
        queue.at(10, () => queue.clearTimeout(neighbour))
        const neighbour = queue.at(10, () => ran.push(1))
      },
      [],
    ],
  ])('%s', (_name, arrange, expected) => {
    const queue = new EventQueue()
    const ran: number[] = []
    arrange(queue, ran)
    queue.run(100)
    expect(ran).toEqual(expected)
  })

  test('stops when no callback is left', () => {
    const queue = new EventQueue()
    const ran: number[] = []
    for (const time of [10, 20, 30]) queue.at(time, () => ran.push(time))
    queue.run(100, () => ran.length === 2)
    expect(ran).toEqual([10, 20])
    expect(queue.now()).toBe(20)
  })
})

describe('the broker', () => {
  const OPTIONS = { capacity: 10, backlog: 5, roundTrip: 20 }

  function scene(options: Partial<BrokerModelOptions> = {}) {
    const queue = new EventQueue()
    const broker = new BrokerModel(queue, { ...OPTIONS, ...options })
    const told: string[] = []
    const connect = (name: string) =>
      broker.connect({
        opened: () => told.push(`${name} opened at ${queue.now()}`),
        failed: (failure) =>
          told.push(`${name} ${failure.kind === 'socket' ? failure.code : failure.kind} at ${queue.now()}`),
      })
    return { queue, broker, told, connect }
  }

  test('accepts connections one by one, at its capacity', () => {
    const { queue, told, connect } = scene()
    for (const name of ['a', 'b', 'c']) connect(name)
    queue.run(1_000)
    expect(told).toEqual(['a opened at 120', 'b opened at 220', 'c opened at 320'])
  })

  test('refuses connections beyond its backlog at once', () => {
    const { queue, broker, told, connect } = scene({ backlog: 2 })
    for (const name of ['a', 'b', 'c']) connect(name)
    queue.run(1_000)
    expect(told).toEqual(['c ECONNREFUSED at 20', 'a opened at 120', 'b opened at 220'])
    expect(broker.refused).toBe(1)
  })

  test('needs the same time for an attempt that its client has given up', () => {
    const { queue, broker, told, connect } = scene()
    connect('a').abandon()
    connect('b')
    queue.run(1_000)
    expect(told).toEqual(['b opened at 220'])
    expect([broker.abandoned, broker.connections]).toEqual([1, 1])
  })

  test('disconnects all clients when it goes down, refuses them meanwhile, and accepts them afterwards', () => {
    const { queue, broker, told, connect } = scene()
    connect('a')
    connect('b')
    queue.run(150)
    broker.down(100, () => 0.5)
    connect('c')
    queue.run(1_000)
    broker.up()
    connect('d')
    queue.run(2_000)
    expect(told).toEqual([
      'a opened at 120',
      'c ECONNREFUSED at 170',
      'a ECONNRESET at 200',
      'b ECONNRESET at 220',
      'd opened at 1120',
    ])
  })

  test('counts attempts by the second in which they arrive', () => {
    const { queue, broker, connect } = scene()
    connect('a')
    queue.run(2_500)
    connect('b')
    connect('c')
    expect(broker.arrivals).toEqual([1, undefined, 2])
  })
})

test('reconnects all clients, in the same way for the same seed', () => {
  const options = { clients: 100, outage: 60_000, capacity: 10, backlog: 200, seed: 1 }
  const [first, second] = [1, 2].map(() => policies['equal'] && simulate(policies['equal'], options))
  expect(first).toMatchObject({ restored: 100, gaveUp: 0 })
  expect(first?.timeline).toEqual(second?.timeline)
})

test('counts the skipped part of an outage like the part that is simulated', () => {
  const { mqttjs } = policies
  const storm = (outage: number) =>
    mqttjs && simulate(mqttjs, { clients: 25, outage, capacity: 10, backlog: 200, seed: 1 })
  const [minute, hour] = [storm(60_000), storm(3_600_000)]
  const during = (result: typeof hour) => (result?.wastedAttempts ?? 0) - (result?.wastedAfterOutage ?? 0)
  expect(during(hour)).toBe(60 * during(minute))
})

test('a fleet with one canary wastes few attempts, and uses the whole capacity of the broker and no more', () => {
  const { equal, canary } = policies
  const storm = { clients: 300, outage: 120_000, capacity: 10, backlog: 200, seed: 1 }
  const [alone, together] = [equal, canary].map((policy) => policy && simulate(policy, storm))
  expect(together).toMatchObject({ restored: 300, gaveUp: 0, wastedAfterOutage: 0 })
  expect(together!.wastedAttempts).toBeLessThan(alone!.wastedAttempts / 10)
  expect(together!.peakConnectsPerSecond).toBeLessThanOrEqual(10)
  expect(together!.medianRestoredMs).toBeLessThan(1.2 * 15_000)
  expect(together!.p99RestoredMs).toBeLessThan(1.2 * 30_000)
})
