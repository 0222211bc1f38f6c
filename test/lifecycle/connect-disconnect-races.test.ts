import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'

import type { ResilientMqttClient, ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock, type Script } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const views = { keyEncoding: 'view', valueEncoding: 'view' } as const
const withStore = () => ({ store: new MemoryLevel<Uint8Array, Uint8Array>(views) })

const stores: [string, () => Partial<ResilientMqttClientOptions>][] = [
  ['without a store', () => ({})],
  ['with a store', withStore],
]

/** The present outcome of a promise. */
function watch(promise: Promise<unknown>) {
  const watched = { outcome: 'pending' }
  promise.then(
    () => (watched.outcome = 'resolved'),
    (error: unknown) => (watched.outcome = (error as Error).name),
  )
  return watched
}

describe.each(stores)('connect and disconnect close together, %s', (_, options) => {
  const before: [string, (client: ResilientMqttClient) => unknown, Script][] = [
    ['idle', () => {}, {}],
    ['disconnected', (client) => client.connect().then(() => client.disconnect()), {}],
    ['failed', (client) => rejection(client.connect()), { connack: { reasonCode: 2 } }],
  ]
  test.each(before)('in %s: rejects connect() and stays disconnected', async (_state, reach, script) => {
    const server = await startServer({ script })
    const { client } = startClient({ url: server.url, ...options() })
    await reach(client)
    server.setScript({})
    const connected = watch(client.connect())
    await client.disconnect()
    await turns(20)
    expect(connected.outcome).toBe('DisconnectedError')
    expect(client.status.state).toMatch(/^(idle|disconnected)$/)
    await server.waitFor(() => server.openSockets === 0)
  })

  test('a connect() during the drain waits for disconnect(), and then connects', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: [{ puback: false }, {}] })
    const { client, heard } = startClient({ url: server.url, clock, ...options() })
    await client.connect()
    const published = rejection(client.publish('a', 'x', { qos: 1 }))
    await server.waitFor('publish')
    const disconnecting = client.disconnect({ drainTimeout: 2_000 })
    const connecting = client.connect()
    const connected = watch(connecting)
    await turns(20)
    expect(connected.outcome).toBe('pending')
    expect(client.status.state).toBe('connected')
    await clock.tickAsync(2_000)
    await disconnecting
    await connecting
    expect(await published).toMatchObject({ name: 'DisconnectedError' })
    expect(heard('connected')).toHaveLength(2)
    expect(client.status.state).toBe('connected')
  })

  test('disconnect() ends a connect() that waits for an earlier disconnect()', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, ...options() })
    await client.connect()
    const first = client.disconnect()
    const connected = watch(client.connect())
    await Promise.all([first, client.disconnect()])
    await turns(20)
    expect(connected.outcome).toBe('DisconnectedError')
    expect(client.status.state).toBe('disconnected')
  })

  test('rejects connect() during disposal', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, ...options() })
    const early = watch(client.connect())
    const disposing = client[Symbol.asyncDispose]()
    const late = watch(client.connect())
    await disposing
    await turns(20)
    expect([early.outcome, late.outcome]).toEqual(['DisconnectedError', 'ClientDisposedError'])
    expect(client.status.state).toMatch(/^(idle|disconnected)$/)
    await server.waitFor(() => server.openSockets === 0)
  })

  test.each([0, 1, 2, 5])('the last call decides, %i turns apart', async (apart) => {
    for (const calls of sequences(4).slice(1)) {
      const server = await startServer()
      const { client } = startClient({ url: server.url, ...options() })
      const outcomes: Promise<void>[] = []
      for (const call of calls) {
        outcomes.push(client[call]())
        outcomes.at(-1)?.catch(() => {})
        await turns(apart)
      }
      for (const [n, outcome] of (await Promise.allSettled(outcomes)).entries()) {
        const isBeforeDisconnect = calls[n] === 'connect' && calls.includes('disconnect', n)
        if (!isBeforeDisconnect) expect(outcome.status, `${calls.join(', ')}: ${n}`).toBe('fulfilled')
      }
      const rests = calls.at(-1) === 'disconnect'
      expect(client.isConnected, `after ${calls.join(', ')}`).toBe(!rests)
      await turns(10)
      expect(client.isConnected, `some time after ${calls.join(', ')}`).toBe(!rests)
      await client[Symbol.asyncDispose]()
    }
  })
})

describe('the signal of connect()', () => {
  const silent = { connack: false } as const
  const reason = new Error('no time')

  test('ends a connection attempt that no other call waits for', async () => {
    const server = await startServer({ script: silent })
    const { client } = startClient({ url: server.url })
    const controllers = [new AbortController(), new AbortController()]
    const connects = controllers.map(({ signal }) => rejection(client.connect({ signal })))
    await server.waitFor('connect')
    controllers[0]?.abort(reason)
    expect(await connects[0]).toBe(reason)
    await turns(10)
    expect(client.status.state, 'the other one still waits').toBe('connecting')
    controllers[1]?.abort(reason)
    expect(await connects[1]).toBe(reason)
    await client.waitFor('disconnected')
  })

  test('does not end an attempt that another call waits for', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 3 } } })
    const { client } = startClient({ ...atOnce, url: server.url })
    const controller = new AbortController()
    const connected = client.connect()
    const aborted = rejection(client.connect({ signal: controller.signal }))
    await server.waitFor('connect', { count: 3 })
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    server.setScript({})
    await connected
  })

  const others: [string, (client: ResilientMqttClient, reconnecting: () => unknown) => Promise<unknown>][] = [
    [
      'that was ready before',
      async (client, interrupt) => {
        await client.connect()
        interrupt()
        await until(() => !client.isConnected, 'the interruption')
      },
    ],
    [
      'that was requested in another way',
      async (client, interrupt) => {
        interrupt()
        client.actor.send({ type: 'CONNECT' })
        await client.waitFor('reconnecting')
      },
    ],
  ]
  test.each(others)('does not end a connection %s', async (_, reach) => {
    const server = await startServer()
    const { client, next, path } = startClient({ ...atOnce, url: server.url })
    await reach(client, () => {
      server.setScript({ connack: { reasonCode: 3 } })
      server.kick()
    })
    const controller = new AbortController()
    const aborted = rejection(client.connect({ signal: controller.signal }))
    await next('reconnectScheduled')
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    server.setScript({})
    await next('connected')
    expect(path()).not.toContain('disconnecting')
  })
})

/** All sequences of calls up to a length. */
function sequences(length: number): ('connect' | 'disconnect')[][] {
  if (length === 0) return [[]]
  const shorter = sequences(length - 1)
  const longest = shorter.filter((calls) => calls.length === length - 1)
  return [
    ...shorter,
    ...longest.flatMap((calls) => (['connect', 'disconnect'] as const).map((call) => [...calls, call])),
  ]
}
