import { describe, expect, test, vi } from 'vitest'

import { ResilientMqttClient, type ClientEvents } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, once, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

test('come in order, and agree with the status inside every handler', async () => {
  const server = await startServer({ script: [{}, { connack: { reasonCode: 3 } }, { connack: { reasonCode: 3 } }, {}] })
  const tier = { initialDelay: 1, maxDelay: 1, jitter: 'none' } as const
  const { client, told, next } = startClient({
    url: server.url,
    reconnect: { ...tier, maxAttempts: 1 },
    recovery: { ...tier, maxAttempts: 2, refreshTokenEvery: 1 },
    credentials: () => ({}),
  })
  await client.connect()
  server.kick()
  await next('recovered')
  await client.disconnect()

  const steps = told.map(({ name, event, status }) => {
    const { from, to } = event as ClientEvents['stateChanged']
    return name === 'stateChanged' ? `${from} → ${to}` : `${name} in ${status.state}`
  })
  expect(steps).toEqual([
    'idle → refreshingToken',
    'refreshingToken → connecting',
    'tokenRefreshed in connecting',
    'connecting → connected',
    'restored in connected',
    'connected in connected',
    'connected → reconnecting',
    'connectionInterrupted in reconnecting',
    'reconnectScheduled in reconnecting',
    'reconnecting → connecting',
    'connecting → failed',
    'reconnectionFailed in failed',
    'failed → recovering',
    'recoveryStarted in recovering',
    'recovering → refreshingToken',
    'refreshingToken → connecting',
    'tokenRefreshed in connecting',
    'connecting → recovering',
    'recoveryStarted in recovering',
    'recovering → refreshingToken',
    'refreshingToken → connecting',
    'tokenRefreshed in connecting',
    'connecting → connected',
    'restored in connected',
    'connected in connected',
    'connectionResumed in connected',
    'recovered in connected',
    'connected → disconnecting',
    'disconnecting → disconnected',
  ])
  for (const { name, event, status, isConnected } of told) {
    const { to = status.state } = event as Partial<ClientEvents['stateChanged']>
    expect(status.state).toBe(to)
    expect(isConnected).toBe(status.state === 'connected')
    expect(status.nextRetryAt === null).toBe(status.state !== 'reconnecting' && status.state !== 'recovering')
    expect(event).toMatchObject({
      ...(name === 'reconnectScheduled' && { attempt: status.attempt, delay: 1 }),
      ...(name === 'recoveryStarted' && { cycle: status.cycle, delay: 1 }),
    })
  }
})

test('the status contains the time of the last change and of the next attempt', async () => {
  const clock = createTestClock({ now: Date.UTC(2026, 0, 1) })
  const server = await startServer({ script: { connack: { reasonCode: 3 } } })
  const { client, next } = startClient({ url: server.url, clock, now: clock.now, random: () => 1 })
  expect(client.status).toMatchObject({ state: 'idle', since: clock.now(), attempt: 0, lastFailure: null })
  clock.tick(500)
  const connected = client.connect().catch(() => {})
  await client.waitFor('connecting')
  expect(client.status).toMatchObject({ state: 'connecting', since: clock.now(), nextRetryAt: null })
  await next('reconnectScheduled', 1)
  expect(client.status).toMatchObject({
    state: 'reconnecting',
    since: clock.now(),
    attempt: 1,
    nextRetryAt: clock.now() + 1_000,
    lastFailure: { kind: 'refused', protocolVersion: 4, reasonCode: 3 },
    counters: { connects: 0, failedAttempts: 1 },
  })
  await client.disconnect()
  await connected
})

test('a removed handler is not called again, and a handler can be registered twice', async () => {
  const server = await startServer()
  const { client } = startClient({ url: server.url })
  const handler = vi.fn<() => void>()
  const off = client.on('connected', handler)
  client.on('connected', handler)
  await client.connect()
  expect(handler).toHaveBeenCalledTimes(2)
  off()
  off()
  await client.disconnect()
  await client.connect()
  expect(handler).toHaveBeenCalledTimes(3)
})

