import { Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import type { InboxOptions, Message } from '../../src/index.ts'
import { createTestClock, type TestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions, type Version } from '../support/scripted-client.ts'

interface Others {
  readonly keepalive?: number
  readonly receiveMaximum?: number
  readonly clock?: TestClock
}

/** A client whose handler is done with a message when the test says so. */
async function scene(version: Version, inbox: InboxOptions, { clock, ...connect }: Others = {}) {
  const { server, client } = await scriptedClient({ version, inbox, connect, ...(clock && { clock }) })
  const handled: Message[] = []
  const waiting: (() => void)[] = []
  await client.connect()
  const subscription = client.subscribe(
    'in/#',
    (message) => {
      handled.push(message)
      return new Promise<void>((resolve) => waiting.push(resolve))
    },
    { ack: 'after-handler', qos: 2 },
  )
  await subscription.ready
  return {
    server,
    client,
    handled,
    topics: () => handled.map(({ topic }) => Number(topic.slice(3))),
    finish: async (count: number) => {
      for (const done of waiting.splice(0, count)) done()
      await turns()
    },
  }
}

describe.each(versions)('unprocessed messages, MQTT $version', ({ version }) => {
  test('are bounded by their number, with QoS 0 too, and come in order', async () => {
    const { server, client, topics, finish } = await scene(version, { maxUnprocessed: 10 })
    for (const n of range(100)) server.publish(`in/${n}`, 'x')
    await until(() => client.status.inbox.paused, 'the pause')
    await turns()
    expect(topics()).toEqual(range(10))
    expect(client.status.inbox).toMatchObject({ unprocessed: 10, unprocessedBytes: 10, paused: true })
    await finish(4)
    expect(topics()).toHaveLength(10)
    await finish(1)
    expect(topics()).toHaveLength(15)
    for (let i = 0; i < 30; i++) await finish(5)
    expect(topics()).toEqual(range(100))
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, unprocessedBytes: 0, paused: false })
  })

  test('are bounded by their bytes', async () => {
    const { server, client, topics, finish } = await scene(version, { maxUnprocessedBytes: 1_000 })
    for (const n of range(10)) server.publish(`in/${n}`, 'x'.repeat(400))
    await until(() => client.status.inbox.paused, 'the pause')
    await turns()
    expect(topics()).toEqual([0, 1, 2])
    await finish(3)
    // Two of them were enough for a resume.
    expect(topics()).toEqual([0, 1, 2, 3, 4])
  })

  test('stop the socket, and the broker with it', async () => {
    const { server, client, topics, finish } = await scene(version, { maxUnprocessed: 2 })
    const pause = vi.spyOn(Socket.prototype, 'pause')
    onTestFinished(() => pause.mockRestore())
    for (const n of range(400)) server.publish(`in/${n}`, 'x'.repeat(50_000))
    await until(() => client.status.inbox.paused && pause.mock.calls.length > 0, 'the pause')
    expect(topics()).toEqual([0, 1])
    const finishing = () => void finish(2)
    await until(() => (finishing(), topics().length === 400), 'all messages')
    expect(topics()).toEqual(range(400))
  })

  test.each([{ maxUnprocessed: 1 }, { maxUnprocessedBytes: 1 }, { maxUnprocessed: 1, maxUnprocessedBytes: 1 }])(
    'may be larger than a limit, and are not dropped then: %o',
    async (inbox) => {
      const { server, client, topics, finish } = await scene(version, inbox)
      for (const n of range(30)) {
        server.publish(`in/${n}`, 'x'.repeat(300_000))
        server.publish('in/30', 'x')
      }
      const finishing = () => void finish(1)
      await until(() => (finishing(), topics().length + client.status.inbox.dropped === 60), 'all messages')
      expect(topics().filter((n) => n < 30)).toEqual(range(30))
      expect(client.status.inbox).toMatchObject({ waiting: 0, dropped: 0 })
    },
  )

  test('do not hold back acknowledgements, pings and answers to subscriptions', async () => {
    const { server, client, topics } = await scene(version, { maxUnprocessed: 1 })
    for (const n of range(20)) server.publish(`in/${n}`, 'x')
    await until(() => client.status.inbox.paused, 'the pause')
    await expect(client.publish('out', '', { qos: 2 })).resolves.toEqual({ reasonCode: 0 })
    await client.subscribe('other', () => {}).ready
    client.wake()
    await server.waitFor('pingreq')
    await turns()
    expect(client.status.state).toBe('connected')
    expect(topics()).toEqual([0])
  })

  test('outlive the connection, whoever ends it', async () => {
    for (const end of ['broker', 'client'] as const) {
      const { server, client, topics, finish } = await scene(version, { maxUnprocessed: 1 })
      for (const n of range(3)) server.publish(`in/${n}`, 'x')
      await until(() => client.status.inbox.waiting === 2, 'the messages')
      if (end === 'broker') server.kick('close')
      else client.recover()
      await until(() => server.connections.length === 2 && client.isConnected, 'the next connection')
      server.publish('in/3', 'x')
      await until(() => client.status.inbox.waiting === 3, 'the next message')
      expect(topics()).toEqual([0])
      for (let i = 0; i < 4; i++) await finish(1)
      expect(topics()).toEqual([0, 1, 2, 3])
      expect(client.status.inbox).toMatchObject({ waiting: 0, dropped: 0 })
    }
  })

  test('of QoS 0 come without a connection, those of QoS 1 and 2 on the next one, in order', async () => {
    const { server, client, topics, finish } = await scene(version, { maxUnprocessed: 1 })
    for (const [n, qos] of ([0, 0, 1, 0, 2] as const).entries()) server.publish(`in/${n}`, 'x', { qos })
    await until(() => client.status.inbox.waiting === 4, 'the messages')
    await client.disconnect()
    expect(topics()).toEqual([0])
    for (let i = 0; i < 3; i++) await finish(1)
    expect(topics()).toEqual([0, 1])
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, waiting: 3, paused: false })
    await client.connect()
    for (let i = 0; i < 3; i++) await finish(1)
    expect(topics()).toEqual([0, 1, 2, 3, 4])
  })

  test('do not hide the end of the connection, also without keep alive', async () => {
    for (const end of ['close', 'reset'] as const) {
      const clock = createTestClock()
      const { server, client, topics } = await scene(version, { maxUnprocessed: 1 }, { keepalive: 0, clock })
      for (const n of range(100)) server.publish(`in/${n}`, 'x'.repeat(100_000))
      await until(() => client.status.inbox.paused, 'the pause')
      await turns(20)
      server.kick(end)
      await turns(20)
      expect(client.status.state).toBe('connected')
      clock.tick(60_000)
      await until(() => !client.isConnected, 'the end')
      expect(topics()).toEqual([0])
    }
  })

  test('do not keep a handler from awaiting its own publishes, however much waits', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 10 } })
    await client.connect()
    let done = 0
    const bridge = async () => {
      await client.publish('out', '', { qos: 1 })
      done++
    }
    await client.subscribe('in/#', bridge, { ack: 'after-handler' }).ready
    for (const n of range(300)) server.publish(`in/${n}`, 'x'.repeat(20_000))
    await until(() => done + client.status.inbox.dropped === 300, 'all messages')
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, waiting: 0, paused: false })
  })

  test('do not cost the connection: pings, late acknowledgements and the end are heard behind them', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      inbox: { maxUnprocessed: 1, maxUnprocessedBytes: 100_000 },
      connect: { keepalive: 10_000 },
    })
    await client.connect()
    await client.subscribe('in/#', () => new Promise(() => {}), { ack: 'after-handler' }).ready
    const flood = async () => {
      for (const n of range(100)) server.publish(`in/${n}`, 'x'.repeat(50_000))
      await turns(20)
    }
    await flood()
    client.wake()
    await server.waitFor('pingreq')
    await turns(20)
    for (let count = 2; count < 5; count++) {
      await flood()
      clock.tick(10_000)
      await server.waitFor('pingreq', { count })
      await turns(20)
    }
    expect([client.status.state, server.connections.length]).toEqual(['connected', 1])
    await flood()
    await expect(client.publish('out', '', { qos: 2 })).resolves.toEqual({ reasonCode: 0 })
    await client.subscribe('other', () => {}).ready
    const { unprocessed, waiting, dropped } = client.status.inbox
    expect(unprocessed).toBe(1)
    // 100 KB, another 100 KB that are read ahead, and a chunk of 64 KiB.
    expect(waiting).toBe(5)
    expect(dropped).toBeGreaterThan(300)
  })

  test('of QoS 1 and 2 that wait are acknowledged after those before them, and once', async () => {
    const { server, client, topics, finish } = await scene(version, { maxUnprocessed: 2 })
    for (const n of range(6)) server.publish(`in/${n}`, 'x', { qos: n % 2 === 0 ? 1 : 2 })
    await until(() => client.status.inbox.paused, 'the pause')
    for (let i = 0; i < 10; i++) await finish(1)
    await until(() => topics().length === 6, 'all messages')
    for (let i = 0; i < 10; i++) await finish(1)
    expect(topics().toSorted((a, b) => a - b)).toEqual(range(6))
    expect(server.received('puback')).toHaveLength(3)
    expect(server.received('pubcomp')).toHaveLength(3)
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, heldBack: 0, paused: false })
  })

  test('of a handler that fails are not counted for ever', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 2 } })
    await client.connect()
    let calls = 0
    const handler = () => {
      calls++
      return Promise.reject(new Error('no'))
    }
    await client.subscribe('in/#', handler, { ack: 'after-handler' }).ready
    for (const n of range(20)) server.publish(`in/${n}`, 'x')
    await until(() => calls === 20, 'all calls')
    await turns()
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, paused: false })
  })

  test('are not counted with `on-receipt`', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 2 } })
    await client.connect()
    let calls = 0
    await client.subscribe('in/#', () => new Promise(() => calls++)).ready
    for (const n of range(20)) server.publish(`in/${n}`, 'x')
    await until(() => calls === 20, 'all calls')
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, paused: false })
  })

  test('of a loop are bounded as well, before its buffer drops any', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 10 } })
    await client.connect()
    const subscription = client.subscribe('in/#')
    await subscription.ready
    for (const n of range(200)) server.publish(`in/${n}`, 'x')
    await until(() => client.status.inbox.paused, 'the pause')
    const topics: string[] = []
    for await (const { topic } of subscription) if (topics.push(topic) === 200) break
    expect(topics).toEqual(range(200).map((n) => `in/${n}`))
    expect(subscription.dropped).toBe(0)
  })
})

