import { describe, expect, test } from 'vitest'

import { createTestClock, type Script } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const refusing: Script = { connack: { reasonCode: 3 } }

describe('wake', () => {
  test('detects a half-open connection', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: [{ pingresp: false }, {}] })
    const { client, heard, next } = startClient({ url: server.url, clock })
    await client.connect()
    client.wake()
    client.wake()
    await server.waitFor('pingreq')
    clock.tick(4_999)
    expect(client.isConnected).toBe(true)
    clock.tick(1)
    expect(heard('connectionInterrupted')).toEqual([{ failure: { kind: 'timeout', phase: 'probe' } }])
    expect(server.received('pingreq')).toHaveLength(1)
    clock.tick(1_000)
    await next('connectionResumed', 1)
  })

  test('keeps a connection that answers', async () => {
    const clock = createTestClock()
    const server = await startServer()
    const { client, heard } = startClient({ url: server.url, clock, options: { keepalive: 0 } })
    await client.connect()
    const before = clock.pending
    client.wake()
    await server.waitFor('pingreq')
    await until(() => clock.pending === before, 'the answer')
    await clock.tickAsync(60_000)
    expect(client.isConnected).toBe(true)
    expect(heard('connectionInterrupted')).toEqual([])
  })

  test('ends a wait early without counting an attempt', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: refusing })
    const { client, next, heard } = startClient({ url: server.url, clock })
    const connected = client.connect()
    await next('reconnectScheduled', 1)
    client.wake()
    await next('reconnectScheduled', 2)
    expect(heard('reconnectScheduled').map(({ attempt }) => attempt)).toEqual([1, 1])
    server.setScript({})
    client.wake()
    await connected
    expect(server.connections).toHaveLength(3)
    expect(clock.now()).toBe(0)
  })

  test.each(['idle', 'disconnected', 'failed'] as const)('does nothing in %s', async (state) => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client } = startClient({ url: server.url })
    if (state === 'failed') await rejection(client.connect())
    if (state === 'disconnected') {
      server.setScript({})
      await client.connect()
      await client.disconnect()
    }
    const before = server.connections.length
    client.wake()
    await turns(10)
    expect(client.status.state).toBe(state)
    expect(server.connections).toHaveLength(before)
  })
})

describe('resetReconnect', () => {
  test('connects at once and resets the counters', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: refusing })
    const { client, next, heard } = startClient({ url: server.url, clock, random: () => 1 })
    const connected = client.connect()
    await next('reconnectScheduled', 1)
    clock.tick(1_000)
    await next('reconnectScheduled', 2)
    client.resetReconnect()
    await next('reconnectScheduled', 3)
    expect(heard('reconnectScheduled').map(({ attempt, delay }) => [attempt, delay])).toEqual([
      [1, 1_000],
      [2, 2_000],
      [1, 1_000],
    ])
    server.setScript({})
    client.resetReconnect()
    await connected
  })

  test('leaves the state failed', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client } = startClient({ url: server.url })
    await rejection(client.connect())
    server.setScript({})
    client.resetReconnect()
    await client.waitFor('connected')
    expect(client.isConnected).toBe(true)
  })
})

describe('recover', () => {
  test('recreates the client of an open connection without reporting an interruption', async () => {
    const server = await startServer()
    let evaluated = 0
    const { client, heard, next } = startClient({
      url: server.url,
      options: () => ({ clientId: `client-${++evaluated}` }),
    })
    await client.connect()
    client.recover()
    await next('connected')
    expect(server.received('connect').map(({ clientId }) => clientId)).toEqual(['client-1', 'client-2'])
    expect(server.received('disconnect')).toHaveLength(1)
    expect(heard('connectionInterrupted')).toEqual([])
    await server.waitFor(() => server.openSockets === 1)
  })

  test('ends a wait early and recreates the client', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
    const { client, next } = startClient({ url: server.url, clock })
    const connected = client.connect()
    await next('reconnectScheduled', 1)
    client.recover()
    await connected
    expect(clock.now()).toBe(0)
  })
})

describe('periodic requests', () => {
  test('start and stop with the connection, and resume automatically', async () => {
    const clock = createTestClock()
    const server = await startServer()
    const { client, next } = startClient({ url: server.url, clock, now: clock.now, options: { keepalive: 0 } })
    let made = 0
    const handle = client.startPeriodicRequests({ topic: 'ask', payload: () => `${++made}`, interval: 1_000 })
    await turns()
    expect(made).toBe(0)
    await client.connect()
    await server.waitFor('publish', { count: 1 })
    for (let count = 2; count <= 4; count++) {
      await clock.tickAsync(1_000)
      await server.waitFor('publish', { count })
    }

    server.kick()
    await next('reconnectScheduled', 1)
    server.setScript(refusing)
    for (let attempt = 2; attempt <= 5; attempt++) {
      clock.tick((client.status.nextRetryAt ?? 0) - clock.now())
      await next('reconnectScheduled', attempt)
    }
    expect(made, 'silent while offline').toBe(4)
    expect(client.outbox.size, 'and never queued').toBe(0)

    server.setScript({})
    client.resetReconnect()
    await client.connect()
    await server.waitFor('publish', { count: 5 })
    await turns(10)
    expect(made, 'one at once, without a flood').toBe(5)

    handle.stop()
    handle.stop()
    await clock.tickAsync(10_000)
    expect(server.received('publish').map(({ payload }) => String(payload))).toEqual(['1', '2', '3', '4', '5'])
  })

  test('pause and resume', async () => {
    const clock = createTestClock()
    const server = await startServer()
    const { client } = startClient({ url: server.url, clock, now: clock.now, options: { keepalive: 0 } })
    await client.connect()
    const handle = client.startPeriodicRequests({ topic: 'ask', payload: 'x', interval: 1_000 })
    await server.waitFor('publish')
    handle.pause()
    await clock.tickAsync(5_000)
    expect(server.received('publish')).toHaveLength(1)
    handle.resume()
    await server.waitFor('publish', { count: 2 })
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['returns an invalid payload', () => 7 as never],
  ])('continue with the next request after a payload function that %s', async (_, broken) => {
    const clock = createTestClock()
    const server = await startServer()
    const { client } = startClient({ url: server.url, clock, now: clock.now, options: { keepalive: 0 } })
    await client.connect()
    let n = 0
    client.startPeriodicRequests({ topic: 'ask', payload: () => (++n <= 2 ? broken() : 'good'), interval: 1_000 })
    await clock.tickAsync(1_000)
    await clock.tickAsync(1_000)
    expect(String((await server.waitFor('publish')).payload)).toBe('good')
  })

  const bad: [object, string][] = [
    [{ topic: 'a/#' }, 'topic must not contain wildcards, got "a/#"'],
    [{ interval: 0 }, 'interval must be more than 0 milliseconds, got 0'],
    [{ interval: Number.NaN }, 'interval must be more than 0 milliseconds, got NaN'],
    [{ jitter: 2 }, 'jitter must be between 0 and 1, got 2'],
    [{ qos: 3 }, 'qos must be 0, 1 or 2, got 3'],
  ]
  test.each(bad)('%o: %s', (options, message) => {
    const { client } = startClient({ url: 'mqtt://127.0.0.1' })
    expect(() => client.startPeriodicRequests({ topic: 'a', payload: '', interval: 1, ...options })).toThrow(message)
  })
})
