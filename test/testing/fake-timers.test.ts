import { join } from 'node:path'
import { mock } from 'node:test'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor, setup } from 'xstate'

import { callUncaught } from '../../mqttjs/uncaught.ts'
import { Store } from '../../react/store.ts'
import { Usage } from '../../react/usage.ts'
import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { realTurns } from '../../src/store/slices.ts'
import {
  createEmbeddedBroker,
  createScriptedServer,
  runToNextRetry,
  type ScriptedServerOptions,
} from '../../testing/index.ts'
import { Recorder } from '../../visualizer/record/recorder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

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

describe('neither a real `queueMicrotask` nor a `setImmediate` is needed', () => {
  beforeEach(() => {
    // As jest does, except for `nextTick`, which a test process of vitest needs itself.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] })
  })

  test('to connect, publish and subscribe', async () => {
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

  test('to write a store, and to restore from it', async () => {
    const store = join(temporaryFolder(), 'store')
    const { client } = await start({ store })
    const published = client.publish('a', 'kept', { qos: 1, durable: true })
    await published.accepted
    await client[Symbol.asyncDispose]()
    await expect(published).rejects.toThrow('disposed')

    const { server, client: next } = await start({ store })
    void next.connect()
    expect(await server.waitFor('publish')).toMatchObject({ topic: 'a' })
  })

  test('to report a rejection that is not handled', async () => {
    const { client } = await start()
    const failed = new Promise((resolve) => client.on('publishFailed', resolve))
    void client.publish('a/+', '')
    expect(await failed).toMatchObject({ topic: 'a/+' })
  })

  test('to render again, and to stop when nothing is shown', async () => {
    const value = {}
    const store = new Store({ read: () => value })
    const rendered = new Promise((resolve) => store.subscribe(resolve))
    store.changed()
    expect(await rendered).toBe(value)
    const stopped = new Promise<void>((resolve) => new Usage(() => {}, resolve).use()())
    await expect(stopped).resolves.toBeUndefined()
  })

  test('to record the failure of an actor', async () => {
    const failed = new Promise((resolve) => {
      const onRecorded = (recorded: { read(): object }) => {
        const { snapshot } = recorded.read() as { snapshot?: { status?: string; error?: unknown } }
        if (snapshot?.status === 'error') resolve(snapshot.error)
      }
      const { inspect } = new Recorder({ allowCommands: false, onRecorded })
      const machine = setup({}).createMachine({ on: { FAIL: { actions: () => void JSON.parse('{') } } })
      const actor = createActor(machine, { inspect }).start()
      actor.subscribe({ error: () => {} })
      actor.send({ type: 'FAIL' })
    })
    expect(await failed).toMatchObject({ name: 'SyntaxError' })
  })
})

test('a long task gives others a turn under the mock timers of node:test', async () => {
  mock.timers.enable()
  try {
    await expect(realTurns.next()).resolves.toBeUndefined()
  } finally {
    mock.timers.reset()
  }
})

test.each([true, false])('what a callback throws is an uncaught exception, with fake timers: %j', async (fake) => {
  if (fake) vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'queueMicrotask'] })
  const thrown = new Promise<unknown[]>((resolve) => {
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (...values) => {
      for (const each of others) process.on('uncaughtException', each)
      resolve(values)
    })
  })
  const error = new Error('of the application')
  expect(
    callUncaught(() => {
      throw error
    }),
  ).toBeUndefined()
  expect(await thrown).toEqual([error, 'uncaughtException'])
})

test('the embedded broker says that it needs a real `setImmediate`', async () => {
  vi.useFakeTimers()
  await expect(createEmbeddedBroker()).rejects.toThrow('needs a real setImmediate')
  vi.useRealTimers()

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  await using broker = await createEmbeddedBroker()
  await using client = new ResilientMqttClient({ url: broker.url })
  await client.connect()
  expect(broker.clients).toBe(1)
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
