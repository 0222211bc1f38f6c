import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createScriptedServer, runToNextRetry, type ScriptedServerOptions } from '../../testing/index.ts'

const HOUR = 3_600_000

afterEach(() => {
  vi.useRealTimers()
})

type Options = Partial<ResilientMqttClientOptions> & { readonly server?: ScriptedServerOptions }

async function start({ server: serverOptions, ...options }: Options = {}) {
  const server = await createScriptedServer({ transport: 'memory', ...serverOptions })
  const socket = serverOptions?.transport === undefined && { socket: server.socket }
  const client = new ResilientMqttClient({
    url: server.url,
    options: { protocolVersion: 5, ...socket },
    reconnect: { jitter: 'none', maxAttempts: 3 },
    recovery: { jitter: 'none', initialDelay: HOUR, maxDelay: HOUR, maxAttempts: Number.POSITIVE_INFINITY },
    // Its timer would fire every second of the day.
    wakeOn: false,
    ...options,
  })
  onTestFinished(async () => {
    await server.close()
    await client[Symbol.asyncDispose]()
  })
  return { server, client }
}

describe('vi.useFakeTimers()', () => {
  test.each(['memory', 'tcp', 'ws'] as const)('over %s: an outage of a day', async (transport) => {
    vi.useFakeTimers()
    const { server, client } = await start(transport === 'memory' ? {} : { server: { transport } })
    await client.connect()
    await server.close()
    await client.waitFor('reconnecting')
    expect((client.status.nextRetryAt ?? 0) - Date.now()).toBe(1_000)
    const end = Date.now() + 24 * HOUR
    const seen = new Set<string>()
    while (Date.now() < end) {
      const { state } = await runToNextRetry(client, { advance: (ms) => vi.advanceTimersByTimeAsync(ms) })
      seen.add(state)
    }
    expect([...seen]).toEqual(['reconnecting', 'recovering'])
    await server.listen()
    await expect(runToNextRetry(client, { advance: (ms) => vi.advanceTimersByTimeAsync(ms) })).resolves.toMatchObject({
      state: 'connected',
    })
  })

  test('installed after the client was created', async () => {
    const { server, client } = await start()
    vi.useFakeTimers({ now: 50 * HOUR })
    await client.connect()
    server.kick()
    await client.waitFor('reconnecting')
    expect(client.status.nextRetryAt).toBe(50 * HOUR + 1_000)
    await vi.advanceTimersByTimeAsync(999)
    expect(client.status.state).toBe('reconnecting')
    await vi.advanceTimersByTimeAsync(1)
    expect(client.status.state).toBe('connected')
  })

  test('credentials are renewed', async () => {
    vi.useFakeTimers()
    const issued: number[] = []
    const { server, client } = await start({
      credentials: () => {
        issued.push(Date.now())
        return { username: 'a', password: 'b', expiresAt: Date.now() + HOUR }
      },
    })
    const since = Date.now()
    await client.connect()
    await vi.advanceTimersByTimeAsync(3 * HOUR)
    expect(issued.map((at) => Math.round(((at - since) / HOUR) * 60))).toEqual([0, 55, 110, 165])
    expect(server.connections).toHaveLength(4)
  })

  test('a silent server is noticed by the keep alive', async () => {
    vi.useFakeTimers()
    const { client } = await start({ server: { transport: 'tcp', script: { pingresp: false } } })
    await client.connect()
    await vi.advanceTimersByTimeAsync(90_000)
    await client.waitFor('reconnecting')
    expect(client.status.lastFailure).toMatchObject({ kind: 'keepalive' })
  })

  test('messages expire', async () => {
    vi.useFakeTimers()
    const { client } = await start()
    const published = client.publish('a', 'b', { qos: 1, ttl: HOUR })
    const [, error] = await Promise.all([
      vi.advanceTimersByTimeAsync(HOUR),
      published.catch((reason: unknown) => reason),
    ])
    expect(error).toMatchObject({ message: expect.stringContaining('expired') as string })
  })
})

test('a client needs neither a real `queueMicrotask` nor a `setImmediate` to connect, publish and subscribe', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] })
  const { server, client } = await start()
  await client.connect()
  const texts: string[] = []
  const subscription = client.subscribe('a', (message) => texts.push(message.text()))
  await subscription.ready
  await client.publish('b', 'c', { qos: 2 })
  server.publish('a', 'd', { qos: 1 })
  await server.waitFor('puback')
  expect(texts).toEqual(['d'])
  subscription.unsubscribe()
  await server.waitFor('unsubscribe')
  await client.disconnect()
})

test('the tools of this package that are first imported under fake timers have real time all the same', async () => {
  vi.useFakeTimers()
  vi.resetModules()
  const { createScriptedServer: createServer, createTestClock } = await import('../../testing/index.ts')
  const clock = createTestClock()
  let fired = false
  clock.setTimeout(() => (fired = true), HOUR)
  await clock.tickAsync(HOUR)
  expect(fired).toBe(true)
  const server = await createServer()
  await expect(server.waitFor('connect', { timeout: 1 })).rejects.toThrow('Gave up after 1 ms')
  await server.close()
})
