import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'

import type { ConnectOptions, Message, ResilientMqttClient, ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { isPending, turns } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const textOf = (message: Message) => message.text()

/** Answers the n-th request, if it has a response topic. */
async function answer(server: ScriptedServer, payload: string, n = 1): Promise<void> {
  const { properties } = await server.waitFor('publish', { count: n })
  const { responseTopic, correlationData } = properties ?? {}
  if (!responseTopic || !correlationData) throw new Error('the request has no response topic')
  server.publish(responseTopic, payload, { properties: { correlationData } })
}

const v5 = { protocolVersion: 5 } as const
const kept = { protocolVersion: 5, clean: false, clientId: 'me' } as const

describe('a response topic shared with other clients', () => {
  const correlationOf = (server: ScriptedServer, n: number) =>
    server.received('publish')[n - 1]?.properties?.correlationData?.toString()

  test.each<[string, Partial<ResilientMqttClientOptions>, string | undefined]>([
    ['of the client', { responseTopic: 'shared' }, undefined],
    ['of the request', {}, 'shared'],
  ])('%s: each client gets its own answer', async (_, options, responseTopic) => {
    const server = await startServer()
    const clients = [1, 2].map(() => startClient({ url: server.url, options: v5, ...options }).client)
    await Promise.all(clients.map((client) => client.connect()))
    const responses: Promise<string>[] = []
    for (const [i, client] of clients.entries()) {
      responses.push(client.request('service', `${i}`, responseTopic ? { responseTopic } : {}).then(textOf))
      await server.waitFor('publish', { count: i + 1 })
    }
    expect(correlationOf(server, 1)).not.toBe(correlationOf(server, 2))
    await answer(server, 'of the second', 2)
    await turns()
    await answer(server, 'of the first', 1)
    expect(await Promise.all(responses)).toEqual(['of the first', 'of the second'])
  })

  test.each<[string, Partial<ResilientMqttClientOptions>]>([
    ['the same by default', {}],
    ['given', { responseTopic: 'device/responses' }],
  ])('%s: ignores responses that were meant for an earlier process', async (_, options) => {
    const server = await startServer({ script: (_connection, n) => ({ connack: { sessionPresent: n > 1 } }) })
    const start = () => startClient({ url: server.url, options: kept, ...options }).client
    const before = start()
    await before.connect()
    void rejection(before.request('service', 'before'))
    await server.waitFor('publish')
    await before[Symbol.asyncDispose]()
    const after = start()
    await after.connect()
    const response = after.request('service', 'after').then(textOf)
    await server.waitFor('publish', { count: 2 })
    await answer(server, 'late', 1)
    await turns()
    await answer(server, 'on time', 2)
    expect(await response).toBe('on time')
  })
})

describe('ignores a retained message as a response', () => {
  test.each([4, 5] as const)('MQTT version %d', async (protocolVersion) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, options: { protocolVersion } })
    await client.connect()
    const response = client.request('service', '', { responseTopic: 'status' }).then(textOf)
    const { subscriptions } = await server.waitFor('subscribe')
    expect(subscriptions[0]?.rh).toBe(protocolVersion === 5 ? 2 : undefined)
    await server.waitFor('publish')
    server.publish('status', 'of yesterday', { retain: true })
    server.publish('status', 'of today')
    expect(await response).toBe('of today')
  })
})

