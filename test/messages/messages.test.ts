import { describe, expect, test } from 'vitest'

import { createEmbeddedBroker } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { protocolVersions, startServer } from '../support/servers.ts'

const qualities = [0, 1, 2] as const
const everyQuality = protocolVersions.flatMap((version) => qualities.map((qos) => ({ version, qos })))

test.each(everyQuality)('publish with QoS $qos, MQTT $version', async ({ version, qos }) => {
  const server = await startServer()
  const { client } = startClient({ url: server.url, options: { protocolVersion: version } })
  await client.connect()
  expect(await client.publish('a/b', 'text', { qos })).toEqual({ reasonCode: 0 })
  expect(await client.publish('a/b', Uint8Array.of(1, 2, 0), { qos, retain: true })).toEqual({ reasonCode: 0 })
  expect(await client.publish('a/b', '', { qos })).toEqual({ reasonCode: 0 })
  await server.waitFor('publish', { count: 3 })
  expect(server.received('publish')).toMatchObject([
    { topic: 'a/b', payload: Buffer.from('text'), qos, retain: false, dup: false },
    { topic: 'a/b', payload: Buffer.from([1, 2, 0]), qos, retain: true, dup: false },
    { topic: 'a/b', payload: Buffer.alloc(0), qos, retain: false, dup: false },
  ])
})

test.each(everyQuality)('subscribe with QoS $qos, MQTT $version', async ({ version, qos }) => {
  const server = await startServer()
  const { client } = startClient({ url: server.url, options: { protocolVersion: version } })
  const got: [string, string, number][] = []
  const subscription = client.subscribe('a/+', (m) => void got.push([m.topic, m.text(), m.qos]), { qos })
  await client.connect()
  expect(await subscription.ready).toBe(qos)
  server.publish('a/1', 'one', { qos })
  server.publish('b/1', 'nobody', { qos })
  server.publish('a/2', 'two', { qos })
  await until(() => got.length === 2, 'the messages')
  expect(got).toEqual([
    ['a/1', 'one', qos],
    ['a/2', 'two', qos],
  ])
  subscription.unsubscribe()
  expect((await server.waitFor('unsubscribe')).unsubscriptions).toEqual(['a/+'])
})

test.each(everyQuality)('delivers offline publishes of QoS $qos in order, MQTT $version', async ({ version, qos }) => {
  const server = await startServer()
  const { client, next } = startClient({ ...atOnce, url: server.url, options: { protocolVersion: version } })
  const before = ['1', '2', '3'].map((payload) => client.publish('a', payload, { qos }))
  await client.connect()
  await Promise.all(before)
  await server.waitFor('publish', { count: 3 })
  await server.close()
  await next('connectionInterrupted', 1)
  const meanwhile = ['4', '5', '6'].map((payload) => client.publish('a', payload, { qos }))
  expect(client.outbox.size).toBe(3)
  await server.listen()
  expect(await Promise.all(meanwhile)).toHaveLength(3)
  expect(client.outbox).toMatchObject({ size: 0, inFlight: 0 })
  await server.waitFor('publish', { count: 6 })
  expect(server.received('publish').map(({ payload }) => String(payload))).toEqual(['1', '2', '3', '4', '5', '6'])
})

test('publishes and subscribes through an outage of a real broker', async () => {
  await using broker = await createEmbeddedBroker()
  const sender = startClient({ ...atOnce, url: broker.url })
  const receiver = startClient({ ...atOnce, url: broker.url })
  const got: string[] = []
  receiver.client.subscribe('room/#', (message) => void got.push(message.text()), { qos: 2 })
  await Promise.all([sender.client.connect(), receiver.client.connect()])
  await sender.client.publish('room/1', 'before', { qos: 2 })
  await until(() => got.length === 1, 'the first')
  await broker.stop()
  await Promise.all([sender.next('connectionInterrupted', 1), receiver.next('connectionInterrupted', 1)])
  await broker.start()
  await receiver.next('connectionResumed', 1)
  await sender.client.publish('room/2', 'after', { qos: 2 })
  await until(() => got.length === 2, 'the second')
  expect(got).toEqual(['before', 'after'])
})

test.each([
  ['messageExpiryInterval', -1],
  ['messageExpiryInterval', 'soon'],
  ['correlationData', 7],
  ['correlationData', new Uint8Array(65_536)],
  ['userProperties', 'a=b'],
  ['userProperties', { a: null }],
  ['userProperties', { a: ['x'.repeat(70_000)] }],
  ['payloadFormatIndicator', 'text'],
  ['responseTopic', 'a/#'],
  ['contentType', 'é'.repeat(40_000)],
])('rejects a publish whose %s cannot be encoded, and keeps the connection (%#)', async (name, value) => {
  const server = await startServer()
  const { client, heard } = startClient({ ...atOnce, url: server.url, options: { protocolVersion: 5 } })
  await client.connect()
  const refused = await Promise.race([
    rejection(client.publish('a', 'x', { qos: 1, properties: { [name]: value } })),
    client.waitFor('reconnecting').then(() => new Error('the connection was lost')),
  ])
  expect(refused).toMatchObject({
    name: 'InvalidOptionError',
    message: expect.stringContaining(`properties.${name}`) as string,
  })
  await client.publish('a', 'good', { qos: 1 })
  expect(heard('connectionInterrupted')).toEqual([])
})

describe('wrong arguments', () => {
  const bad: [string, unknown[], string][] = [
    ['publish', ['', 'x'], 'topic must be a string of at least 1 character, got ""'],
    ['publish', [7, 'x'], 'topic must be a string of at least 1 character, got 7'],
    ['publish', ['a/#', 'x'], 'topic must not contain wildcards, got "a/#"'],
    ['publish', ['a\0b', 'x'], 'topic must not contain U+0000'],
    ['publish', ['a', 7], 'payload must be a string or a Uint8Array'],
    ['publish', ['a', 'x', { qos: 3 }], 'qos must be 0, 1 or 2, got 3'],
    ['publish', ['a', 'x', { ttl: 0 }], 'ttl must be more than 0 milliseconds, got 0'],
    ['subscribe', ['a/#/b', () => {}], "filter must contain '#' only as the last level"],
    ['subscribe', ['a+', () => {}], "filter must contain '+' only as a whole level"],
    ['subscribe', ['$share/a', () => {}], 'filter must be $share/{name}/{filter}'],
    ['subscribe', ['a', () => {}, { qos: -1 }], 'qos must be 0, 1 or 2, got -1'],
  ]
  test.each(bad)('%s(%o): %s', async (method, args, message) => {
    const { client } = startClient({ url: 'mqtt://127.0.0.1' })
    const call = async () => (client[method as 'publish'] as (...all: unknown[]) => unknown)(...args)
    expect(await rejection(call())).toMatchObject({
      name: 'InvalidOptionError',
      message: expect.stringContaining(message) as string,
    })
    expect(client.outbox.size).toBe(0)
  })
})
