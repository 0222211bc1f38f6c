import { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, test, vi } from 'vitest'

import {
  ConnectionFailedError,
  DisconnectedError,
  OutboxOverflowError,
  PublishExpiredError,
  PublishSupersededError,
  StoreError,
} from '../../src/index.ts'
import { deferred } from '../../src/shared/wait.ts'
import { STORE_TIMEOUT } from '../../src/store/level-journal.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { rejection } from '../support/promises.ts'
import { startServer } from '../support/servers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { contentsAt, contentsOf, SpiedDatabase, startDurableClient } from './journal-on.ts'

const versions = [4, 5] as const
const durable = { qos: 1, durable: true } as const
const once = { qos: 2, durable: true } as const
/** No server listens on this port. */
const nowhere = { url: 'mqtt://127.0.0.1:1' }
const kept = { connack: { sessionPresent: true } }

describe('publishing', () => {
  it('is accepted before the first connection, then delivered and deleted', async () => {
    const server = await startServer()
    const store = join(temporaryFolder(), 'store')
    const { client } = startDurableClient({ url: server.url, store })

    const publishing = client.publish('a', 'x', durable)
    await publishing.accepted
    expect(client.outbox.size).toBe(1)
    await client.connect()
    await publishing
    await client[Symbol.asyncDispose]()

    expect(publishes(server)).toEqual(['a x'])
    expect(await contentsAt(store)).toEqual([])
  })

  it('rejects, and leaves the store, if a later broker announces a limit that it exceeds; the others are sent', async () => {
    const server = await startServer({ script: { connack: { properties: { maximumQoS: 1 } } } })
    const store = join(temporaryFolder(), 'store')
    const { client } = startDurableClient({ url: server.url, store, options: { protocolVersion: 5, clean: false } })

    const before = client.publish('a', 'before', durable)
    const beyond = client.publish('a', 'beyond', once)
    const rejected = rejection(beyond)
    const after = client.publish('a', 'after', durable)
    await Promise.all([before.accepted, beyond.accepted, after.accepted])
    await client.connect()
    await Promise.all([before, after])
    expect(await rejected).toMatchObject({ name: 'NotSupportedByBrokerError', limit: 'maximumQos' })
    await client[Symbol.asyncDispose]()

    expect(publishes(server)).toEqual(['a before', 'a after'])
    expect(await contentsAt(store)).toEqual([])
  })

  it('rejects when the client gives up and while it is in `failed`, but stays in the store', async () => {
    const server = await startServer()
    await server.close()
    const store = join(temporaryFolder(), 'store')
    const { client } = startDurableClient({
      url: server.url,
      store,
      reconnect: { enabled: false },
      recovery: { enabled: false },
    })
    const before = client.publish('a', 'before', durable)
    const rejected = rejection(before)
    await before.accepted
    await client.connect().catch(() => {})
    expect(await rejected).toBeInstanceOf(ConnectionFailedError)
    const after = client.publish('a', 'after', durable)
    const refused = rejection(after)
    await after.accepted
    expect(await refused).toBeInstanceOf(ConnectionFailedError)
    await server.listen()
    await client.connect()
    await client.publish('a', 'end', durable)
    await client[Symbol.asyncDispose]()

    expect(publishes(server)).toEqual(['a before', 'a after', 'a end'])
    expect(await contentsAt(store)).toEqual([])
  })

  it('needs one write for a message that is sent at once, and keeps the order', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ url: server.url, store: database })
    await client.connect()
    database.batches.length = 0

    const publishing = [client.publish('a', '1', durable), client.publish('a', '2', once)]
    const others = [client.publish('a', '3', { qos: 1 }), client.publish('a', '4', { qos: 0 })]
    await Promise.all([...publishing.map(({ accepted }) => accepted), ...others])

    expect(database.batches[0]?.operations.map(({ type }) => type)).toEqual(['put', 'put', 'put', 'put', 'put'])
    await server.waitFor('publish', { count: 4 })
    expect(publishes(server)).toEqual(['a 1', 'a 2', 'a 3', 'a 4'])
  })

  it('sends nothing before its packet id is on disk', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ url: server.url, store: database })
    await client.connect()
    const { promise, resolve } = deferred<void>()
    database.gate = promise

    const publishing = client.publish('a', 'x', once)
    await database.next()
    await roundTrip(client, server)
    expect(server.received('publish')).toEqual([])
    resolve()
    await publishing
    expect(publishes(server)).toContain('a x')
  })

  it('sends no PUBREL before its PUBREC is on disk', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ url: server.url, store: database })
    await client.connect()
    const publishing = client.publish('a', 'x', once)
    await server.waitFor('publish')
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    await database.next()
    await roundTrip(client, server)
    expect(server.received('pubrel')).toEqual([])
    resolve()
    await publishing
    expect(server.received('pubrel')).toHaveLength(1)
  })

  test.each([
    ['QoS 0', 'a', { durable: true }, /durable needs QoS 1 or 2/],
    ['no topic', '', durable, /topic/],
  ])('refuses %s', async (_name, topic, options, message) => {
    const { client } = startDurableClient({ ...nowhere, store: new SpiedDatabase() })
    const { accepted } = client.publish(topic, 'x', options)
    await expect(accepted).rejects.toThrow(message)
  })

  it('needs a store', async () => {
    const { client } = startDurableClient({ ...nowhere, options: {} })
    await expect(client.publish('a', 'x', durable).accepted).rejects.toThrow("needs the client's option store")
  })
})

