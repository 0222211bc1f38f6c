import { describe, expect, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { createTestClock, type Script } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, once, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'
import { stubbornServer } from '../support/stubborn-server.ts'

const silent = { connack: false } as const

describe('connect', () => {
  test('resolves when the subscriptions are restored', async () => {
    const server = await startServer({ script: { steps: [{ at: 'subscribe', do: 'ignore' }] } })
    const { client, next } = startClient({ url: server.url })
    client.subscribe('a', () => {})
    let done = false
    const connected = client.connect().then(() => (done = true))
    const { messageId = 0 } = await server.waitFor('subscribe')
    await turns(10)
    expect(client.isConnected).toBe(true)
    expect(done).toBe(false)
    server.send({ cmd: 'suback', messageId, granted: [0] })
    expect(await next('connected', 1)).toEqual({ sessionPresent: false, restored: 1, refused: 0 })
    await connected
    expect(client.status).toMatchObject({
      state: 'connected',
      attempt: 0,
      cycle: 0,
      nextRetryAt: null,
      lastFailure: null,
    })
  })

  test('follows the same policy as every later attempt', async () => {
    const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, { connack: { reasonCode: 3 } }, {}] })
    const { client, path } = startClient({ ...atOnce, url: server.url })
    await client.connect()
    expect(server.connections).toHaveLength(3)
    const wait = ['connecting', 'reconnecting']
    expect(path()).toEqual(['idle', ...wait, ...wait, 'connecting', 'connected'])
    expect(client.status.counters).toMatchObject({ connects: 1, failedAttempts: 2, interruptions: 0 })
  })

  test('resolves at once when the connection is ready, and together with other calls', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    await Promise.all([client.connect(), client.connect(), client.connect()])
    await client.connect()
    expect(server.connections).toHaveLength(1)
  })

  test('rejects with the failure when the client gives up', async () => {
    const server = await startServer({
      script: { connack: { reasonCode: 0x8a, properties: { reasonString: 'go away' } } },
    })
    const { client, path } = startClient({ url: server.url, options: { protocolVersion: 5 } })
    const error = await rejection(client.connect())
    expect(error).toMatchObject({
      name: 'ConnectionFailedError',
      code: 'CONNECTION_FAILED',
      message: 'gave up: connection refused: banned (“go away”)',
      reasonCode: 0x8a,
      failure: { kind: 'refused', protocolVersion: 5, reasonCode: 0x8a, reasonString: 'go away' },
    })
    expect(client.status.state).toBe('failed')
    expect(path()).toEqual(['idle', 'connecting', 'failed'])
    // A further call tries again.
    server.setScript({})
    await client.connect()
  })

  test('rejects when attempts and cycles are used up', async () => {
    const server = await startServer({ script: { steps: [{ at: 'connect', do: 'close' }] } })
    const tier = { maxAttempts: 2, initialDelay: 1, maxDelay: 1, jitter: 'none' } as const
    const { client, heard } = startClient({ url: server.url, reconnect: tier, recovery: tier })
    expect(await rejection(client.connect())).toMatchObject({ failure: { kind: 'closed' } })
    expect(server.connections).toHaveLength(1 + 2 + 2)
    expect(heard('gaveUp')).toEqual([{ failure: { kind: 'closed', beforeConnack: true }, attempts: 2, cycles: 2 }])
  })

  const aborts: [string, Script][] = [
    ['while it connects', silent],
    ['in a backoff', { connack: { reasonCode: 3 } }],
    ['while it restores', { suback: false }],
  ]
  test.each(aborts)('aborted %s rejects and stops trying', async (_, script) => {
    const server = await startServer({ script })
    const { client } = startClient({ url: server.url })
    client.subscribe('a', () => {})
    const controller = new AbortController()
    const connected = rejection(client.connect({ signal: controller.signal }))
    await server.waitFor('connect')
    await turns(10)
    const reason = new Error('no more')
    controller.abort(reason)
    expect(await connected).toBe(reason)
    await client.waitFor('disconnected')
    await server.waitFor(() => server.openSockets === 0)
    expect(server.connections).toHaveLength(1)
  })

  test('rejects and does nothing with a signal that is already aborted', async () => {
    const server = await startServer()
    const { client, told } = startClient({ url: server.url })
    expect(await rejection(client.connect({ signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
    await turns()
    expect(told).toEqual([])
    expect(server.connections).toEqual([])
  })

  test('ignores an abort after it resolved', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    const controller = new AbortController()
    await client.connect({ signal: controller.signal })
    controller.abort()
    await turns(10)
    expect(client.status.state).toBe('connected')
  })

  test('rejects when disconnect() is called meanwhile', async () => {
    const server = await startServer({ script: silent })
    const { client } = startClient({ url: server.url })
    const connected = rejection(client.connect())
    await server.waitFor('connect')
    await client.disconnect()
    expect(await connected).toMatchObject({ name: 'DisconnectedError', code: 'DISCONNECTED' })
  })

  test('connects again after the disconnect() during which it was called', async () => {
    const server = await startServer()
    const { client, heard } = startClient({ url: server.url })
    await client.connect()
    const disconnected = client.disconnect()
    await turns(1)
    await client.connect()
    await disconnected.catch(() => {})
    expect(heard('connected')).toHaveLength(2)
    expect(client.isConnected).toBe(true)
  })
})

describe('disconnect', () => {
  test('sends DISCONNECT, closes, and may be called again', async () => {
    const server = await startServer()
    const { client, heard } = startClient({ url: server.url })
    await client.disconnect()
    await client.connect()
    await Promise.all([client.disconnect(), client.disconnect()])
    await client.disconnect()
    expect(client.status).toMatchObject({ state: 'disconnected', lastFailure: null })
    expect(server.received('disconnect')).toHaveLength(1)
    expect(heard('connectionInterrupted')).toEqual([])
    await server.waitFor(() => server.openSockets === 0)
  })

  const phases: [string, Script, (client: ResilientMqttClient) => unknown][] = [
    ['while it connects', silent, () => {}],
    ['in a backoff', { connack: { reasonCode: 3 } }, (client) => client.waitFor('reconnecting')],
    ['while it restores', { suback: false }, (client) => client.waitFor('connected')],
  ]
  test.each(phases)('%s', async (_, script, reach) => {
    const server = await startServer({ script })
    const { client } = startClient({ url: server.url })
    client.subscribe('a', () => {})
    const connected = rejection(client.connect())
    await server.waitFor('connect')
    await reach(client)
    await client.disconnect()
    expect(client.status).toMatchObject({ state: 'disconnected', nextRetryAt: null })
    expect(await connected).toMatchObject({ name: 'DisconnectedError' })
    await server.waitFor(() => server.openSockets === 0)
    expect(server.connections).toHaveLength(1)
  })

  test('works while credentials are awaited', async () => {
    let signal: AbortSignal | undefined
    const { client } = startClient({
      url: 'mqtt://127.0.0.1',
      credentials: (request) => {
        ;({ signal } = request)
        return new Promise(() => {})
      },
    })
    const connected = rejection(client.connect())
    await client.waitFor('refreshingToken')
    await client.disconnect()
    await connected
    expect(signal?.aborted).toBe(true)
  })

  test('works in the state failed', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client } = startClient({ url: server.url })
    await rejection(client.connect())
    await client.disconnect()
    expect(client.status.state).toBe('disconnected')
  })

  test('ends within a bounded time, whatever the peer does', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const { client } = startClient({ url: server.url, clock, timeouts: { disconnectTimeout: 2_000 } })
    await client.connect()
    const disconnected = client.disconnect()
    await until(() => server.ended.size === 1, 'the FIN')
    expect(client.status.state).toBe('disconnecting')
    await clock.tickAsync(2_000)
    await disconnected
    await until(() => {
      server.sockets[0]?.write('x')
      return server.sockets[0]?.destroyed
    }, 'the end of the socket')
  })

  test('stops waiting but still closes when its signal aborts', async () => {
    const clock = createTestClock()
    const server = await stubbornServer()
    const { client } = startClient({ url: server.url, clock })
    await client.connect()
    const reason = new Error('no time')
    const controller = new AbortController()
    const disconnected = rejection(client.disconnect({ signal: controller.signal }))
    await until(() => server.ended.size === 1, 'the FIN')
    controller.abort(reason)
    expect(await disconnected).toBe(reason)
    await clock.tickAsync(5_000)
    expect(client.status.state).toBe('disconnected')
  })
})

