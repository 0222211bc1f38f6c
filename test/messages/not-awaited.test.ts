import { MemoryLevel } from 'memory-level'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { createConnectionMachine, ResilientMqttClient, type ClientEvents } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const url = 'mqtt://127.0.0.1:1'

/** Waits for two turns of the event loop, including timers. */
async function later(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** The errors that would have ended the process. */
function watchProcess() {
  const reasons: unknown[] = []
  const note = (reason: unknown) => void reasons.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return reasons
}

function start(options: object = {}) {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  const unhandled = watchProcess()
  const client = new ResilientMqttClient({ url, ...once, ...options })
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    printed.mockRestore()
  })
  const failed: ClientEvents['publishFailed'][] = []
  const listen = () => client.on('publishFailed', (event) => void failed.push(event))
  const lines = () => printed.mock.calls.map(([line]) => String(line))
  return { client, failed, listen, lines, unhandled }
}

describe('a publish whose rejection is not handled', () => {
  const ways: [name: string, publish: (client: ResilientMqttClient) => unknown, error: string][] = [
    ['rejected at the call', (client) => client.publish('a/+', ''), 'InvalidOptionError'],
    ['expired', (client) => client.publish('a', '', { ttl: 1 }), 'PublishExpiredError'],
    [
      'superseded',
      (client) => [client.publish('a', '', { latest: true }), client.publish('a', '', { latest: true })][0],
      'PublishSupersededError',
    ],
    [
      'aborted',
      (client) => {
        const controller = new AbortController()
        void client.publish('a', '', { signal: controller.signal })
        controller.abort()
      },
      'AbortError',
    ],
    [
      'left behind by disconnect()',
      (client) => {
        void client.publish('a', '')
        void client.disconnect()
      },
      'DisconnectedError',
    ],
  ]

  test.each(ways)('%s, is reported once and does not end the process', async (_, publish, name) => {
    const { client, failed, listen, lines, unhandled } = start()
    listen()
    publish(client)
    await vi.waitFor(() => expect(failed).toHaveLength(1))
    await later()
    expect(failed).toMatchObject([{ topic: expect.any(String) as string, error: { name } }])
    expect(Object.keys(failed[0] ?? {})).toEqual(['topic', 'error'])
    expect(lines()).toEqual([])
    expect(unhandled).toEqual([])
  })

  test.each([
    ['a symbol', Symbol('a'), 'Symbol(a)'],
    ['an object', { toString: () => expect.unreachable() }, 'an object'],
    ['undefined', undefined, 'undefined'],
  ])('is reported when its topic is %s, and so are later ones', async (_, topic, shown) => {
    const { client, failed, lines, listen, unhandled } = start()
    const uncaught = vi.fn<(error: unknown) => void>()
    process.on('uncaughtException', uncaught)
    onTestFinished(() => void process.off('uncaughtException', uncaught))
    void client.publish(topic as never, '')
    await later()
    expect(lines()).toMatchObject([expect.stringContaining(`a publish to ${shown} failed`)])
    listen()
    void client.publish(topic as never, '')
    void client.publish('a/#', '')
    await later()
    expect(failed).toMatchObject([{ topic: shown }, { topic: 'a/#' }])
    expect(uncaught).not.toHaveBeenCalled()
    expect(unhandled).toEqual([])
  })

  test.each(['a\n\u001B[31m+', `${'a'.repeat(60_000)}+`])('is printed on one line, %#', async (topic) => {
    const { client, lines } = start()
    void client.publish(topic, '')
    await later()
    const [line = ''] = lines().join().split('\nHandle it by')
    expect(line).toContain('InvalidOptionError: topic must not contain wildcards')
    expect(line.length).toBeLessThan(600)
    expect(line).not.toMatch(/\p{Cc}/u)
  })

  test('is reported even if the clock stands still', async () => {
    const clock = createTestClock()
    const { client, failed, listen } = start({ clock, now: () => clock.now() })
    listen()
    void client.publish('', '')
    await vi.waitFor(() => expect(failed).toHaveLength(1))
  })

  test('is logged without its payload', async () => {
    const { client, lines } = startClient({ url })
    void client.publish('a/#', 'planted')
    void client.publish('a', 'planted', { latest: true })
    void client.publish('a', 'planted', { latest: true })
    await later()
    expect(lines).toMatchObject([
      { level: 'warn', message: 'publishFailed', details: { topic: 'a/#', err: { name: 'InvalidOptionError' } } },
      { level: 'debug', message: 'publishFailed', details: { topic: 'a', err: { name: 'PublishSupersededError' } } },
    ])
    expect(JSON.stringify(lines)).not.toContain('planted')
  })

  test.each([{ secret: 'planted' }, Symbol('planted'), 7_654_321])(
    'is reported without an invalid payload: %#',
    async (payload) => {
      const { client, lines } = startClient({ url })
      void client.publish('a', payload as never)
      await later()
      expect(lines).toHaveLength(1)
      const kind = typeof payload === 'object' ? 'an object' : typeof payload
      expect(lines[0]).toHaveProperty('details.err.message', expect.stringMatching(`; got ${kind}$`))
      expect(inspect(lines)).not.toMatch(/planted|7_?654_?321/)
    },
  )

  test('is reported by a disposed client too', async () => {
    const { client, failed, listen, unhandled } = start()
    listen()
    await client[Symbol.asyncDispose]()
    void client.publish('a', '')
    await later()
    expect(failed).toMatchObject([{ topic: 'a', error: { name: 'ClientDisposedError' } }])
    expect(unhandled).toEqual([])
  })

  test('is not reported for a durable publish, which stays in the store', async () => {
    const { client, failed, listen, unhandled } = start({
      store: new MemoryLevel({ keyEncoding: 'view', valueEncoding: 'view' }),
    })
    listen()
    await client.publish('a', 'x', { qos: 1, durable: true }).accepted
    await client[Symbol.asyncDispose]()
    await later()
    expect(failed).toEqual([])
    expect(unhandled).toEqual([])
  })

  test('is logged by a connection machine', async () => {
    const unhandled = watchProcess()
    const warn = vi.fn()
    const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() }
    using machine = createConnectionMachine({ url, logger })
    void machine.publish('a/#', '')
    await later()
    expect(warn).toHaveBeenCalledOnce()
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ topic: 'a/#' }), 'publishFailed')
    expect(unhandled).toEqual([])
  })
})