describe.each(versions)('the next process, MQTT %i', (protocolVersion) => {
  const options = { clean: false, protocolVersion }

  test.each([
    [
      'kept',
      kept,
      [
        { messageId: 32_768, dup: true, qos: 1 },
        { messageId: 32_769, dup: true, qos: 2 },
      ],
    ],
    [
      'lost',
      {},
      [
        { dup: false, qos: 1 },
        { dup: false, qos: 2 },
      ],
    ],
  ])('sends unacknowledged publishes when the broker %s the session', async (_name, second, expected) => {
    const server = await startServer({ script: [{ puback: false }, second] })
    const database = new SpiedDatabase()
    await abandoned(database, server, options, 3, [
      ['one', durable],
      ['two', once],
      ['three', { ...durable, properties: { contentType: 'text' } }],
    ])

    const next = startDurableClient({ url: server.url, options, store: database.reopened() })
    const restored: object[] = []
    next.client.on('outboxRestored', (event) => restored.push(event))
    const drained = new Promise((resolve) => next.client.on('drained', resolve))
    await next.client.connect()
    await drained

    expect(restored).toEqual([{ waiting: 0, inFlight: 3 }])
    const [, connection] = server.connections
    expect(connection?.received('publish').map(({ topic }) => topic)).toEqual(['one', 'two', 'three'])
    expect(connection?.received('publish').slice(0, 2)).toMatchObject(expected)
    const contentType = connection?.received('publish')[2]?.properties?.contentType
    expect(contentType).toBe(protocolVersion === 5 ? 'text' : undefined)
    await next.client[Symbol.asyncDispose]()
    expect(await contentsOf(database)).toEqual([])
  })

  test.each([
    ['only PUBREL when the broker kept the session', kept, 1],
    ['nothing when the broker lost it', {}, 0],
  ])('sends after a PUBREC %s', async (_name, second, pubrels) => {
    const server = await startServer({ script: [{ steps: [{ at: 'pubrel', do: 'ignore' }] }, second] })
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ url: server.url, options, store: database })
    await client.connect()
    client.publish('a', 'x', once).catch(() => {})
    await server.waitFor('pubrel')
    await crash(client)

    const next = startDurableClient({ url: server.url, options, store: database.reopened() })
    const drained = new Promise((resolve) => next.client.on('drained', resolve))
    await next.client.connect()
    // The PUBCOMP has to arrive before the client leaves.
    if (pubrels > 0) await drained
    await next.client[Symbol.asyncDispose]()

    const [, connection] = server.connections
    expect(connection?.received('publish')).toEqual([])
    expect(connection?.received('pubrel')).toHaveLength(pubrels)
    expect(await contentsOf(database)).toEqual([])
  })

  it('uses the same client id', async () => {
    const server = await startServer()
    const store = join(temporaryFolder(), 'store')
    for (let process = 0; process < 2; process++) {
      const { client } = startDurableClient({ url: server.url, options, store })
      await client.connect()
      await client[Symbol.asyncDispose]()
    }
    const [first, second] = server.received('connect')
    expect(first?.clientId).toMatch(/^xstate-mqtt-[0-9a-z]{11}$/)
    expect(second?.clientId).toBe(first?.clientId)
  })

  it('gives its own publishes different packet ids and later places', async () => {
    const server = await startServer({ script: [{ puback: false }, { ...kept, puback: false }] })
    const database = new SpiedDatabase()
    await abandoned(database, server, options, 2, [
      ['one', once],
      ['two', once],
    ])
    const { client } = startDurableClient({ url: server.url, options, random: () => 0, store: database.reopened() })
    client.publish('three', '', once).catch(() => {})
    client.publish('four', '', { qos: 2 }).catch(() => {})
    await client.connect()
    await server.waitFor('publish', { count: 6 })
    const sent = server.connections[1]?.received('publish') ?? []
    expect(sent.map(({ topic }) => topic)).toEqual(['one', 'two', 'three', 'four'])
    expect(sent.map(({ messageId }) => messageId)).toEqual([32_768, 32_769, 32_770, 1])
  })
})

