import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor } from 'xstate'

import { createConnectionMachine, json, ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { atOnce, once } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The printed lines, and a client of a server that delivers publishes to `a`. */
async function start(options: Partial<ResilientMqttClientOptions> = {}) {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  const server = await startServer()
  const client = new ResilientMqttClient({ url: server.url, ...options })
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    printed.mockRestore()
  })
  return { client, server, lines: () => printed.mock.calls.map(([line]) => String(line)) }
}

async function provoke(client: ResilientMqttClient, server: Awaited<ReturnType<typeof startServer>>): Promise<number> {
  let handled = 0
  const boom = () => {
    handled++
    throw new Error('boom')
  }
  client.subscribe('a/#', boom)
  client.subscribe('b/#', boom)
  client.subscribe('c', () => {}, { codec: json<number>() })
  client.on('connected', boom)
  await client.connect()
  for (const topic of ['a/1', 'a/2', 'b/1', 'c', 'c']) {
    server.current?.send({ cmd: 'publish', topic, payload: 'planted{', qos: 0, retain: false, dup: false })
  }
  await vi.waitFor(() => expect(handled).toBe(4))
  return handled
}

test('prints the first error of each kind, and how to handle it', async () => {
  const { client, server, lines } = await start()
  await provoke(client, server)
  await vi.waitFor(() => expect(lines()).toHaveLength(2))
  expect(lines()[0]).toMatch(/^xstate-mqtt: the handler of connected failed: Error: boom\n/)
  expect(lines()[0]).toContain("client.on('error', …), or give the client a logger")
  expect(lines()[1]).toContain('the codec of c failed: InvalidMessageError: a message to c is invalid')
  expect(lines().join()).not.toContain('planted')
})

test.each([
  ['a logger', { logger: silent }, () => {}],
  ['a listener', {}, (client: ResilientMqttClient) => void client.on('error', () => {})],
])('prints nothing with %s', async (_, options, prepare) => {
  const { client, server, lines } = await start(options)
  prepare(client)
  await provoke(client, server)
  expect(lines()).toEqual([])
})

test('prints an error in the `error` handler, and errors after its handler was removed', async () => {
  const { client, server, lines } = await start()
  const off = client.on('error', () => {
    throw new Error('in the handler')
  })
  await provoke(client, server)
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('the handler of error failed: Error: in the handler')
  off()
  off()
  client.on('drained', () => {
    throw new Error('later')
  })
  await client.publish('a', '', { qos: 1 })
  await vi.waitFor(() => expect(lines()).toHaveLength(1))
})

test('prints no secret of a credentials source', async () => {
  const { client, lines } = await start({
    ...once,
    credentials: () => Promise.reject(new TypeError('planted token')),
  })
  await client.connect().catch(() => {})
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('credentials failed: TypeError')
  expect(lines()[0]).not.toContain('planted')
})

test('prints the code of what a credentials source throws, or of its cause', async () => {
  const cause = Object.assign(new Error('planted token'), { code: 'ENOTFOUND' })
  const { client, lines } = await start({
    ...once,
    credentials: () => Promise.reject(new TypeError('fetch failed', { cause })),
  })
  await client.connect().catch(() => {})
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('credentials failed: TypeError (ENOTFOUND); more is not printed')
  expect(lines()[0]).not.toContain('planted')
})

test.each(['PLANTED_TOKEN', 'EPLANTED123', 'ERRPLANTED-1'])('prints no code that may be a secret: %s', async (code) => {
  const error = Object.assign(new Error('refused'), { code })
  const { client, lines } = await start({ ...once, credentials: () => Promise.reject(error) })
  await client.connect().catch(() => {})
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('credentials failed: Error; more is not printed')
})

test('prints that credentials had expired on arrival, and uses them', async () => {
  const { client, lines } = await start({ credentials: () => ({ username: 'a', expiresAt: Date.now() - 1_000 }) })
  await client.connect()
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain(
    'credentials.expiresAt must be in the future (is the clock of this device right?), got "20',
  )
})

