import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createScriptedServer, type Script } from '../../testing/index.ts'

async function inMemory(script?: Script, options: Partial<ResilientMqttClientOptions> = {}) {
  const server = await createScriptedServer({ transport: 'memory', ...(script && { script }) })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { protocolVersion: 5, socket: server.socket },
    reconnect: { initialDelay: 0, maxDelay: 0, jitter: 'none' },
    ...options,
  })
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    await server.close()
  })
  return { server, client }
}

describe('a scripted server in memory', () => {
  test('receives what is published, and delivers messages', async () => {
    const { server, client } = await inMemory()
    const texts: string[] = []
    client.subscribe('lamp/set', (message) => texts.push(message.text()))
    await client.connect()
    expect([...server.subscriptions]).toEqual(['lamp/set'])
    await client.publish('lamp', 'on', { qos: 1 })
    expect(server.received('publish')).toMatchObject([{ topic: 'lamp', qos: 1 }])
    server.publish('lamp/set', 'off', { qos: 1 })
    await server.waitFor('puback')
    expect(texts).toEqual(['off'])
  })

  test('knows what is subscribed to now', async () => {
    const { server, client } = await inMemory({ suback: { refused: 0x87 } })
    const kept = client.subscribe('kept', () => {})
    const ended = client.subscribe('ended', () => {})
    client.subscribe('refused', () => {}).ready.catch(() => {})
    await client.connect()
    await Promise.all([kept.ready, ended.ready])
    ended.unsubscribe()
    await server.waitFor('unsubscribe')
    expect([...server.subscriptions]).toEqual(['kept'])
    server.kick()
    expect([...server.subscriptions]).toEqual(['kept'])
    await client.waitFor('reconnecting')
    expect([...server.subscriptions]).toEqual([])
  })

  test('passes on large payloads whole', async () => {
    const { server, client } = await inMemory()
    const sizes: number[] = []
    client.subscribe('large', ({ payload }) => sizes.push(payload.byteLength))
    await client.connect()
    await client.publish('large', Buffer.alloc(3_000_000, 1), { qos: 1 })
    server.publish('large', server.received('publish')[0]?.payload as Buffer, { qos: 1 })
    await server.waitFor('puback')
    expect(sizes).toEqual([3_000_000])
  })

  test.each([
    ['a FIN', 'close', { kind: 'closed' }],
    ['an RST', 'reset', { kind: 'socket', code: 'ECONNRESET' }],
    ['a DISCONNECT', { disconnect: { reasonCode: 0x8b } }, { kind: 'disconnected', reasonCode: 0x8b }],
    ['malformed bytes', 'malformed', { kind: 'protocol' }],
  ] as const)('ends a connection by %s', async (_, action, failure) => {
    const { server, client } = await inMemory()
    await client.connect()
    server.kick(action)
    await client.waitFor('reconnecting')
    expect(client.status.lastFailure).toMatchObject(failure)
    await client.waitFor('connected')
    await vi.waitFor(() => expect(server.openSockets).toBe(1))
  })

  test('refuses a connection by a reason code', async () => {
    const { client } = await inMemory({ connack: { reasonCode: 0x8a } })
    await expect(client.connect()).rejects.toThrow(/banned/i)
  })

  test('refuses connections while it is closed', async () => {
    const { server, client } = await inMemory()
    await server.close()
    void client.connect()
    await client.waitFor('reconnecting')
    expect(client.status.lastFailure).toMatchObject({ kind: 'socket', code: 'ECONNREFUSED' })
    await server.listen()
    await client.waitFor('connected')
  })

  test('sees that the client closes', async () => {
    const { server, client } = await inMemory()
    await client.connect()
    await client.disconnect()
    await server.waitFor(({ openSockets }) => openSockets === 0)
    expect(server.connections[0]?.ending).toMatchObject({ by: 'client', how: 'disconnect' })
  })

  test('has neither TLS nor a socket of another transport', async () => {
    const tls = { key: '', cert: '' }
    await expect(createScriptedServer({ transport: 'memory', tls })).rejects.toThrow('no TLS')
    await using server = await createScriptedServer()
    expect(() => server.socket()).toThrow("transport: 'memory'")
  })
})

describe('respond', () => {
  test('answers requests by their topic', async () => {
    const { client } = await inMemory({
      respond: { 'sum/+': ({ payload }) => `${String(payload)}!`, silent: () => undefined },
    })
    await client.connect()
    const [a, b] = await Promise.all([client.request('sum/a', '1', { qos: 1 }), client.request('sum/b', '2')])
    expect([a.text(), b.text()]).toEqual(['1!', '2!'])
    for (const topic of ['silent', 'other']) {
      await expect(client.request(topic, '1', { timeout: 1 })).rejects.toThrow('took')
    }
  })

  test('is a function for all topics, and ignores publishes without a Response Topic', async () => {
    const topics: string[] = []
    const { client } = await inMemory({ respond: ({ topic }) => void topics.push(topic) })
    await client.connect()
    await client.publish('no request', '1', { qos: 1 })
    await expect(client.request('request', '1', { timeout: 1 })).rejects.toThrow('took')
    expect(topics).toEqual(['request'])
  })
})