describe('a publish that leaves the outbox unsent leaves the store', () => {
  it('replaced by a newer one with the same key', async () => {
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ ...nowhere, store: database })
    const first = client.publish('a', '1', { ...durable, latest: true })
    await first.accepted
    await client.publish('a', '2', { ...durable, latest: true }).accepted
    expect(await rejection(first)).toBeInstanceOf(PublishSupersededError)
    expect(await contentsOf(database)).toEqual(['a 2'])
  })

  it('replaced by a newer one with the same key in the next process', async () => {
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ ...nowhere, store: database })
    await client.publish('a', '1', { ...durable, latest: 'key' }).accepted
    await crash(client)
    const next = startDurableClient({ ...nowhere, store: database.reopened() })
    await next.client.publish('b', '2', { ...durable, latest: 'key' }).accepted
    await crash(next.client)
    expect(await contentsOf(database)).toEqual(['b 2'])
    expect(next.errors).toEqual([])
  })

  it('after its time to live, also in the next process', async () => {
    const database = new SpiedDatabase()
    const clock = createTestClock()
    const time = { clock, now: () => clock.now() }
    const { client } = startDurableClient({ ...nowhere, ...time, store: database })
    const first = client.publish('a', '1', { ...durable, ttl: 1_000 })
    const second = client.publish('b', '2', { ...durable, ttl: 60_000 })
    await Promise.all([first.accepted, second.accepted])
    await clock.tickAsync(1_000)
    expect(await rejection(first)).toBeInstanceOf(PublishExpiredError)
    await crash(client)
    expect(await contentsOf(database)).toEqual(['b 2'])

    const next = startDurableClient({ ...nowhere, ...time, store: database.reopened() })
    await next.client.publish('c', '3', durable).accepted
    await clock.tickAsync(59_000)
    await crash(next.client)
    expect(next.errors).toMatchObject([{ code: 'PUBLISH_EXPIRED', topic: 'b' }])
    expect(await contentsOf(database)).toEqual(['c 3'])
  })

  test.each([
    ['reject', ['a 1', 'b 2']],
    ['drop-oldest', ['b 2', 'c 3']],
    ['drop-newest', ['a 1', 'c 3']],
  ] as const)('by the overflow policy %s, which counts those of an earlier process', async (overflow, left) => {
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ ...nowhere, store: database })
    await client.publish('a', '1', durable).accepted
    await client.publish('b', '2', durable).accepted
    await crash(client)
    const next = startDurableClient({ ...nowhere, store: database.reopened(), outbox: { maxMessages: 2, overflow } })
    await rejection(next.client.connect({ signal: AbortSignal.timeout(20) }))
    const third = next.client.publish('c', '3', durable)
    const outcome = await third.accepted.catch((error: unknown) => error)
    expect(outcome instanceof OutboxOverflowError).toBe(overflow === 'reject')
    await crash(next.client)
    expect(next.client.outbox.size).toBe(2)
    expect(next.errors).toMatchObject(overflow === 'reject' ? [] : [{ code: 'OUTBOX_OVERFLOW' }])
    expect(await contentsOf(database)).toEqual(left)
  })

  it('aborted by its signal, also before the store is open', async () => {
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ ...nowhere, store: database })
    const early = new AbortController()
    const late = new AbortController()
    const publishing = [
      client.publish('a', '1', { ...durable, signal: early.signal }),
      client.publish('b', '2', { ...durable, signal: late.signal }),
    ]
    early.abort(new Error('early'))
    await publishing[1]?.accepted
    late.abort(new Error('late'))
    expect(await Promise.all(publishing.map((each) => rejection(each)))).toMatchObject([
      { message: 'early' },
      { message: 'late' },
    ])
    await crash(client)
    expect(await contentsOf(database)).toEqual([])
  })

  it('refused by the broker, which is reported even if no code waits for it', async () => {
    const server = await startServer({ script: { puback: 0x87 } })
    const options = { clean: false, protocolVersion: 5 } as const
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ ...nowhere, options, store: database })
    await client.publish('a', '1', durable).accepted
    await crash(client)
    const next = startDurableClient({ url: server.url, options, store: database.reopened() })
    const refused = new Promise((resolve) => next.client.on('error', resolve))
    await next.client.connect()
    expect(await refused).toMatchObject({ source: 'store', error: { code: 'PUBLISH_REFUSED', reasonCode: 0x87 } })
    await crash(next.client)
    expect(await contentsOf(database)).toEqual([])
  })
})

