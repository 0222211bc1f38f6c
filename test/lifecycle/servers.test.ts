import { describe, expect, test, vi } from 'vitest'

import type { ResilientMqttClientOptions, ServerList } from '../../src/index.ts'
import { ResilientMqttClient } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, once, startClient } from '../support/recorded-client.ts'
import { serve, startServer, trusting } from '../support/servers.ts'

const refuses = { script: { connack: { reasonCode: 0x88 } } } as const
const v5 = { protocolVersion: 5 } as const

describe('the option `servers`', () => {
  const secret = 'mqtt://me:secret@host'

  test.each<[object, string]>([
    [{ servers: [] }, 'servers must be a list of at least one server'],
    [{ servers: secret }, 'servers must be a list of at least one server, or a function that returns one'],
    [{ servers: [5] }, 'servers[0] must be a URL, or an object with one: { url }'],
    [{ servers: ['mqtt://a', ['mqtt://b']] }, 'servers[1] must be an object'],
    [{ servers: [{ weight: 1 }] }, 'servers[0].url must be given'],
    [{ servers: [{ url: 'http://me:secret@host' }] }, 'servers[0].url must begin with mqtt:, mqtts:, ws: or wss:'],
    [
      { servers: [{ url: secret, weight: -1 }] },
      'servers[0].weight must be a whole number between 0 and 65535, got -1',
    ],
    [{ servers: [{ url: secret, priority: 1.5 }] }, 'servers[0].priority must be a whole number between 0 and 65535'],
    [
      { servers: [{ url: secret, wieght: 1 }] },
      'servers[0].wieght is not an option of servers[0]: did you mean weight?',
    ],
    [{ servers: [{ host: 'a', port: 1883 }] }, 'servers[0].host is not an option of servers[0]: see url'],
    [{ servers: [secret], url: secret }, 'servers must not be given together with url'],
    [{ servers: [secret], options: { url: secret } }, 'servers must not be given together with options.url'],
    [{ url: secret, failover: {} }, 'failover needs servers: a list of url is used in its order'],
    [
      { servers: [secret], failover: { selection: 'random' } },
      'failover.selection must be one of "ordered", "weighted"',
    ],
    [
      { servers: [secret], failover: { failBackAfter: -1 } },
      'failover.failBackAfter must be milliseconds of at least 0',
    ],
    [
      { servers: [secret], failover: { coolDown: 2_000, maxCoolDown: 1_000 } },
      'failover.maxCoolDown must be at least failover.coolDown (2000), got 1000',
    ],
  ])('%j: %s', (options, message) => {
    const create = () => new ResilientMqttClient(options as ResilientMqttClientOptions)
    expect(create).toThrow(message)
    expect(create).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }))
  })

  test.each<[string, Partial<ResilientMqttClientOptions>, string]>([
    ['the credentials', { credentials: () => ({ url: 'mqtt://b' }) }, 'credentials.url'],
    ['a function of options', { options: () => ({ url: 'mqtt://b' }) }, 'options.url'],
  ])('excludes a URL of %s', async (_, options, elsewhere) => {
    const { client } = startClient({ ...once, servers: ['mqtt://127.0.0.1:1'], ...options })
    const error = await rejection(client.connect())
    expect(error).toMatchObject({ failure: { kind: 'options', name: 'InvalidOptionError' } })
    expect(String(error.cause)).toContain(`servers must not be given together with ${elsewhere}`)
  })
})

describe('several servers', () => {
  test('the status tells the health of each, without secrets', async () => {
    const [one, other] = [await startServer(refuses), await startServer()]
    const withLogin = (url: string) => url.replace('mqtt://', 'mqtt://me:secret@')
    const { client, inspected } = startClient({
      ...atOnce,
      options: v5,
      servers: [{ url: withLogin(one.url) }, { url: withLogin(other.url), priority: 1, weight: 5 }],
    })
    expect(client.status.servers).toEqual([])
    await client.connect()
    expect(client.status.servers).toMatchObject([
      {
        server: one.url,
        state: 'cooling-down',
        attempts: 1,
        connects: 0,
        failures: 1,
        lastFailure: { kind: 'refused' },
      },
      { server: other.url, state: 'in-use', priority: 1, weight: 5, attempts: 1, connects: 1, failures: 0 },
    ])
    expect(client.status.server).toBe(other.url)
    expect(JSON.stringify(client.status)).not.toContain('secret')
    const context = JSON.stringify(client.actor.getSnapshot().context)
    expect(context).not.toContain('secret')
    expect(JSON.stringify(inspected.map((each) => 'event' in each && each.event))).not.toContain('secret')
    await client.disconnect()
    expect(client.status.servers.map(({ state }) => state)).toEqual(['cooling-down', 'available'])
  })

  test('a list of `url` has a health, too, and is used in its order', async () => {
    const [one, other] = [await startServer(refuses), await startServer()]
    const { client } = startClient({ ...atOnce, url: [one.url, other.url], options: v5 })
    await client.connect()
    expect(client.status.servers).toMatchObject([
      { server: one.url, state: 'available', failures: 1, coolingUntil: null },
      { server: other.url, state: 'in-use', connects: 1 },
    ])
  })

  test('the same server with two paths is listed twice', async () => {
    const server = await serve('ws')
    const { origin } = new URL(server.url)
    const { client } = startClient({ servers: [server.url, `${server.url}/other`] })
    await client.connect()
    expect(client.status.servers.map((each) => each.server)).toEqual([origin, `${origin} (2)`])
  })

  test('are told to an application when another one is connected', async () => {
    const [one, other] = [await startServer(), await startServer()]
    const { client, next } = startClient({ ...atOnce, servers: [one.url, other.url], options: v5 })
    const changed = vi.fn()
    client.on('serverChanged', changed)
    await client.connect()
    const connected = next('connected')
    await one.close()
    await connected
    expect(changed.mock.calls).toEqual([[{ from: one.url, to: other.url }]])
  })
})