describe('waitFor', () => {
  test('resolves at once, or when the state is reached', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    await client.waitFor('idle')
    const seen = Promise.all(
      (['connecting', 'connected', 'disconnected'] as const).map((state) => client.waitFor(state)),
    )
    await client.connect()
    await client.disconnect()
    expect(await seen).toHaveLength(3)
  })

  test('rejects after its timeout, on the client’s clock', async () => {
    const clock = createTestClock()
    const { client } = startClient({ url: 'mqtt://127.0.0.1', clock })
    const waited = rejection(client.waitFor('connected', { timeout: 5_000 }))
    await clock.tickAsync(5_000)
    expect(await waited).toMatchObject({
      name: 'TimeoutError',
      message: 'waiting for connected took longer than 5000 ms',
      timeout: 5_000,
    })
    expect(clock.pending).toBe(0)
  })

  test('rejects when it is aborted', async () => {
    const { client } = startClient({ url: 'mqtt://127.0.0.1' })
    const controller = new AbortController()
    const reason = new Error('enough')
    const waited = rejection(client.waitFor('connected', { signal: controller.signal }))
    controller.abort(reason)
    expect(await waited).toBe(reason)
    expect(await rejection(client.waitFor('connected', { signal: controller.signal }))).toBe(reason)
  })

  test('rejects when the client gives up, unless it waits for failed', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client } = startClient({ url: server.url })
    const waited = rejection(client.waitFor('connected'))
    const failed = client.waitFor('failed')
    await rejection(client.connect())
    const gaveUp = { name: 'ConnectionFailedError', reasonCode: 2 }
    expect(await waited).toMatchObject(gaveUp)
    await failed
    // Also if it gave up before the call, until the application requests a connection again.
    expect(await rejection(client.waitFor('connected'))).toMatchObject(gaveUp)
    await client.waitFor('failed')
    server.setScript({})
    const connected = client.connect()
    await client.waitFor('connected')
    await connected
  })
})

