import { describe, expect, test } from 'vitest'

import type { Message } from '../../src/index.ts'
import { createTestClock, type Behaviour } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { recordingLogger } from '../support/recording-logger.ts'
import { scriptedClient, told, versions, type ScriptedClientOptions } from '../support/scripted-client.ts'

const kept: Behaviour = { connack: { sessionPresent: true } }

/** A client on a test clock, with a session that the broker kept, and its `unclaimed` events. */
async function sceneOf(options: ScriptedClientOptions = {}) {
  const clock = createTestClock()
  const { logger, messages } = recordingLogger()
  const { server, client, errors } = await scriptedClient({
    script: kept,
    clock,
    now: () => clock.now(),
    logger,
    ...options,
    connect: { keepalive: 0, ...options.connect },
  })
  const unclaimed: string[] = []
  client.on('unclaimed', ({ topic, qos }) => unclaimed.push(`${topic} ${qos}`))
  const got: string[] = []
  const handler = ({ topic, payload }: Message) => void got.push(`${topic} ${String(payload)}`)
  return { server, client, errors, clock, messages, unclaimed, got, handler }
}

/** The acknowledgements that the server got, in order. */
const answers = (server: Awaited<ReturnType<typeof sceneOf>>['server'], n = 1) => told(server, n, 'puback', 'pubcomp')

