import { expect, onTestFinished, test } from 'vitest'
import { createActor, sendTo, setup, type AnyActorRef, type Snapshot } from 'xstate'

import { createConnectionMachine, type ConnectionMachine, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { startServer } from '../support/servers.ts'

/** An application that contains a connection machine. */
function appWith(connection: ConnectionMachine) {
  return setup({ actors: { mqtt: connection.machine } }).createMachine({
    invoke: { id: 'mqtt', src: 'mqtt', input: connection.input },
    on: { CONNECT: { actions: sendTo('mqtt', { type: 'CONNECT' }) } },
  })
}

function child(app: AnyActorRef): AnyActorRef {
  return (app.getSnapshot() as { children: Record<string, AnyActorRef> }).children['mqtt']!
}

function open(options: ResilientMqttClientOptions): ConnectionMachine {
  const connection = createConnectionMachine(options)
  onTestFinished(() => connection[Symbol.dispose]())
  return connection
}

function start(connection: ConnectionMachine, snapshot?: Snapshot<unknown>, clock = createTestClock()) {
  const app = createActor(appWith(connection), { clock, ...(snapshot && { snapshot: snapshot as never }) }).start()
  onTestFinished(() => void app.stop())
  return app
}

function throughJson(app: { getPersistedSnapshot(): unknown }): Snapshot<unknown> {
  return JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as Snapshot<unknown>
}

const isReady = (app: AnyActorRef) =>
  until(
    () => (child(app).getSnapshot() as { value: { connected?: string } }).value.connected === 'ready',
    'it is ready',
  )

async function connected(server: ScriptedServer, connection: ConnectionMachine) {
  const app = start(connection)
  app.send({ type: 'CONNECT' })
  await isReady(app)
  expect(server.openSockets).toBe(1)
  return app
}

test('a parent machine restored from JSON in another process connects automatically', async () => {
  const server = await startServer({ script: [{}, {}] })
  const classify = () => 'retry' as const
  const before = await connected(server, open({ url: server.url, classify }))
  const snapshot = throughJson(before)
  before.stop()
  const connection = open({ url: server.url, classify, reconnect: { maxAttempts: 3 } })
  const app = start(connection, snapshot)
  expect((child(app).getSnapshot() as { value: unknown }).value).toBe('connecting')
  await connection.publish('a', 'x', { qos: 1 })
  await isReady(app)
  expect(server.received('publish')).toHaveLength(1)
  const { context } = child(app).getSnapshot() as { context: { counters: object; config: { reconnect: object } } }
  expect(context.counters).toMatchObject({ connects: 2 })
  expect(context.config.reconnect, 'the options of the new process').toMatchObject({ maxAttempts: 3 })
})

test('subscriptions and publishes move to a machine restored in the same process', async () => {
  const server = await startServer({ script: [{}, {}] })
  const connection = open({ url: server.url })
  const before = await connected(server, connection)
  await connection.subscribe('a/+', () => {}).ready
  const snapshot = throughJson(before)
  before.stop()
  await server.waitFor(() => server.openSockets === 0)
  const publishing = connection.publish('a', 'x', { qos: 1 })
  const app = start(connection, snapshot)
  await publishing
  await isReady(app)
  expect(server.received('subscribe').map(({ subscriptions }) => subscriptions[0]?.topic)).toEqual(['a/+', 'a/+'])
})

test('a machine persisted during a wait waits for the rest', async () => {
  const server = await startServer({ script: [{ connack: { reasonCode: 0x88 } }, {}] })
  const clock = createTestClock({ now: 1e12 })
  const options = {
    url: server.url,
    now: clock.now,
    clock,
    options: { protocolVersion: 5 },
    reconnect: { jitter: 'none' },
  } as const
  const before = start(open(options), undefined, clock)
  before.send({ type: 'CONNECT' })
  await until(() => (child(before).getSnapshot() as { value: unknown }).value === 'reconnecting', 'it waits')
  clock.tick(400)
  const snapshot = throughJson(before)
  before.stop()
  const app = start(open(options), snapshot, clock)
  clock.tick(599)
  expect((child(app).getSnapshot() as { value: unknown }).value).toBe('reconnecting')
  clock.tick(1)
  expect((child(app).getSnapshot() as { value: unknown }).value).toBe('connecting')
  await isReady(app)
})

test('credentials are requested again from the source of the new process', async () => {
  const server = await startServer({ script: [{}, {}] })
  const before = await connected(server, open({ url: server.url, credentials: () => ({ username: 'a' }) }))
  const snapshot = throughJson(before)
  before.stop()
  const asked: string[] = []
  const connection = open({
    url: server.url,
    credentials: ({ reason }) => {
      asked.push(reason)
      return { username: 'b' }
    },
  })
  await isReady(start(connection, snapshot))
  expect(asked).toEqual(['initial'])
  expect(server.received('connect').map(({ username }) => username)).toEqual(['a', 'b'])
})

test('the input is plain data', () => {
  const { input } = open({ url: 'mqtt://127.0.0.1', classify: () => undefined, reconnect: { maxAttempts: 3 } })
  expect(JSON.parse(JSON.stringify(input))).toEqual(input)
  expect(input).toMatchObject({ canRefresh: false, reconnect: { maxAttempts: 3 } })
})

test('an option that is no longer given gets its default instead of the persisted value', () => {
  const url = 'mqtt://localhost'
  const before = open({
    url,
    reconnect: { maxAttempts: 3, jitter: 'none' },
    recovery: { enabled: false },
    timeouts: { connectTimeout: 99 },
    redirect: { maxHops: 1 },
    refreshBefore: 5,
    onTakeover: 'retry-later',
    classify: () => 'fatal',
  })
  const after = open({ url })
  const fresh = child(start(after)).getSnapshot() as { context: { config: object } }
  const app = start(before)
  for (const snapshot of [throughJson(app), app.getPersistedSnapshot()]) {
    const restored = child(start(after, snapshot))
    expect((restored.getSnapshot() as typeof fresh).context.config).toEqual(fresh.context.config)
    restored.send({ type: 'CONNECT' })
    restored.send({ type: 'transport.failed', failure: { kind: 'closed' } })
    expect((restored.getSnapshot() as { value: unknown }).value).toBe('reconnecting')
  }
})
