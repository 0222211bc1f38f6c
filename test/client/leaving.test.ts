import { expect, test } from 'vitest'

import type { DisconnectOptions, ResilientMqttClient } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { scriptedClient, told, versions } from '../support/scripted-client.ts'

/** A handler whose calls end when the test wants it. */
function working(client: ResilientMqttClient) {
  const calls: { readonly text: string; readonly done: () => void }[] = []
  client.subscribe('work', (message) => new Promise<void>((done) => void calls.push({ text: message.text(), done })), {
    qos: 2,
    ack: 'after-handler',
  })
  return calls
}

test.each(versions)('lets handlers finish, and takes no new messages, MQTT version $version', async ({ version }) => {
  const { server, client } = await scriptedClient({ version })
  const calls = working(client)
  await client.connect()
  for (const [i, text] of ['one', 'two'].entries()) server.publish('work', text, { qos: 1, messageId: i + 1 })
  await until(() => calls.length === 2)
  const leaving = client.disconnect({ handlers: 'finish' })
  server.publish('work', 'three', { qos: 1, messageId: 3 })
  expect(await isPending(leaving)).toBe(true)
  for (const { done } of calls) done()
  await leaving
  expect(calls.map(({ text }) => text)).toEqual(['one', 'two'])
  expect(told(server, 1, 'puback', 'disconnect')).toEqual(['puback 1', 'puback 2', 'disconnect'])
})

test('sends what handlers publish before they finish', async () => {
  const { server, client } = await scriptedClient()
  client.subscribe('work', () => client.publish('result', 'done', { qos: 1 }), { qos: 1, ack: 'after-handler' })
  await client.connect()
  server.publish('work', '', { qos: 1, messageId: 1 })
  await server.waitFor('publish')
  await client.disconnect({ handlers: 'finish' })
  expect(told(server, 1, 'publish', 'puback', 'disconnect')).toEqual(['publish done 2', 'puback 1', 'disconnect'])
})

test('lets handlers finish also if the subscriptions are being restored', async () => {
  const { server, client } = await scriptedClient({ script: { suback: false } })
  const calls = working(client)
  void client.connect().catch(() => {})
  await server.waitFor('subscribe')
  server.publish('work', 'of a kept session', { qos: 1, messageId: 1 })
  await until(() => calls.length === 1)
  const leaving = client.disconnect({ handlers: 'finish' })
  expect(await isPending(leaving)).toBe(true)
  server.send({ cmd: 'suback', messageId: 1, granted: [2] })
  expect(await isPending(leaving), 'restored').toBe(true)
  calls[0]?.done()
  await leaving
  expect(told(server, 1, 'puback', 'disconnect')).toEqual(['puback 1', 'disconnect'])
})

test('waits no longer than the timeout, and leaves what is not finished unacked', async () => {
  const clock = createTestClock()
  const { server, client } = await scriptedClient({ clock, now: clock.now, connect: { keepalive: 0 } })
  const calls = working(client)
  await client.connect()
  server.publish('work', 'endless', { qos: 1, messageId: 1 })
  await until(() => calls.length === 1)
  const leaving = client.disconnect({ handlers: 'finish', timeout: 2_000 })
  await turns()
  clock.tick(2_000)
  await leaving
  expect(told(server, 1, 'puback', 'disconnect')).toEqual(['disconnect'])
})

test('hands messages over again on the next connection', async () => {
  const { server, client } = await scriptedClient()
  const calls = working(client)
  await client.connect()
  await client.disconnect({ handlers: 'finish' })
  await client.connect()
  server.publish('work', 'next', { qos: 1, messageId: 1 })
  await until(() => calls.length === 1)
  calls[0]?.done()
  expect(await server.waitFor('puback')).toMatchObject({ messageId: 1 })
})

const mqtt5 = [
  [{}, { reasonCode: 0 }],
  [{ reasonCode: 0x04 }, { reasonCode: 4 }],
  [{ sessionExpiry: 0 }, { properties: { sessionExpiryInterval: 0 } }],
  [{ sessionExpiry: 1_500 }, { properties: { sessionExpiryInterval: 2 } }],
  [{ sessionExpiry: Number.POSITIVE_INFINITY }, { properties: { sessionExpiryInterval: 0xffffffff } }],
  [
    { reasonCode: 0x04, userProperties: { why: 'update', tags: ['a', 'ü'.repeat(100)] } },
    { reasonCode: 4, properties: { userProperties: { why: 'update', tags: ['a', 'ü'.repeat(100)] } } },
  ],
] as const satisfies readonly (readonly [DisconnectOptions, object])[]

test.each(mqtt5)('sends %j in the DISCONNECT of MQTT 5', async (options, expected) => {
  const { server, client } = await scriptedClient()
  await client.connect()
  await client.disconnect(options)
  expect(server.received('disconnect')).toMatchObject([expected])
  await client.connect()
  await client.disconnect()
  expect(server.received('disconnect')[1]).not.toMatchObject({ properties: {} })
})

test('closes the connection of MQTT 3.1.1 without a DISCONNECT for 0x04, so that the broker publishes the will', async () => {
  const { server, client } = await scriptedClient({ version: 4 })
  await client.connect()
  await client.disconnect({ reasonCode: 0x04 })
  await until(() => server.openSockets === 0)
  expect(server.received('disconnect')).toEqual([])
})

test.each([
  [4, { sessionExpiry: 0 }, 'sessionExpiry'],
  [4, { userProperties: { a: 'b' } }, 'userProperties'],
  [5, { sessionExpiry: 1_000 }, 'sessionExpiry'],
  [5, { reasonCode: 0x80 as 0x04 }, 'reasonCode'],
  [5, { handlers: 'wait' as 'finish' }, 'handlers'],
] as const)('MQTT version %s: refuses %j, and stays connected', async (version, options, option) => {
  const { client } = await scriptedClient({ version, connect: { clean: true } })
  await client.connect()
  expect(await rejection(client.disconnect(options))).toMatchObject({ name: 'InvalidOptionError', option })
  expect(client.isConnected).toBe(true)
})

test('once calls its handler for the next event only', async () => {
  const { client } = await scriptedClient()
  const states: string[] = []
  client.once('stateChanged', ({ to }) => void states.push(to))
  client.once('stateChanged', () => void states.push('never'))()
  expect([client.status.server, client.status.clientId]).toEqual([undefined, undefined])
  await client.connect()
  expect(states).toEqual(['connecting'])
})

test('the status names server and client id, without secrets', async () => {
  const { server, client } = await scriptedClient({ connect: { username: 'me', password: 'planted' } })
  await client.connect()
  expect(client.status).toMatchObject({ server: server.url, clientId: 'test' })
})