describe.each(versions)('MQTT version $version, a kept session', ({ version }) => {
  test('keeps messages before the first subscribe() unacknowledged, and delivers them in order', async () => {
    const { server, client, got, handler, unclaimed } = await sceneOf({ version })
    await client.connect()
    for (const i of range(6)) {
      const qos = (i % 3) as 0 | 1 | 2
      server.publish('a', `${i}`, { qos, ...(qos > 0 && { messageId: i }) })
      // A QoS 2 message comes with its PUBREL, after messages that were sent before that.
      await until(() => client.status.inbox.unclaimed === i + 1)
    }
    expect(answers(server)).toEqual([])
    client.subscribe('a', handler, { qos: 2 })
    expect(got).toEqual([])
    await server.waitFor('pubcomp', { count: 2 })
    expect(got).toEqual(range(6).map((i) => `a ${i}`))
    expect(answers(server)).toEqual(['puback 1', 'pubcomp 2', 'puback 4', 'pubcomp 5'])
    expect(client.status.inbox).toMatchObject({ heldBack: 0, heldBackSince: null, unclaimed: 0, unprocessed: 0 })
    expect(unclaimed).toEqual([])
  })

  test('delivers a message to all matching subscriptions of a turn, while other messages wait', async () => {
    const { server, client, got, handler } = await sceneOf({ version })
    await client.connect()
    for (const topic of ['a/1', 'b', 'a/2']) server.publish(topic, 'm', { qos: 1 })
    await until(() => client.status.inbox.unclaimed === 3)
    client.subscribe('a/#', handler)
    client.subscribe('a/2', handler)
    await until(() => got.length === 3)
    expect(got).toEqual(['a/1 m', 'a/2 m', 'a/2 m'])
    // Acknowledgements keep their order: that of `b` is still held back.
    await server.waitFor('puback')
    await turns()
    expect(answers(server)).toEqual(['puback 1'])
    client.subscribe('b', handler)
    await server.waitFor('puback', { count: 3 })
    expect(answers(server)).toEqual(['puback 1', 'puback 2', 'puback 3'])
  })

  test('continues when a listener unsubscribes during a delivery', async () => {
    const { server, client, unclaimed } = await sceneOf({ version, inbox: { maxUnclaimed: 1 } })
    await client.connect()
    client.on('unclaimed', () => client.subscribe('b', () => {}).unsubscribe())
    server.publish('a', '1', { qos: 1 })
    server.publish('b', '2', { qos: 1 })
    await server.waitFor('puback', { count: 2 })
    expect(answers(server)).toEqual(['puback 1', 'puback 2'])
    expect(unclaimed).toEqual(['a 1', 'b 1'])
    expect(client.status.inbox).toMatchObject({ heldBack: 0, heldBackSince: null, unclaimed: 0, unprocessed: 0 })
  })

  test('keeps new messages behind waiting ones', async () => {
    const { server, client, got, handler } = await sceneOf({ version })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    await until(() => client.status.inbox.unclaimed === 1)
    client.subscribe('a', handler)
    server.publish('a', '2', { qos: 1 })
    await until(() => got.length === 2)
    expect(got).toEqual(['a 1', 'a 2'])
  })

  test('holds the acknowledgement back while the handler’s promise is pending', async () => {
    const { server, client } = await sceneOf({ version })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    await until(() => client.status.inbox.unclaimed === 1)
    let done: (() => void) | undefined
    client.subscribe('a', () => new Promise<void>((resolve) => (done = resolve)), { qos: 1, ack: 'after-handler' })
    await until(() => done)
    await turns()
    expect(answers(server)).toEqual([])
    done?.()
    await server.waitFor('puback')
  })

  test('acknowledges and reports messages that are not claimed in time, and later ones too', async () => {
    const { server, client, clock, unclaimed, messages, got, handler } = await sceneOf({ version })
    await client.connect()
    for (const qos of [1, 0, 2] as const) server.publish(`q/${qos}`, 'm', { qos })
    await until(() => client.status.inbox.unclaimed === 3)
    clock.tick(4_999)
    await turns()
    expect(unclaimed).toEqual([])
    clock.tick(1)
    await server.waitFor('pubcomp')
    expect(unclaimed).toEqual(['q/1 1', 'q/0 0', 'q/2 2'])
    expect(answers(server)).toEqual(['puback 1', 'pubcomp 2'])
    server.publish('late', 'm', { qos: 1 })
    await server.waitFor('puback', { count: 2 })
    expect(unclaimed).toHaveLength(4)
    expect(messages('warn').filter((line) => line.startsWith('unclaimed'))).toHaveLength(1)
    client.subscribe('q/#', handler)
    await turns()
    expect(got).toEqual([])
  })

  test('gives up the oldest message beyond maxUnclaimed', async () => {
    const { server, client, unclaimed } = await sceneOf({ version, inbox: { maxUnclaimed: 2 } })
    await client.connect()
    for (const topic of ['a', 'b', 'c', 'd']) server.publish(topic, 'm', { qos: 1 })
    await server.waitFor('puback', { count: 2 })
    await turns()
    expect(unclaimed).toEqual(['a 1', 'b 1'])
    expect(answers(server)).toEqual(['puback 1', 'puback 2'])
    expect(client.status.inbox).toMatchObject({ heldBack: 2, unclaimed: 2 })
  })

  test.each([
    ['claimTimeout: 0', { inbox: { claimTimeout: 0 } }],
    ['maxUnclaimed: 0', { inbox: { maxUnclaimed: 0 } }],
    ['a session that is not kept', { script: {} }],
  ] as const)('%s: nothing waits', async (_name, options) => {
    const { server, client, unclaimed } = await sceneOf({ version, ...options })
    await client.connect()
    server.publish('a', 'm', { qos: 1 })
    await server.waitFor('puback')
    expect(unclaimed).toEqual(['a 1'])
  })

  test('does not keep messages of a filter that was unsubscribed', async () => {
    const { server, client, unclaimed, handler } = await sceneOf({ version })
    await client.connect()
    server.publish('a/1', 'm', { qos: 1 })
    await until(() => client.status.inbox.unclaimed === 1)
    client.subscribe('a/#', handler).unsubscribe()
    await server.waitFor('puback')
    server.publish('a/2', 'm', { qos: 1 })
    await server.waitFor('puback', { count: 2 })
    expect(unclaimed).toEqual(['a/1 1', 'a/2 1'])
    server.publish('b', 'm', { qos: 1 })
    await until(() => client.status.inbox.unclaimed === 1)
  })

  test('keeps a message that the broker sends again after a lost connection once, and until the same time', async () => {
    const { server, client, clock, got, handler, unclaimed } = await sceneOf({ version })
    await client.connect()
    server.publish('a', '1', { qos: 1, messageId: 1 })
    server.publish('a', '2', { qos: 2, messageId: 2 })
    await until(() => client.status.inbox.unclaimed === 2)
    clock.tick(3_000)
    const connected = new Promise((resolve) => client.on('connected', resolve))
    const down = new Promise((resolve) => client.on('connectionInterrupted', resolve))
    server.kick()
    await down
    clock.tick(0)
    await connected
    server.publish('a', '1', { qos: 1, messageId: 1, dup: true })
    server.send({ cmd: 'pubrel', messageId: 2 })
    await until(() => client.status.inbox.heldBack === 2)
    expect(client.status.inbox.unclaimed).toBe(2)
    client.subscribe('a', handler)
    await server.waitFor('pubcomp')
    expect(got.toSorted()).toEqual(['a 1', 'a 2'])
    expect(answers(server, 2)).toEqual(['puback 1', 'pubcomp 2'])
    server.publish('b', 'm', { qos: 1, messageId: 3 })
    await until(() => client.status.inbox.unclaimed === 1)
    clock.tick(2_000)
    await server.waitFor('puback', { count: 2 })
    expect(unclaimed).toEqual(['b 1'])
  })

  test('passes unmatched messages to onMessage, and keeps none', async () => {
    const other: string[] = []
    const onMessage = ({ topic, payload }: Message) => {
      other.push(`${topic} ${String(payload)}`)
      if (topic === 'throws') throw new Error('thrown')
      return topic === 'rejects' ? Promise.reject(new Error('rejected')) : undefined
    }
    const { server, client, got, handler, unclaimed, errors } = await sceneOf({ version, onMessage })
    client.subscribe('a', handler)
    await client.connect()
    for (const topic of ['a', 'b', 'throws', 'rejects']) server.publish(topic, 'm', { qos: 1 })
    await server.waitFor('puback', { count: 4 })
    await turns()
    expect(got).toEqual(['a m'])
    expect(other).toEqual(['b m', 'throws m', 'rejects m'])
    expect(errors.map(String)).toEqual(['Error: thrown', 'Error: rejected'])
    expect(unclaimed).toEqual([])
  })
})

test('leaves no timer when the client is disposed while messages wait', async () => {
  const { server, client, clock } = await sceneOf()
  await client.connect()
  server.publish('a', '1', { qos: 1 })
  await until(() => client.status.inbox.unclaimed === 1)
  await client[Symbol.asyncDispose]()
  expect(clock.pending).toBe(0)
})