describe('before the first connection', () => {
  const asks = (client: ResilientMqttClient, responseTopic?: string) =>
    client.request('service', '', { timeout: 5_000, ...(responseTopic && { responseTopic }) })

  test.each<[string, ConnectOptions | (() => ConnectOptions), string | undefined, boolean]>([
    ['MQTT 5 by an object', v5, undefined, true],
    ['MQTT 5 by a function', () => v5, undefined, true],
    ['MQTT 5 by a function, with a topic', () => v5, 'mine', true],
    ['MQTT 3.1.1 by an object, with a topic', {}, 'mine', false],
    ['MQTT 3.1.1 by a function, with a topic', () => ({}), 'mine', false],
  ])('%s: a request waits and is then sent', async (_, options, responseTopic, correlated) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, options })
    const response = asks(client, responseTopic).then(textOf)
    expect(await isPending(response)).toBe(true)
    await client.connect()
    const { properties } = await server.waitFor('publish')
    expect(properties?.correlationData !== undefined).toBe(correlated)
    if (correlated) await answer(server, 'yes')
    else server.publish('mine', 'yes')
    expect(await response).toBe('yes')
  })

  test.each<[string, ConnectOptions | (() => ConnectOptions), boolean]>([
    ['an object', {}, false],
    ['a function', () => ({}), true],
  ])('MQTT 3.1.1 by %s, without a topic: rejects as soon as the version is known', async (_, options, waits) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, options })
    const response = rejection(asks(client))
    expect(await isPending(response)).toBe(waits)
    await client.connect()
    expect(await response).toMatchObject({ name: 'InvalidOptionError', option: 'responseTopic' })
    expect(server.received('publish')).toEqual([])
  })

  test.each<[string, (end: { abort(): void; tick(): void; dispose(): unknown }) => unknown, string]>([
    ['the timeout', ({ tick }) => tick(), 'TimeoutError'],
    ['the signal', ({ abort }) => abort(), 'AbortError'],
    ['the end of the client', ({ dispose }) => dispose(), 'ClientDisposedError'],
  ])('%s ends the wait, and the request is never sent', async (what, end, expected) => {
    const server = await startServer()
    const clock = createTestClock()
    const { client } = startClient({ url: server.url, clock, now: clock.now, options: () => v5 })
    const controller = new AbortController()
    const response = rejection(client.request('service', '', { timeout: 1_000, signal: controller.signal }))
    await end({
      abort: () => controller.abort(),
      tick: () => clock.tick(1_000),
      dispose: () => client[Symbol.asyncDispose](),
    })
    expect(await response).toMatchObject({ name: expected })
    if (what === 'the end of the client') return
    await client.connect()
    await turns()
    expect([...server.received('subscribe'), ...server.received('publish')]).toEqual([])
  })
})

describe('the default response topic', () => {
  /** The response topic in a new process. */
  async function topicOf(server: ScriptedServer, options: Partial<ResilientMqttClientOptions>): Promise<string> {
    const { client } = startClient({ url: server.url, ...options })
    const count = server.received('subscribe').length + 1
    const response = rejection(client.request('service', ''))
    await client.connect()
    const { subscriptions } = await server.waitFor('subscribe', { count })
    await client[Symbol.asyncDispose]()
    await response
    return subscriptions[0]?.topic ?? ''
  }

  test.each<[string, () => Partial<ResilientMqttClientOptions>, string | RegExp]>([
    ['a session that is not kept', () => ({ options: v5 }), /^response\/\w{20}$/],
    ['the same, by a function', () => ({ options: () => v5 }), /^response\/\w{20}$/],
    ['a kept session', () => ({ options: kept }), 'response/me'],
    ['the same, by a function', () => ({ options: () => kept }), 'response/me'],
    ['a client id that is no topic', () => ({ options: { ...kept, clientId: '+a/#%' } }), 'response/%2Ba/%23%25'],
    ['a topic that was given', () => ({ options: kept, responseTopic: 'mine' }), 'mine'],
  ])('of %s', async (_, options, expected) => {
    const server = await startServer()
    const topics = [await topicOf(server, options()), await topicOf(server, options())]
    if (typeof expected === 'string') expect(topics).toEqual([expected, expected])
    else {
      for (const topic of topics) expect(topic).toMatch(expected)
      expect(topics[0]).not.toBe(topics[1])
    }
  })

  test('of a client id that a store keeps', async () => {
    const server = await startServer()
    const views = { keyEncoding: 'view', valueEncoding: 'view' } as const
    const store = new MemoryLevel<Uint8Array, Uint8Array>(views)
    const options = { store, options: { ...v5, clean: false } }
    const topics = [await topicOf(server, options), await topicOf(server, options)]
    const [{ clientId } = { clientId: '' }] = server.received('connect')
    expect(clientId).not.toBe('')
    expect(topics).toEqual([`response/${clientId}`, `response/${clientId}`])
  })
})