test('a handler that is registered inside a handler is called from the next event on', async () => {
  const server = await startServer()
  const { client } = startClient({ url: server.url })
  let calls = 0
  const again = () => {
    if (++calls > 100) throw new Error('for ever')
    client.on('connected', again)
  }
  client.on('connected', again)
  await client.connect()
  expect(calls).toBe(1)
})

test('a handler may command the client', async () => {
  const server = await startServer()
  const { client, path } = startClient({ url: server.url })
  client.on('connected', () => client.disconnect())
  const seen: string[] = []
  client.on('stateChanged', ({ to }) => seen.push(`${to} ${client.status.state}`))
  await client.connect().catch(() => {})
  await client.waitFor('disconnected')
  expect(path()).toEqual(['idle', 'connecting', 'connected', 'disconnecting', 'disconnected'])
  expect(seen).toEqual(['connecting', 'connected', 'disconnecting', 'disconnected'].map((state) => `${state} ${state}`))
})

describe('errors of the application', () => {
  const broken = new Error('broken handler')
  const rejecting = async () => {
    await Promise.resolve()
    throw broken
  }
  const wrongs: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw broken
      },
    ],
    ['rejects', rejecting],
    [
      'rejects later',
      async () => {
        await turns(2)
        throw broken
      },
    ],
  ]

  test.each(wrongs)('reports a handler that %s through the error event, and continues', async (_, wrong) => {
    const server = await startServer()
    const { client, lines, next } = startClient({ ...atOnce, url: server.url })
    const errors: ClientEvents['error'][] = []
    client.on('error', (event) => errors.push(event))
    for (const name of ['stateChanged', 'connected', 'connectionInterrupted', 'reconnectScheduled'] as const) {
      client.on(name, wrong)
    }
    client.subscribe('a', wrong)
    await client.connect()
    server.publish('a', 'x')
    await until(() => errors.some(({ source }) => source === 'the handler of a'), 'the error of the subscription')
    server.kick()
    await next('connectionResumed')
    await until(() => new Set(errors.map(({ source }) => source)).size === 5, 'all errors')
    for (const { error } of errors) expect(error).toBe(broken)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test.each(wrongs)('logs a handler that %s if there is no error handler', async (_, wrong) => {
    const server = await startServer()
    const { client, lines } = startClient({ url: server.url })
    client.on('connected', wrong)
    await client.connect()
    await until(() => lines.some(({ level }) => level === 'error'), 'the line')
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        details: { err: broken, source: 'the handler of connected' },
        message: 'the handler of connected failed',
      },
    ])
  })

  test.each(wrongs)('logs an error handler that %s', async (_, wrong) => {
    const server = await startServer()
    const { client, lines } = startClient({ url: server.url })
    client.on('error', wrong)
    client.on('connected', wrong)
    await client.connect()
    await until(() => lines.some(({ level }) => level === 'error'), 'the line')
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { details: { source: 'the handler of error' } },
    ])
  })

  test('continues when the logger, the inspector, now, random or classify throws', async () => {
    const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
    const wrong = () => {
      throw broken
    }
    await using client = new ResilientMqttClient({
      url: server.url,
      reconnect: { initialDelay: 1, maxDelay: 1 },
      logger: { debug: wrong, info: wrong, warn: wrong, error: wrong },
      random: wrong,
      classify: wrong,
    })
    client.on('connected', wrong)
    await client.connect()
    expect(client.isConnected).toBe(true)
  })
})

describe('the logger', () => {
  test('is silent by default', async () => {
    const written = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')]
    const logged = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name))
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    await using client = new ResilientMqttClient({ url: server.url })
    // Only errors that would otherwise stay unnoticed are printed: see last-resort.test.ts.
    client.on('gaveUp', () => {})
    await rejection(client.connect())
    await turns()
    for (const spy of [...written, ...logged]) expect(spy).not.toHaveBeenCalled()
    vi.restoreAllMocks()
  })

  test('logs every transition, and describes failures in words', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client, lines } = startClient({ ...once, url: server.url })
    await rejection(client.connect())
    expect(lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'info: idle → connecting',
      'info: connecting → failed',
      'error: gaveUp: connection refused: identifier rejected',
    ])
  })
})