describe('a function that returns the servers', () => {
  test('is called with the generation and the failure, once for each recreated client', async () => {
    const [one, other] = [await startServer(refuses), await startServer()]
    const servers = vi.fn(({ generation }): ServerList => [generation < 3 ? one.url : other.url])
    const recovery = { initialDelay: 1, maxDelay: 1, jitter: 'none' } as const
    const { client } = startClient({
      servers,
      options: v5,
      reconnect: { ...atOnce.reconnect, maxAttempts: 2 },
      recovery,
    })
    await client.connect()
    const reason = expect.objectContaining({ kind: 'refused', reasonCode: 0x88 })
    expect(servers.mock.calls).toEqual([
      [{ generation: 1, failure: null }],
      [{ generation: 2, failure: reason }],
      [{ generation: 3, failure: reason }],
    ])
    expect(client.status.servers).toMatchObject([{ server: other.url, attempts: 1 }])
  })

  test('is called for each attempt with `per-attempt`, and what is known of a server is kept', async () => {
    const server = await startServer({
      script: [{ connack: { reasonCode: 0x88 } }, { connack: { reasonCode: 0x88 } }, {}],
    })
    const servers = vi.fn(async () => [server.url])
    const { client } = startClient({ ...atOnce, servers, options: v5, evaluateOptions: 'per-attempt' })
    await client.connect()
    expect(servers).toHaveBeenCalledTimes(3)
    expect(client.status.servers).toMatchObject([{ attempts: 3, failures: 2, connects: 1 }])
  })

  test.each<[string, () => unknown, string, string]>([
    [
      'throws',
      () => {
        throw new TypeError('away')
      },
      'TypeError',
      'away',
    ],
    ['rejects', () => Promise.reject(new RangeError('away')), 'RangeError', 'away'],
    ['returns no list', () => undefined, 'InvalidOptionError', 'servers() must be a list of at least one server'],
    [
      'returns a wrong server',
      async () => [{ url: 'ftp://me:secret@host' }],
      'InvalidOptionError',
      'servers()[0].url must',
    ],
  ])('that %s fails the attempt, if no servers are known', async (_, servers, name, message) => {
    const { client } = startClient({ ...once, servers: servers as never })
    const errors = vi.fn()
    client.on('error', errors)
    const error = await rejection(client.connect())
    expect(error).toMatchObject({ failure: { kind: 'options', name } })
    expect(error.message).not.toContain('secret')
    expect(errors).toHaveBeenCalledOnce()
    expect(errors.mock.lastCall?.[0].error.message).toContain(message)
  })

  const broken = new Error('the directory is away')
  const fail = () => Promise.reject(broken)

  test.each<[string, () => Promise<ServerList>, unknown]>([
    ['fails', fail, broken],
    ['does not answer', () => new Promise(() => {}), expect.objectContaining({ name: 'TimeoutError' })],
  ])('that %s later leaves the servers that it returned before', async (_, away, error) => {
    const server = await startServer()
    let isAway = false
    const servers = async () => (isAway ? away() : [server.url])
    const { client, next } = startClient({ ...atOnce, servers, options: v5, timeouts: { connectTimeout: 1_000 } })
    const errors = vi.fn()
    client.on('error', errors)
    await client.connect()
    isAway = true
    const connected = next('connected')
    client.recover()
    await connected
    expect(errors.mock.calls).toEqual([[{ error, source: 'servers' }]])
  })

  test('that never answers ends with the timeout of the attempt, and leaves nothing behind', async () => {
    const { client } = startClient({ ...once, servers: () => new Promise(() => {}), timeouts: { connectTimeout: 20 } })
    expect(await rejection(client.connect())).toMatchObject({ failure: { kind: 'timeout', phase: 'connect' } })
    expect(client.status.servers).toEqual([])
  })

  test('may answer late, which does not replace a later answer', async () => {
    const [old, current] = [await startServer(), await startServer()]
    const answers: ((servers: ServerList) => void)[] = []
    const servers = () => new Promise<ServerList>((answer) => answers.push(answer))
    const { client, next } = startClient({ ...atOnce, servers, options: v5, timeouts: { connectTimeout: 300 } })
    const connected = next('connected')
    void client.connect()
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(1))
    answers.at(-1)?.([current.url])
    await connected
    answers[0]?.([old.url])
    await turns(5)
    const again = next('connected')
    current.kick()
    await again
    expect(client.status.servers).toMatchObject([{ server: current.url }])
    expect(old.connections).toEqual([])
  })

  test('may answer after the client was disposed', async () => {
    const server = await startServer()
    let resolve: (servers: ServerList) => void = () => {}
    const answer = new Promise<ServerList>((answers) => (resolve = answers))
    const { client } = startClient({ ...once, servers: () => answer })
    const connecting = rejection(client.connect())
    await client[Symbol.asyncDispose]()
    resolve([server.url])
    await connecting
    expect(server.connections).toEqual([])
  })
})

