import { describe, expect, test } from 'vitest'

import type { Message } from '../../src/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

/** A handler that finishes, or fails, when the test says so. */
function byHand() {
  const started: string[] = []
  const ends = new Map<string, { done: () => void; failed: () => void }>()
  const handler = (message: Message) =>
    new Promise<void>((resolve, reject) => {
      started.push(message.text())
      ends.set(message.text(), { done: resolve, failed: () => reject(new Error('not now')) })
    })
  return { started, handler, end: (name: string, how: 'done' | 'failed' = 'done') => ends.get(name)?.[how]() }
}

describe.each(versions)("ack: 'after-handler', MQTT version $version", ({ version }) => {
  test.each([
    { qos: 1, ack: 'puback' },
    { qos: 2, ack: 'pubcomp' },
  ] as const)('QoS $qos: acknowledged when the handler is done, in the order of the messages', async ({ qos, ack }) => {
    const { server, client } = await scriptedClient({ version })
    const { started, handler, end } = byHand()
    client.subscribe('a', handler, { qos, ack: 'after-handler' })
    client.subscribe('b', () => {}, { qos })
    await client.connect()
    for (const name of ['1', '2', '3']) server.publish('a', name, { qos })
    server.publish('b', 'at once', { qos })
    await until(() => started.length === 3)
    end('2')
    end('3')
    await turns()
    expect(told(server, 1, ack)).toEqual([])
    end('1')
    await server.waitFor(ack, { count: 4 })
    expect(told(server, 1, ack)).toEqual([1, 2, 3, 4].map((id) => `${ack} ${id}`))
  })

  test.each([
    { when: 'while the connection is down', again: ['1'] },
    { when: 'after the reconnect', again: ['1'] },
  ])('delivers QoS 2 exactly once when the handler finishes $when', async ({ when, again }) => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(true) })
    const { started, handler, end } = byHand()
    client.subscribe('a', handler, { qos: 2, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 2 })
    await until(() => started.length === 1)
    const connected = new Promise((resolve) => client.on('connected', resolve))
    if (when === 'while the connection is down') client.on('connectionInterrupted', () => end('1'))
    server.kick()
    await connected
    server.send({ cmd: 'pubrel', messageId: 1 })
    await turns()
    end('1')
    await server.waitFor('pubcomp')
    expect(started).toEqual(again)
    // Then the same id belongs to a new message.
    server.publish('a', '2', { qos: 2, messageId: 1 })
    await until(() => started.length === 2)
    end('2')
    await server.waitFor('pubcomp', { count: 2 })
  })

  test('sends no acknowledgements of a lost session', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(false) })
    const { started, handler, end } = byHand()
    client.subscribe('a', handler, { qos: 2, ack: 'after-handler' })
    await client.connect()
    server.publish('a', 'old', { qos: 2, messageId: 1 })
    server.publish('a', 'old 1', { qos: 1, messageId: 2 })
    await until(() => started.length === 2)
    const connected = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await connected
    end('old')
    end('old 1')
    server.publish('a', 'new', { qos: 2, messageId: 1 })
    await until(() => started.length === 3)
    await turns()
    expect(told(server, 2, 'puback', 'pubcomp')).toEqual([])
    end('new')
    await server.waitFor('pubcomp')
  })

  test('causes no deadlock when a handler publishes with QoS 1 and 2 and waits for the result', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: { connack: { properties: { receiveMaximum: 1 } } },
    })
    const done: string[] = []
    client.subscribe(
      'a',
      async (message) => {
        await client.publish('b', message.payload, { qos: 1 })
        await client.publish('c', message.payload, { qos: 2 })
        done.push(message.text())
      },
      { qos: 1, ack: 'after-handler' },
    )
    await client.connect()
    for (const i of range(5)) server.publish('a', `${i}`, { qos: 1 })
    await server.waitFor('puback', { count: 5 })
    expect(done).toEqual(range(5).map(String))
  })

  test("acknowledges at once with 'on-receipt', whatever the handler does", async () => {
    const { server, client, errors } = await scriptedClient({ version })
    client.subscribe('a', () => Promise.reject(new Error('broken')), { qos: 1 })
    client.subscribe(
      'a',
      () => {
        throw new Error('thrown')
      },
      { qos: 1 },
    )
    await client.connect()
    server.publish('a', '', { qos: 1 })
    await server.waitFor('puback')
    await turns()
    expect(errors.map(String).toSorted()).toEqual(['Error: broken', 'Error: thrown'])
  })

  test('sends no acknowledgement when a handler throws, and waits for any thenable', async () => {
    const { server, client } = await scriptedClient({ version })
    client.subscribe(
      'throws',
      () => {
        throw new Error('thrown')
      },
      { qos: 1, ack: 'after-handler' },
    )
    let resolve: (() => void) | undefined
    // oxlint-disable-next-line unicorn/no-thenable
    const thenable = { then: (done: () => void) => void (resolve = done) }
    client.subscribe('thenable', () => thenable, { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('thenable', '', { qos: 1 })
    server.publish('throws', '', { qos: 1 })
    await until(() => resolve)
    await turns()
    expect(told(server, 1, 'puback')).toEqual([])
    resolve?.()
    await server.waitFor('puback')
    expect(told(server, 1, 'puback')).toEqual(['puback 1'])
    await turns()
    // The handler that threw is called again later: see retry.test.ts.
    expect(told(server, 1, 'puback')).toEqual(['puback 1'])
  })
})