describe('disconnect', () => {
  it('rejects remaining publishes, and keeps them for the next connect() and the next process', async () => {
    const server = await startServer({ script: [{ puback: false }, kept] })
    const database = new SpiedDatabase()
    const { client, errors } = startDurableClient({ url: server.url, store: database })
    await client.connect()
    const sent = client.publish('sent', '1', durable)
    await server.waitFor('publish')
    await client.disconnect({ drainTimeout: 0 })
    const waiting = client.publish('waiting', '2', durable)
    await waiting.accepted
    await client.disconnect()
    await client.disconnect()
    for (const publishing of [sent, waiting]) expect(await rejection(publishing)).toBeInstanceOf(DisconnectedError)
    expect(await contentsOf(database)).toEqual(['sent 1', 'waiting 2', 'sent 32768'])

    const drained = new Promise((resolve) => client.on('drained', resolve))
    await client.connect()
    await drained
    await client.disconnect()
    expect(server.connections[1]?.received('publish')).toMatchObject([
      { topic: 'sent', messageId: 32_768, dup: true },
      { topic: 'waiting', dup: false },
    ])
    expect(await contentsOf(database)).toEqual([])
    expect(errors).toEqual([])
  })

  it('ends connect() while the store is being opened', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    const { client } = startDurableClient({ url: server.url, store: database })
    const connecting = rejection(client.connect())
    const disconnecting = client.disconnect()
    expect(await connecting).toBeInstanceOf(DisconnectedError)
    resolve()
    await disconnecting
    expect(client.status.state).toBe('idle')
    await client.connect()
    expect(server.connections).toHaveLength(1)
  })
})

describe('a store that fails', () => {
  it('rejects publishes that cannot be written, without sending them', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client, errors } = startDurableClient({ url: server.url, store: database })
    await client.connect()
    database.failure = new Error('no space left on device')

    const publishing = client.publish('a', 'x', durable)
    expect(await rejection(publishing.accepted)).toMatchObject({ code: 'STORE', problem: 'write' })
    expect(await rejection(publishing)).toMatchObject({ code: 'STORE', problem: 'write' })
    await client.publish('b', 'y', { qos: 1 })
    expect(publishes(server)).toEqual(['b y'])
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
    expect(errors).toMatchObject([{ problem: 'write' }])

    database.failure = undefined
    await client.publish('c', 'z', durable)
    expect(publishes(server)).toEqual(['b y', 'c z'])
  })

  it('delays no accepted publish', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client, errors } = startDurableClient({ url: server.url, store: database })
    const publishing = [client.publish('a', '1', once), client.publish('b', '2', durable)]
    await Promise.all(publishing.map(({ accepted }) => accepted))
    database.failure = new Error('no space left on device')
    await client.connect()
    await Promise.all(publishing)
    expect(publishes(server)).toEqual(['a 1', 'b 2'])
    expect(errors).toMatchObject([{ problem: 'write' }])
    database.failure = undefined
    await client.disconnect()
    expect(await contentsOf(database)).toEqual([])
  })

  it('to open rejects connect(), which can be called again', async () => {
    const server = await startServer()
    const database = new SpiedDatabase()
    database.failure = new Error('not now')
    const { client } = startDurableClient({ url: server.url, store: database })
    expect(await rejection(client.connect())).toMatchObject({ code: 'STORE', problem: 'write' })
    expect(client.status.state).toBe('idle')
    database.failure = undefined
    await client.connect()
    expect(client.isConnected).toBe(true)
  })
})

