import { describe, expect, test } from 'vitest'

import type { Message, ResilientMqttClient, SubscribeOptions } from '../../src/index.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, sessionIs, versions } from '../support/scripted-client.ts'

/** Subscribes a handler that notes what it gets under a name. */
function noting(client: ResilientMqttClient, got: string[]) {
  return (name: string, options?: SubscribeOptions, filter = 'a/#') =>
    client.subscribe(filter, (message: Message) => void got.push(`${name} ${message.text()}`), options)
}

/** What arrived since the last time, after everything that was sent has arrived. */
async function taken(server: ScriptedServer, client: ResilientMqttClient, got: string[]): Promise<string[]> {
  const end = client.subscribe('end', () => {}, { retainHandling: 2 })
  await end.ready
  const ended = new Promise((resolve) => client.subscribe('end', resolve, { retainHandling: 2 }))
  server.publish('end', '')
  await ended
  return got.splice(0).toSorted()
}

const retain = { retain: true } as const

/** The Retain Handling of each SUBSCRIBE. MQTT 3.1.1 has none. */
function handlings(server: ScriptedServer): unknown[] {
  return server.received('subscribe').flatMap(({ subscriptions }) => subscriptions.map(({ rh = 0 }) => rh))
}

describe.each(versions)('retained messages, MQTT version $version', ({ version }) => {
  test('come to a handler that joins, and not again to the others', async () => {
    const { server, client } = await scriptedClient({ version })
    const got: string[] = []
    const note = noting(client, got)
    note('first')
    await client.connect()
    server.publish('a/1', 'one', retain)
    expect(await taken(server, client, got)).toEqual(['first one'])

    const second = note('second')
    await second.ready
    expect(server.received('subscribe').filter(({ subscriptions }) => subscriptions[0]?.topic === 'a/#')).toHaveLength(
      2,
    )
    server.publish('a/1', 'one', retain)
    server.publish('a/1', 'new')
    expect(await taken(server, client, got)).toEqual(['first new', 'second new', 'second one'])
  })

  test('that were still on their way to the first handler reach it', async () => {
    const { server, client } = await scriptedClient({ version })
    const got: string[] = []
    const note = noting(client, got)
    note('first')
    await client.connect()
    server.publish('a/1', 'one', retain)
    await until(() => got.length > 0)
    await note('second').ready
    // The rest of the first SUBSCRIBE, and then what the second one brings.
    server.publish('a/2', 'two', retain)
    server.publish('a/1', 'one', retain)
    server.publish('a/2', 'two', retain)
    expect(await taken(server, client, got)).toEqual(['first one', 'first two', 'second one', 'second two'])
  })

  test('come to a handler that joins before the SUBACK', async () => {
    const { server, client } = await scriptedClient({ version, script: { suback: false } })
    await client.connect()
    const got: string[] = []
    const note = noting(client, got)
    const first = note('first')
    const { messageId = 0 } = await server.waitFor('subscribe')
    server.publish('a/1', 'one', retain)
    await until(() => got.length > 0)
    const second = note('second')
    server.send({ cmd: 'suback', messageId, granted: [0] })
    expect(await first.ready).toBe(0)
    const again = await server.waitFor('subscribe', { count: 2 })
    server.publish('a/1', 'one', retain)
    server.send({ cmd: 'suback', messageId: again.messageId ?? 0, granted: [0] })
    expect(await second.ready).toBe(0)
    await turns()
    expect(got).toEqual(['first one', 'second one'])
  })

  test('do not come to those that subscribed long ago, also if the QoS is raised for another one', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({ version, clock, now: clock.now, connect: { keepalive: 0 } })
    const got: string[] = []
    const note = noting(client, got)
    note('first')
    await client.connect()
    clock.tick(60_000)
    await note('second', { qos: 1 }).ready
    server.publish('a/1', 'one', retain)
    expect(await taken(server, client, got)).toEqual(['second one'])
  })

  test('come to all handlers if none has joined, however often, and after all that a SUBSCRIBE has brought', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({ version, clock, now: clock.now, connect: { keepalive: 0 } })
    const got: string[] = []
    const note = noting(client, got)
    note('first')
    await client.connect()
    server.publish('a/1', 'one', retain)
    server.publish('a/1', 'one', retain)
    expect(await taken(server, client, got)).toEqual(['first one', 'first one'])
    await note('second').ready
    clock.tick(60_000)
    server.publish('a/1', 'one', retain)
    expect(await taken(server, client, got)).toEqual(['first one', 'second one'])
  })

  test('come to all handlers again after a lost session', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(false) })
    const got: string[] = []
    const note = noting(client, got)
    note('first')
    await client.connect()
    await note('second').ready
    const again = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await again
    server.publish('a/1', 'one', retain)
    expect(await taken(server, client, got)).toEqual(['first one', 'second one'])
  })

  test('are not asked for by handlers that do not want them', async () => {
    const { server, client } = await scriptedClient({ version })
    const note = noting(client, [])
    note('first')
    await client.connect()
    await Promise.all([note('second', { retainHandling: 1 }).ready, note('third', { retainHandling: 2 }).ready])
    note('shared', {}, '$share/g/a')
    await note('shared', {}, '$share/g/a').ready
    note('fourth', {}, '$share/g/a')
    await turns()
    expect(server.received('subscribe')).toHaveLength(2)
  })
})