test.each(['maxUnprocessed', 'maxUnprocessedBytes'] as const)('inbox.%s is checked', async (name) => {
  for (const value of [0, -1, 1.5, Number.NaN, '1']) {
    await expect(scriptedClient({ inbox: { [name]: value } })).rejects.toMatchObject({
      name: 'InvalidOptionError',
      option: `inbox.${name}`,
    })
  }
})

test('messages that wait for the unacked ones of MQTT 3.1.1 wait for the next connection', async () => {
  const { server, client, topics, finish } = await scene(4, {}, { receiveMaximum: 2 })
  for (const n of range(5)) server.publish(`in/${n}`, 'x', { qos: 1 })
  await until(() => client.status.inbox.waiting === 3, 'the messages')
  await client.disconnect()
  for (let i = 0; i < 5; i++) await finish(1)
  expect(topics()).toEqual([0, 1])
  await client.connect()
  expect(topics()).toEqual([0, 1, 2, 3])
  await finish(2)
  expect(topics()).toEqual(range(5))
})

test.each(versions.flatMap(({ version }) => ([1, 2] as const).map((qos) => ({ version, qos }))))(
  'handlers get no more than receiveMaximum at a time, across connections: MQTT $version, QoS $qos',
  async ({ version, qos }) => {
    const { server, client, topics, finish } = await scene(version, {}, { receiveMaximum: 2 })
    for (const n of range(5)) server.publish(`in/${n}`, 'x', { qos })
    await until(() => client.status.inbox.waiting === 3, 'the messages')
    server.kick('close')
    await until(() => server.connections.length === 2 && client.isConnected, 'the next connection')
    await turns()
    expect(topics()).toEqual([0, 1])
    await finish(1)
    expect(topics()).toEqual([0, 1, 2])
    for (let i = 0; i < 4; i++) await finish(1)
    expect(topics()).toEqual(range(5))
  },
)

test('a loop over QoS 0 makes the broker wait before it drops any, by default', async () => {
  // On a busy computer, the event loop may stand still for so long that the client probes its connection as after a sleep. It
  // reads on until the answer arrives.
  const { server, client } = await scriptedClient({ wakeOn: false })
  await client.connect()
  const subscription = client.subscribe('in')
  await subscription.ready
  const payload = 'x'.repeat(1_000)
  for (const _ of range(50_000)) server.publish('in', payload)
  await until(() => client.status.inbox.paused, 'the pause')
  await turns(50)
  const { unprocessed, waiting } = client.status.inbox
  expect(unprocessed).toBe(10_000)
  expect(waiting).toBeLessThan(1_024)
  let count = 0
  for await (const _ of subscription) if (++count === 50_000) break
  expect([subscription.dropped, client.status.inbox.dropped]).toEqual([0, 0])
})