describe('the return to a better server', () => {
  /** A client that is at the other server, because the better one has refused it once. */
  async function onOther() {
    const one = await startServer({ script: [{ connack: { reasonCode: 0x88 } }, {}] })
    const other = await startServer()
    const clock = createTestClock()
    const started = startClient({
      ...atOnce,
      clock,
      options: v5,
      servers: [{ url: other.url, priority: 1 }, one.url],
      failover: { coolDown: 0, maxCoolDown: 0, failBackAfter: 0 },
      timeouts: { stableAfter: 0 },
      random: () => 0,
    })
    const { client } = started
    const connected = client.connect()
    await until(() => client.status.state === 'reconnecting', 'the first attempt has failed')
    clock.tick(1)
    await connected
    expect(client.status.server).toBe(other.url)
    return { ...started, clock, one, other }
  }

  test('is graceful, and is no interruption', async () => {
    const { client, clock, one, other, heard } = await onOther()
    clock.tick(1_000)
    await until(() => client.status.state === 'connected' && client.status.server === one.url, 'it has returned')
    await client.publish('a', 'b', { qos: 1 })
    expect(one.received('publish')).toHaveLength(1)
    expect(other.received('disconnect')).toHaveLength(1)
    expect(heard('connectionInterrupted')).toEqual([])
  })

  test('waits while a publish is in flight', async () => {
    const { client, clock, one, other } = await onOther()
    const [connection] = other.connections
    connection!.behaviour = { puback: false }
    const published = client.publish('a', 'b', { qos: 1 })
    await other.waitFor('publish')
    clock.tick(30_000)
    expect(client.status).toMatchObject({ state: 'connected', server: other.url, outbox: { inFlight: 1 } })
    const { messageId } = other.received('publish')[0]!
    connection!.send({ cmd: 'puback', messageId: messageId! })
    await published
    clock.tick(1_000)
    await until(() => client.status.state === 'connected' && client.status.server === one.url, 'it has returned')
    expect(one.received('publish'), 'it is not sent again').toEqual([])
  })

  test('waits while a handler is at work', async () => {
    const { client, clock, one, other } = await onOther()
    let resolve = () => {}
    const done = new Promise<void>((finish) => (resolve = finish))
    const handler = vi.fn(() => done)
    const subscription = client.subscribe('a', handler, { qos: 1, ack: 'after-handler' })
    await subscription.ready
    other.connections[0]!.send({
      cmd: 'publish',
      topic: 'a',
      payload: '',
      qos: 1,
      messageId: 7,
      dup: false,
      retain: false,
    })
    await until(() => handler.mock.calls.length > 0, 'the handler is at work')
    clock.tick(30_000)
    expect(client.status).toMatchObject({ state: 'connected', server: other.url, inbox: { heldBack: 1 } })
    resolve()
    await other.waitFor('puback')
    clock.tick(1_000)
    await until(() => client.status.state === 'connected' && client.status.server === one.url, 'it has returned')
    await one.waitFor('subscribe')
  })
})

test('TLS is never lost on the way to a server that has moved for good', async () => {
  const plain = await serve('mqtt')
  const server = await serve('mqtts', {
    script: { connack: { reasonCode: 0x9d, properties: { serverReference: `${plain.url} ${plain.url}` } } },
  })
  const { client } = startClient({
    ...once,
    reconnect: { ...atOnce.reconnect, maxAttempts: 5 },
    servers: [server.url],
    options: { ...trusting, protocolVersion: 5 },
    redirect: { allow: 'any' },
  })
  await rejection(client.connect())
  expect(plain.connections.length, 'it was tried').toBeGreaterThan(1)
  expect(plain.received('connect'), 'and got nothing in plain text').toEqual([])
  expect(client.status.servers).toMatchObject([{ server: server.url, movedTo: plain.url }])
})
