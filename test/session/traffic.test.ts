import { describe, expect, test } from 'vitest'

import { describeFailure, type SubscribeOptions } from '../../src/index.ts'
import { createTestClock, type TestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { scriptedClient, type ScriptedClientOptions } from '../support/scripted-client.ts'

const LIMIT = 60_000

/** A client that expects a message every minute. */
async function feed({ connect, ...options }: ScriptedClientOptions = {}) {
  const clock = createTestClock()
  const s = await scriptedClient({
    clock,
    now: clock.now,
    connect: { keepalive: 0, ...connect },
    expectTrafficWithin: LIMIT,
    ...options,
  })
  await s.client.connect()
  return { clock, ...s }
}

/** Lets time pass in small steps, so that packets are answered in between. */
async function pass(clock: TestClock, ms: number, step = 5_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.tick(Math.min(step, ms - passed))
    await turns(10)
  }
}

/** Lets time pass until the server has the PINGREQ. */
async function probed({ clock, server }: Awaited<ReturnType<typeof feed>>): Promise<void> {
  await pass(clock, LIMIT)
  await server.waitFor('pingreq')
}

/** Waits for a connection while delays pass. */
async function connections({ clock, server }: Awaited<ReturnType<typeof feed>>, count: number): Promise<void> {
  await until(() => {
    clock.tick(1)
    return server.connections.length === count
  }, `connection ${count}`)
}

/** Holds each message until it is told to go on. */
function slowHandler() {
  const pending: (() => void)[] = []
  return { handler: () => new Promise<void>((resolve) => void pending.push(resolve)), pending }
}

describe('a broker that answers pings and delivers nothing', () => {
  test('loses the connection after a probe, with the reason', async () => {
    const s = await feed({ connect: { clean: true } })
    await s.client.subscribe('feed', () => {}).ready
    await pass(s.clock, LIMIT - 5_000)
    expect(s.server.received('pingreq')).toEqual([])
    const lost = new Promise<unknown>((resolve) => s.client.once('connectionInterrupted', resolve))
    await pass(s.clock, 0.25 * LIMIT + 5_000)
    await until(() => s.client.status.lastFailure !== null, 'the failure')
    expect(await lost).toEqual({ failure: { kind: 'timeout', phase: 'traffic' } })
    expect(s.server.received('pingreq')).toHaveLength(1)
    expect(describeFailure({ kind: 'timeout', phase: 'traffic' })).toMatch('expectTrafficWithin')
    await connections(s, 2)
    await until(() => s.server.received('subscribe').length === 2, 'the subscription')
  })

  test('has twice the time on each further connection, until a message comes', async () => {
    const s = await feed({ connect: { clean: true } })
    const received: unknown[] = []
    await s.client.subscribe('feed', (message) => void received.push(message)).ready
    await pass(s.clock, 1.5 * LIMIT)
    await connections(s, 2)
    await until(() => s.client.status.subscriptions.held === 1, 'the subscription')

    await pass(s.clock, 1.5 * LIMIT)
    expect(s.server.connections).toHaveLength(2)
    await pass(s.clock, 1.5 * LIMIT)
    await connections(s, 3)
    await until(() => s.client.status.subscriptions.held === 1, 'the subscription')

    s.server.publish('feed', 'x')
    await until(() => received.length === 1, 'the message')
    // The check that finds the message, and the limit.
    await pass(s.clock, 3 * LIMIT)
    await connections(s, 4)
  })

  test('that does not answer pings either loses it after `probeTimeout`', async () => {
    const s = await feed({ script: { pingresp: false } })
    await s.client.subscribe('feed', () => {}).ready
    await probed(s)
    s.clock.tick(4_000)
    expect(s.client.status.lastFailure).toBeNull()
    s.clock.tick(1_000)
    expect(s.client.status.lastFailure).toEqual({ kind: 'timeout', phase: 'traffic' })
  })
})

describe('the connection stays', () => {
  test('while messages come, also with QoS 2 and without a subscription of ours', async () => {
    const s = await feed({ script: { steps: [{ at: 'pubrec', do: 'ignore' }] } })
    await s.client.subscribe('feed', () => {}, { qos: 2 }).ready
    for (let n = 0; n < 12; n++) {
      s.server.publish(n % 2 ? 'feed' : 'other', 'x', { qos: n % 2 ? 2 : 0 })
      await pass(s.clock, LIMIT / 2)
    }
    expect(s.server.connections).toHaveLength(1)
    expect(s.server.received('pingreq')).toEqual([])
  })

  test('if a message comes before the answer to the probe', async () => {
    const s = await feed({ script: { steps: [{ at: 'pingreq', do: 'ignore' }] } })
    const received: unknown[] = []
    await s.client.subscribe('feed', (message) => void received.push(message)).ready
    await probed(s)
    s.server.publish('feed', 'x')
    s.server.send({ cmd: 'pingresp' })
    await until(() => received.length === 1, 'the message')
    await pass(s.clock, LIMIT / 2)
    expect(s.client.status.lastFailure).toBeNull()
  })

  test.each<[string, number, (s: Awaited<ReturnType<typeof feed>>) => unknown]>([
    ['without a subscription', LIMIT, () => {}],
    ['after the last one has ended', LIMIT, (s) => s.client.subscribe('feed', () => {}).unsubscribe()],
    ['without the option', 0, (s) => s.client.subscribe('feed', () => {}).ready],
    [
      'while a subscription is paused',
      LIMIT,
      async (s) => {
        const subscription = s.client.subscribe('feed', () => {})
        await subscription.ready
        subscription.pause()
      },
    ],
    ['while a handler holds an acknowledgement back', LIMIT, (s) => held(s, { qos: 1, ack: 'after-handler' })],
  ])('%s', async (_, expectTrafficWithin, arrange) => {
    const s = await feed({ expectTrafficWithin })
    await arrange(s)
    await pass(s.clock, 5 * LIMIT)
    expect(s.server.connections).toHaveLength(1)
    expect(s.server.received('pingreq')).toEqual([])
  })

  test('while handlers have as much as they may have, and for the whole limit afterwards', async () => {
    const s = await feed({ inbox: { maxUnprocessed: 2 } })
    const pending = await held(s, { ack: 'after-handler' }, 2)
    await pass(s.clock, 5 * LIMIT)
    expect(s.server.connections).toHaveLength(1)
    for (const done of pending.splice(0)) done()
    await pass(s.clock, LIMIT - 5_000)
    expect(s.server.received('pingreq')).toEqual([])
    await pass(s.clock, LIMIT / 2)
    expect(s.server.received('pingreq')).toHaveLength(1)
  })
})

test('no timer is left when the client has disconnected', async () => {
  const s = await feed()
  await s.client.subscribe('feed', () => {}).ready
  const disconnected = s.client.disconnect()
  while (await isPending(disconnected)) s.clock.tick(1)
  expect(s.clock.pending).toBe(0)
})

/** Messages arrive that their handler does not finish. */
async function held(s: Awaited<ReturnType<typeof feed>>, options: SubscribeOptions, count = 1) {
  const { handler, pending } = slowHandler()
  await s.client.subscribe('feed', handler, options).ready
  for (let n = 0; n < count; n++) s.server.publish('feed', 'x', { qos: options.qos ?? 0 })
  await until(() => pending.length === count, 'the messages')
  return pending
}