describe('a handled rejection reaches the code that handles it, and is not reported', () => {
  const takes: [string, (publish: () => Promise<unknown>) => Promise<unknown>][] = [
    ['await', async (publish) => publish()],
    [
      'await after microtasks',
      async (publish) => {
        const published = publish()
        for (let i = 0; i < 10; i++) await Promise.resolve()
        return published
      },
    ],
    ['then', (publish) => publish().then(() => 'no')],
    [
      'catch',
      (publish) =>
        publish().catch((error: unknown) => {
          throw error
        }),
    ],
    ['finally', (publish) => publish().finally(() => {})],
    ['Promise.all', (publish) => Promise.all([publish(), Promise.resolve()])],
    ['Promise.race', (publish) => Promise.race([publish(), new Promise(() => {})])],
    [
      'accepted',
      (publish) =>
        (publish() as { accepted?: Promise<void> } & Promise<unknown>).accepted ?? Promise.reject(new Error()),
    ],
  ]
  test.each(takes)('%s', async (_, take) => {
    const { client, failed, listen, unhandled } = start()
    listen()
    expect(await rejection(take(() => client.publish('a/+', '')))).toMatchObject({ name: 'InvalidOptionError' })
    await later()
    expect(failed).toEqual([])
    expect(unhandled).toEqual([])
  })

  test('derived promises are ordinary promises', async () => {
    const { client, unhandled } = start()
    void client.publish('a/+', '').then(() => {})
    await later()
    expect(unhandled).toMatchObject([{ name: 'InvalidOptionError' }])
  })

  test('handling `accepted` does not handle the delivery', async () => {
    const { client, failed, listen } = start()
    listen()
    const published = client.publish('a', '', { ttl: 1 })
    await published.accepted
    await vi.waitFor(() => expect(failed).toMatchObject([{ error: { name: 'PublishExpiredError' } }]))
  })
})

describe('calls that are not awaited', () => {
  test('connect() does not end the process; gaveUp reports the failure', async () => {
    const { client, lines, unhandled } = start()
    const gaveUp = vi.fn()
    client.on('gaveUp', gaveUp)
    void client.connect()
    await vi.waitFor(() => expect(gaveUp).toHaveBeenCalledOnce())
    await later()
    expect(unhandled).toEqual([])
    expect(lines()).toEqual([])
  })

  test('a failed connect() is printed if there is no handler', async () => {
    const { client, lines, unhandled } = start()
    void client.connect()
    await vi.waitFor(() => expect(lines()).toHaveLength(1))
    expect(lines()[0]).toContain("client.on('gaveUp', …)")
    expect(unhandled).toEqual([])
  })

  test('a failed connect() is not printed if it is awaited', async () => {
    const { client, lines } = start()
    expect(await rejection(client.connect())).toMatchObject({ name: 'ConnectionFailedError' })
    await later()
    expect(lines()).toEqual([])
  })

  test('wrong options of connect() and disconnect() are reported through the error event', async () => {
    const { client, unhandled } = start()
    const errors: unknown[] = []
    client.on('error', (event) => void errors.push(event))
    void client.connect({ signals: 1 } as never)
    void client.disconnect({ drain: 1 } as never)
    await later()
    expect(errors).toMatchObject([
      { source: 'connect()', error: { name: 'InvalidOptionError' } },
      { source: 'disconnect()', error: { name: 'InvalidOptionError' } },
    ])
    expect(unhandled).toEqual([])
  })

  test('a connect() that the application ended is not reported', async () => {
    const server = await startServer({ script: { steps: [{ at: 'connect', do: 'ignore' }] } })
    const { client, lines, unhandled } = start({ url: server.url })
    void client.connect()
    await client.disconnect()
    void client.connect({ signal: AbortSignal.abort() })
    await client[Symbol.asyncDispose]()
    void client.connect()
    await later()
    expect(lines()).toEqual([])
    expect(unhandled).toEqual([])
  })
})