test('are asked for with Retain Handling only for a handler that joins', async () => {
  const { server, client } = await scriptedClient({ version: 5, script: sessionIs(true) })
  const note = noting(client, [])
  note('first')
  await client.connect()
  await note('second', { qos: 1, retainHandling: 2 }).ready
  await note('third', { qos: 2, retainHandling: 1 }).ready
  await note('fourth').ready
  expect(handlings(server)).toEqual([0, 2, 1, 0])
})

test('with their flag as published come to all handlers, because others may have it, too', async () => {
  const { server, client } = await scriptedClient({ version: 5 })
  const got: string[] = []
  const note = noting(client, got)
  note('first', { retainAsPublished: true })
  await client.connect()
  await note('second').ready
  server.publish('a/1', 'one', retain)
  server.publish('a/1', 'one', retain)
  expect(await taken(server, client, got)).toEqual(['first one', 'first one', 'second one', 'second one'])
})

describe('the same handler', () => {
  test('for the same filter is subscribed once, with one warning', async () => {
    const { server, client, lines } = await scriptedClient({ script: sessionIs(false) })
    const got: string[] = []
    const handler = (message: Message) => void got.push(message.text())
    const results = new Set<unknown>()
    client.on('connected', () => {
      results.add(client.subscribe('a', handler, { qos: 1, ack: 'after-handler', retry: { maxAttempts: 2 } }))
    })
    await client.connect()
    for (const n of [2, 3]) {
      server.kick()
      await server.waitFor('connect', { count: n })
      await until(() => client.status.state === 'connected')
    }
    await until(() => client.status.subscriptions.held === 1)
    server.publish('a', 'once')
    await until(() => got.length > 0)
    await turns()
    expect([got, results.size]).toEqual([['once'], 1])
    expect(lines.filter(({ message }) => message.includes('subscribed already'))).toMatchObject([
      { level: 'warn', details: { filter: 'a' } },
    ])
  })

  test.each([
    ['another filter', 'b', {}],
    ['other options', 'a', { retainHandling: 2 }],
  ] as const)('for %s is subscribed', async (_what, filter, options) => {
    const { client, lines } = await scriptedClient()
    const handler = () => {}
    expect(client.subscribe('a', handler)).not.toBe(client.subscribe(filter, handler, options))
    expect(lines).toEqual([])
  })

  test('is subscribed anew after an unsubscribe, and asked for again after a refusal', async () => {
    const { server, client } = await scriptedClient({ script: [{ suback: { a: 0x8f } }] })
    const handler = () => {}
    client.subscribe('a', handler).unsubscribe()
    const second = client.subscribe('a', handler)
    const refused = second.ready.catch(({ name }: Error) => name)
    await client.connect()
    expect(await refused).toBe('SubscriptionRefusedError')
    const third = client.subscribe('a', handler)
    expect(third).not.toBe(second)
    await server.waitFor('subscribe', { count: 2 })
  })
})