describe('a first connection that does not come about', () => {
  /** Waits for a second attempt without listening to an event. */
  const failing = async (client: ResilientMqttClient) => {
    void client.connect().catch(() => {})
    await vi.waitFor(() => expect(client.status.counters.failedAttempts).toBeGreaterThan(1))
  }
  const everyone = (admit: () => void) => {
    admit()
    return () => {}
  }
  const nowhere = { ...atOnce, url: 'mqtt://127.0.0.1:1' }

  test('is explained once', async () => {
    const { client, lines } = await start({ ...nowhere, name: 'lamp' })
    await failing(client)
    expect(lines()).toHaveLength(1)
    expect(lines()[0]).toMatch(
      /^xstate-mqtt \(lamp\): not connected yet: connect ECONNREFUSED 127\.0\.0\.1:1\nThe client tries again in \d+ ms\. /,
    )
    expect(lines()[0]).toContain("client.on('reconnectScheduled', …), or give the client a logger")
  })

  test.each<[string, Partial<ResilientMqttClientOptions>, (client: ResilientMqttClient) => unknown]>([
    ['a logger', { logger: silent }, () => {}],
    ['a listener of states', {}, (client) => client.on('stateChanged', () => {})],
    ['a listener of attempts', {}, (client) => client.on('reconnectScheduled', () => {})],
    ['a gate, as many clients have', { gate: { ask: everyone } }, () => {}],
  ])('is not, with %s', async (_, options, prepare) => {
    const { client, lines } = await start({ ...nowhere, ...options })
    prepare(client)
    await failing(client)
    expect(lines()).toEqual([])
  })

  test('is explained again if another kind of failure follows', async () => {
    const refusing = await startServer({ script: { connack: { reasonCode: 3 } } })
    const { client, lines } = await start({ ...atOnce, url: ['mqtt://127.0.0.1:1', refusing.url] })
    await failing(client)
    await vi.waitFor(() => expect(lines()).toHaveLength(2))
    expect(lines()[1]).toContain('not connected yet: connection refused')
  })

  test('is explained by the error of a credentials source alone', async () => {
    const { client, lines } = await start({ ...atOnce, credentials: () => Promise.reject(new TypeError('planted')) })
    void client.connect().catch(() => {})
    await vi.waitFor(() => expect(client.status.counters.failedTokenRefreshes).toBeGreaterThan(2))
    expect(lines()).toHaveLength(1)
    expect(lines()[0]).toContain('credentials failed: TypeError')
  })

  test('is not confused with a later one', async () => {
    const { client, server, lines } = await start(atOnce)
    await client.connect()
    await server.close()
    await failing(client)
    expect(lines()).toEqual([])
  })
})

test.each([[false], [true]])(
  'prints a refused subscription, unless subscriptionFailed is handled: %s',
  async (handled) => {
    const refusing = await startServer({ script: { suback: 0x8f } })
    const { client, lines } = await start({ url: refusing.url, options: { protocolVersion: 5 } })
    const failed = vi.fn()
    if (handled) client.on('subscriptionFailed', failed)
    const { ready } = client.subscribe('a', () => {})
    await client.connect()
    await ready.catch(() => {})
    expect(failed).toHaveBeenCalledTimes(handled ? 1 : 0)
    expect(lines()).toHaveLength(handled ? 0 : 1)
    if (!handled) expect(lines()[0]).toContain('the subscription to a failed: SubscriptionRefusedError')
    if (!handled) expect(lines()[0]).toContain("client.on('subscriptionFailed', …)")
  },
)

test('prints that the client gave up if no connect() waits', async () => {
  const { client, server, lines } = await start(once)
  await client.connect()
  await server.close()
  await vi.waitFor(() => expect(client.status.state).toBe('failed'))
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('xstate-mqtt: the connection failed: ConnectionFailedError: gave up')
})

test('prints errors of a connection machine without a logger', async () => {
  const { server, lines } = await start()
  using machine = createConnectionMachine({ url: server.url })
  const actor = createActor(machine.machine, { input: machine.input })
  onTestFinished(() => void actor.stop())
  machine.subscribe('a', () => {
    throw new Error('boom')
  })
  actor.start()
  actor.send({ type: 'CONNECT' })
  await vi.waitFor(() => expect(actor.getSnapshot().matches({ connected: 'ready' })).toBe(true))
  server.current?.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, retain: false, dup: false })
  await vi.waitFor(() => expect(lines()).toHaveLength(1))
  expect(lines()[0]).toContain('the handler of a failed: Error: boom')
  expect(lines()[0]).toContain('option logger')
})

test('names the wrong option of an options function', async () => {
  const { client, lines } = await start({ ...once, options: () => ({ usrname: 'planted' }) as object })
  await client.connect().catch(() => {})
  expect(lines().join()).toContain(
    'InvalidOptionError: options.usrname is not an option of options: did you mean username?',
  )
  expect(lines().join()).not.toContain('planted')
})