describe('a store that hangs', () => {
  const never = new Promise<void>(() => {})

  it('rejects pending writes after a timeout, and then delays nothing else', async () => {
    const server = await startServer()
    const clock = createTestClock()
    const database = new SpiedDatabase()
    const { client, errors } = startDurableClient({ url: server.url, store: database, clock, now: () => clock.now() })
    await client.connect()
    database.gate = never

    const publishing = client.publish('a', 'x', durable)
    const behind = client.publish('b', 'y', { qos: 1 })
    const refused = [rejection(publishing.accepted), rejection(publishing)]
    await database.next()
    await clock.tickAsync(STORE_TIMEOUT)
    for (const each of refused) expect(await each).toMatchObject({ code: 'STORE', problem: 'write' })
    await behind
    expect(await rejection(client.publish('c', 'z', durable))).toMatchObject({ code: 'STORE', problem: 'write' })
    expect(publishes(server)).toEqual(['b y'])
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
    expect(errors).toMatchObject([{ problem: 'write' }])
  })

  it('delays disconnect() no longer than the broker may', async () => {
    const server = await startServer()
    const clock = createTestClock()
    const database = new SpiedDatabase()
    const timeouts = { disconnectTimeout: 5_000 }
    const { client } = startDurableClient({ url: server.url, store: database, clock, now: () => clock.now(), timeouts })
    await client.connect()
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    const publishing = client.publish('a', 'x', durable)
    await database.next()

    let disconnected = false
    const disconnecting = client.disconnect({ drainTimeout: 0 }).then(() => (disconnected = true))
    await client.waitFor('disconnected')
    expect(await rejection(publishing)).toBeInstanceOf(DisconnectedError)
    await clock.tickAsync(timeouts.disconnectTimeout - 1)
    expect(disconnected).toBe(false)
    await clock.tickAsync(1)
    await disconnecting
    resolve()
    await publishing.accepted
  })
})

describe('an accepted publish is not displaced by one that cannot be written', () => {
  test.each([
    ['of the same key', { latest: 'key' }, {}],
    ['for which the oldest would be dropped', {}, { maxMessages: 1, overflow: 'drop-oldest' }],
    ['for which the newest would be dropped', {}, { maxMessages: 1, overflow: 'drop-newest' }],
  ] as const)('%s', async (_name, options, outbox) => {
    const server = await startServer()
    const database = new SpiedDatabase()
    const { client } = startDurableClient({ url: server.url, store: database, outbox })
    const old = client.publish('t', 'old', { ...durable, ...options })
    await old.accepted
    database.failure = new Error('no space left on device')
    const refused = ['new', 'newer'].map((payload) => client.publish('t', payload, { ...durable, ...options }))
    for (const each of refused) expect(await rejection(each)).toBeInstanceOf(StoreError)
    expect(client.outbox).toMatchObject({ size: 1, bytes: 4, inFlight: 0 })
    database.failure = undefined
    await client.connect()
    await old
    expect(publishes(server)).toEqual(['t old'])
  })

  it('nor by one that was published before the store was open', async () => {
    const database = new SpiedDatabase()
    const first = startDurableClient({ ...nowhere, store: database })
    await first.client.publish('t', 'old', { ...durable, latest: true }).accepted
    await crash(first.client)

    const server = await startServer()
    const reopened = database.reopened()
    const { client } = startDurableClient({ url: server.url, store: reopened })
    const refused = client.publish('t', 'new', { ...durable, latest: true })
    client.on('outboxRestored', () => (reopened.failure = new Error('no space left on device')))
    expect(await rejection(refused)).toBeInstanceOf(StoreError)
    const drained = new Promise((resolve) => client.on('drained', resolve))
    await client.connect()
    await drained
    expect(publishes(server)).toEqual(['t old'])
  })
})