describe('dispose', () => {
  test('rejects all pending and all later calls', async () => {
    const server = await startServer({ script: { connack: false } })
    const { client } = startClient({ url: server.url })
    const pending = [
      client.connect(),
      client.waitFor('connected'),
      client.publish('a', 'x', { qos: 1 }),
      client.publish('b', 'y'),
      client.subscribe('c', () => {}).ready,
    ].map(rejection)
    await server.waitFor('connect')
    await Promise.all([client[Symbol.asyncDispose](), client[Symbol.asyncDispose]()])
    const names = (await Promise.all(pending)).map(({ name }) => name)
    expect(names).toEqual(['DisconnectedError', ...names.slice(1).map(() => 'ClientDisposedError')])
    await server.waitFor(() => server.openSockets === 0)

    const disposed = { name: 'ClientDisposedError' }
    expect(await rejection(client.connect())).toMatchObject(disposed)
    expect(await rejection(client.waitFor('connected'))).toMatchObject(disposed)
    expect(await rejection(client.publish('a', 'x'))).toMatchObject(disposed)
    expect(() => client.subscribe('a', () => {})).toThrow('disposed')
    expect(() => client.startPeriodicRequests({ topic: 'a', payload: '', interval: 1 })).toThrow('disposed')
    await client.disconnect()
    client.wake()
    client.recover()
    client.resetReconnect()
    expect(client.status.state).toBe('disconnected')
    expect(client.isConnected).toBe(false)
  })

  test('sends DISCONNECT first', async () => {
    const server = await startServer()
    {
      await using client = new ResilientMqttClient({ url: server.url })
      await client.connect()
    }
    expect(server.received('disconnect')).toHaveLength(1)
  })

  test('works for a client that was never connected', async () => {
    const client = new ResilientMqttClient({ url: 'mqtt://127.0.0.1' })
    const published = rejection(client.publish('a', 'x', { qos: 1 }))
    await client[Symbol.asyncDispose]()
    expect(await published).toMatchObject({ name: 'ClientDisposedError' })
  })

  test('rejects a connect() that waits for disconnect()', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    await client.connect()
    const disposed = client[Symbol.asyncDispose]()
    await client.waitFor('disconnecting')
    const connected = rejection(client.connect())
    await disposed
    expect(await connected).toMatchObject({
      name: expect.stringMatching(/^(ClientDisposed|Disconnected)Error$/) as string,
    })
    await server.waitFor(() => server.openSockets === 0)
  })

  test('leaves no timer', async () => {
    const clock = createTestClock()
    const server = await startServer()
    const { client } = startClient({ ...once, url: server.url, clock })
    await client.connect()
    client.startPeriodicRequests({ topic: 'a', payload: '', interval: 1_000 })
    client.subscribe('a', () => {})
    expect(clock.pending).toBeGreaterThan(0)
    await client[Symbol.asyncDispose]()
    expect(clock.pending).toBe(0)
  })
})
