import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'

import { createConnectionMachine } from '../../src/embedded-machine.ts'
import { ConnectionFailedError, type ResilientMqttClientOptions } from '../../src/index.ts'
import { isPending, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const nothing = () => {}

/** Gives up after the first attempt, because the server is down. The test can start it again. */
async function givesUp(options: Partial<ResilientMqttClientOptions> = {}) {
  const server = await startServer()
  await server.close()
  return { server, ...startClient({ url: server.url, ...once, ...options }) }
}

describe('a client that gives up', () => {
  test('rejects pending publishes, requests and `ready` with the reason', async () => {
    const { client } = await givesUp()
    const subscription = client.subscribe('a', nothing)
    const iterated = client.subscribe('b')
    const pending = [
      ...([0, 1, 2] as const).map((qos) => client.publish('a', '', { qos })),
      client.request('c', '', { responseTopic: 'd' }),
      subscription.ready,
      iterated.ready,
    ]
    const settled = outcomes(pending)
    await client.connect().catch(nothing)
    expect(await settled).toEqual(range(6).map(() => 'ConnectionFailedError'))
    await expect(pending[0]).rejects.toMatchObject({ failure: { kind: 'socket', code: 'ECONNREFUSED' } })
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
    expect(client.status.subscriptions.wanted).toBe(3 - 1)
  })

  test('rejects new calls at once while it is in `failed`', async () => {
    const { client } = await givesUp()
    await client.connect().catch(nothing)
    const asked = [
      client.publish('a', '', { qos: 1 }),
      client.publish('a', '', { qos: 1 }).accepted,
      client.request('c', '', { responseTopic: 'd' }),
      client.subscribe('a', nothing).ready,
    ]
    expect(await outcomes(asked)).toEqual(range(4).map(() => 'ConnectionFailedError'))
    expect(client.status.state).toBe('failed')
    expect(client.outbox.size).toBe(0)
  })

  test('keeps subscriptions: the next connection restores them, loops continue, and `ready` is a new promise', async () => {
    const { server, client } = await givesUp()
    const received: string[] = []
    const handled = client.subscribe('a', ({ topic }) => received.push(topic))
    const iterated = client.subscribe('b')
    const loop = iterated[Symbol.asyncIterator]()
    const next = loop.next()
    await client.connect().catch(nothing)
    expect(await outcomes([handled.ready, iterated.ready])).toEqual(['ConnectionFailedError', 'ConnectionFailedError'])
    expect(await isPending(next)).toBe(true)
    await server.listen()
    await client.connect()
    expect(await outcomes([handled.ready, iterated.ready])).toEqual(['done', 'done'])
    server.publish('a', '')
    server.publish('b', '')
    expect((await next).value?.topic).toBe('b')
    await until(() => received.length === 1)
    await client.publish('a', '', { qos: 1 })
  })

  test('resumes periodic requests with a response afterwards', async () => {
    const { server, client } = await givesUp()
    const errors: unknown[] = []
    client.on('error', ({ error }) => errors.push(error))
    client.startPeriodicRequests({ topic: 'p', payload: '', interval: 60_000, response: { filter: 'r' } })
    await client.connect().catch(nothing)
    await server.listen()
    await client.connect()
    await server.waitFor('publish')
    expect(errors).toEqual([])
  })

  test('rejects publishes in flight, and keeps earlier subscriptions as they are', async () => {
    const server = await startServer({ script: { puback: false } })
    const { client } = startClient({ url: server.url, ...once })
    const { ready } = client.subscribe('a', nothing)
    await client.connect()
    const published = outcomes(([1, 2] as const).map((qos) => client.publish('a', '', { qos })))
    await server.waitFor('publish', { count: 2 })
    await server.close()
    expect(await published).toEqual(['ConnectionFailedError', 'ConnectionFailedError'])
    expect(await ready).toBe(0)
    expect(client.outbox.inFlight).toBe(0)
  })

  test('rejects nothing while a recovery follows', async () => {
    const { client } = await givesUp({ recovery: { enabled: true, maxAttempts: 1 } })
    const published = client.publish('a', '', { qos: 1 })
    void client.connect().catch(nothing)
    await until(() => client.status.state === 'recovering')
    expect(await isPending(published)).toBe(true)
  })

  test('keeps all calls waiting for a RETRY with `wait`', async () => {
    const { server, client } = await givesUp({ onGiveUp: 'wait' })
    const before = client.publish('a', '', { qos: 1 })
    const { ready } = client.subscribe('a', nothing)
    await client.connect().catch(nothing)
    const after = client.publish('a', '', { qos: 1 })
    expect(await isPending(Promise.race([before, ready, after]))).toBe(true)
    await server.listen()
    client.resetReconnect()
    await Promise.all([before, ready, after])
  })

  test.each(['idle', 'disconnected'] as const)('keeps publishes waiting in `%s`', async (state) => {
    const { client } = await givesUp()
    if (state === 'disconnected') {
      await client.connect().catch(nothing)
      await client.disconnect()
    }
    expect(client.status.state).toBe(state)
    expect(await isPending(client.publish('a', '', { qos: 1 }))).toBe(true)
    expect(client.outbox.size).toBe(1)
  })

  test('treats an error that ends the machine the same, and `connect()` works afterwards', async () => {
    const server = await startServer({ script: [{ puback: false }, {}] })
    const { client } = startClient({ url: server.url, ...once })
    await client.connect()
    const pending = outcomes([client.publish('a', '', { qos: 1 })])
    await server.waitFor('publish')
    client.actor.send({ type: 'PERIODIC.START' } as never)
    expect(client.status).toMatchObject({ state: 'failed', lastFailure: { kind: 'internal' } })
    expect(await pending).toEqual(['ConnectionFailedError'])
    expect(await outcomes([client.publish('a', '')])).toEqual(['ConnectionFailedError'])
    await client.connect()
    await client.publish('a', '', { qos: 1 })
  })

  test('behaves the same with a machine of the application', async () => {
    const server = await startServer()
    await server.close()
    const connection = createConnectionMachine({ url: server.url, ...once })
    const actor = createActor(connection.machine, { input: connection.input }).start()
    const published = connection.publish('a', '', { qos: 1 })
    const settled = outcomes([published])
    actor.send({ type: 'CONNECT' })
    expect(await settled).toEqual(['ConnectionFailedError'])
    await expect(connection.publish('a', '')).rejects.toBeInstanceOf(ConnectionFailedError)
    actor.stop()
    connection[Symbol.dispose]()
  })
})