test('sends durable publishes in order, only as fast as the socket accepts them, and without DUP', async () => {
  const server = await startServer()
  const { client } = startDurableClient({ url: server.url, store: new SpiedDatabase() })
  const payload = 'x'.repeat(50_000)
  const publishing = Array.from({ length: 200 }, (_, n) => client.publish(String(n), payload, durable))
  await Promise.all(publishing.map(({ accepted }) => accepted))

  const most = await mostBuffered(new URL(server.url).port, async () => {
    await client.connect()
    await Promise.all(publishing)
  })
  expect(most).toBeLessThan(4 * payload.length)
  const received = server.received('publish')
  expect(received.map(({ topic }) => topic)).toEqual(publishing.map((_, n) => String(n)))
  expect(received.filter(({ dup }) => dup)).toEqual([])
})

test('sends stored but unsent publishes without DUP on the next connection', async () => {
  const server = await startServer({ script: [{ steps: [{ at: 'publish', do: 'ignore' }] }, kept] })
  const { client } = startDurableClient({ url: server.url, store: new SpiedDatabase() })
  const payload = 'x'.repeat(500_000)
  const publishing = Array.from({ length: 20 }, (_, n) => client.publish(String(n), payload, durable))
  await Promise.all(publishing.map(({ accepted }) => accepted))
  await client.connect()
  await server.waitFor('publish')
  server.kick('reset')
  await Promise.all(publishing)

  const sent = server.connections[1]?.received('publish') ?? []
  expect(sent.map(({ topic }) => topic)).toEqual(publishing.map((_, n) => String(n)))
  expect([sent[0]?.dup, sent.at(-1)?.dup]).toEqual([true, false])
})

test('reads the publishes of the previous process from a real folder, over ten processes', async () => {
  const server = await startServer()
  const store = join(temporaryFolder(), 'store')
  for (let process = 0; process < 10; process++) {
    const { client } = startDurableClient({ ...nowhere, store })
    await client.publish('t', String(process), durable).accepted
    await client[Symbol.asyncDispose]()
  }
  const { client } = startDurableClient({ url: server.url, store })
  const drained = new Promise((resolve) => client.on('drained', resolve))
  await client.connect()
  await drained
  expect(publishes(server)).toEqual(Array.from({ length: 10 }, (_, n) => `t ${n}`))
})

/** The maximum number of bytes that waited for the sockets to a port. */
async function mostBuffered(port: string, run: () => Promise<void>): Promise<number> {
  let most = 0
  const original: unknown = Socket.prototype.write
  const spy = vi.spyOn(Socket.prototype, 'write').mockImplementation(function write(this: Socket, ...args) {
    const taken = (original as (...given: unknown[]) => boolean).apply(this, args)
    if (String(this.remotePort) === port) most = Math.max(most, this.writableLength)
    return taken
  })
  try {
    await run()
  } finally {
    spy.mockRestore()
  }
  return most
}

type Client = ReturnType<typeof startDurableClient>['client']

function publishes(server: ScriptedServer): string[] {
  return server.received('publish').map(({ topic, payload }) => `${topic} ${String(payload)}`)
}

/** Resolves when the server has everything that the client sent before. */
async function roundTrip(client: Client, server: ScriptedServer): Promise<void> {
  await client.subscribe(`trip/${server.received('subscribe').length}`, () => {}).ready
}

/** Ends the client like a kill: without draining, so that durable publishes stay. */
async function crash(client: Client): Promise<void> {
  await client.disconnect({ drainTimeout: 0, outbox: 'keep' })
  await client[Symbol.asyncDispose]()
}

/** A process that ends when the broker has its publishes but has not acknowledged any. */
async function abandoned(
  database: SpiedDatabase,
  server: ScriptedServer,
  options: { clean: boolean; protocolVersion: 4 | 5 },
  count: number,
  publishing: readonly (readonly [topic: string, options: object])[],
): Promise<void> {
  const { client } = startDurableClient({ url: server.url, options, store: database })
  await client.connect()
  for (const [topic, publishOptions] of publishing) client.publish(topic, 'x', publishOptions).catch(() => {})
  await server.waitFor('publish', { count })
  await crash(client)
}
