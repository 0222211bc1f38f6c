import { describe, expect, test } from 'vitest'
import { createActor, createMachine } from 'xstate'

import {
  createConnectionMachine,
  createFleet,
  type ClientEvents,
  type ResilientMqttClient,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { recordingLogger } from '../support/recording-logger.ts'
import { startServer } from '../support/servers.ts'

const broken = new Error('token=secret')

/** Dependencies that the test can break. */
function faults() {
  const clock = createTestClock({ now: 1e12 })
  const fault = { now: false, clock: false }
  const options = {
    now: () => {
      if (fault.now) throw broken
      return clock.now()
    },
    clock: {
      setTimeout: (callback: () => void, ms: number) => {
        if (fault.clock) throw broken
        return clock.setTimeout(callback, ms)
      },
      clearTimeout: (id: unknown) => clock.clearTimeout(id),
    },
  } satisfies Partial<ResilientMqttClientOptions>
  return { clock, fault, options }
}

type Faults = ReturnType<typeof faults>
type Inject = (client: ResilientMqttClient, faults: Faults) => void

const send = (event: object) => (client: ResilientMqttClient) => client.actor.send(event as never)

/** Each of these ends the actor of the machine. */
const injections: [string, Inject][] = [
  [
    'a guard throws',
    send({
      type: 'transport.failed',
      failure: {
        get kind() {
          throw broken
        },
      },
    }),
  ],
  ['an action throws', send({ type: 'PERIODIC.START' })],
  ['XState itself throws', send({ type: '*' })],
  [
    '`now` throws',
    (client, { fault }) => {
      fault.now = true
      send({ type: 'transport.failed', failure: { kind: 'closed' } })(client)
      fault.now = false
    },
  ],
  [
    'the clock throws',
    (client, { fault }) => {
      fault.clock = true
      send({ type: 'transport.failed', failure: { kind: 'closed' } })(client)
      fault.clock = false
    },
  ],
  // Once the actor has ended, XState also throws to the caller.
  ['it receives an invalid event', (client) => expect(() => send(undefined as never)(client)).toThrow(TypeError)],
  ['its actor is stopped', (client) => client.actor.stop()],
]

const states: [string, (client: ResilientMqttClient) => Promise<unknown>][] = [
  ['connected', async (client) => client.connect()],
  [
    'connecting',
    async (client) => {
      client.actor.send({ type: 'CONNECT' })
      expect(client.status.state).toBe('connecting')
    },
  ],
]

describe.each(injections)('an error that ends the machine: %s', (_, inject) => {
  test.each(states)('while it is %s', async (_state, reach) => {
    const server = await startServer({ script: [{}, {}, {}] })
    const f = faults()
    const { client, heard, inspected } = startClient({ ...f.options, url: server.url, options: { keepalive: 0 } })
    const errors: ClientEvents['error'][] = []
    client.on('error', (event) => errors.push(event))
    await reach(client)
    const before = client.actor
    inject(client, f)

    const failure = { kind: 'internal', actor: 'machine', message: expect.any(String) }
    expect(client.status).toMatchObject({ state: 'failed', lastFailure: failure, nextRetryAt: null })
    expect(client.isConnected).toBe(false)
    expect(heard('gaveUp')).toMatchObject([{ failure }])
    expect(heard('stateChanged').at(-1)).toMatchObject({ to: 'failed' })
    expect(errors.map(({ source }) => source)).toContain('the connection machine')
    expect(JSON.stringify([client.status, heard('gaveUp')])).not.toContain('secret')
    await server.waitFor(() => server.openSockets === 0)
    f.clock.tick(1)
    expect(f.clock.pending, 'remaining timers').toBe(0)

    await client.connect()
    expect(client.actor).not.toBe(before)
    await client.publish('a', 'x', { qos: 1 })
    expect(server.received('publish')).toHaveLength(1)
    expect(server.openSockets).toBe(1)
    expect(client.actor.getSnapshot().matches('connected')).toBe(true)
    const made = inspected.filter(
      ({ type, actorRef }) => type === '@xstate.actor' && (actorRef as { id?: string }).id === 'connection',
    )
    expect(made[0]?.actorRef).toBe(before)
    expect(made.at(-1)?.actorRef).toBe(client.actor)
    await client.disconnect()
    expect(client.status.state).toBe('disconnected')
  })

  test('connect() rejects, and disconnect() resolves', async () => {
    const server = await startServer({ script: { connack: false } })
    const f = faults()
    const { client } = startClient({ ...f.options, url: server.url })
    const connecting = rejection(client.connect())
    await server.waitFor(() => server.received('connect').length === 1)
    inject(client, f)
    const error = await connecting
    expect(error).toMatchObject({ name: 'ConnectionFailedError', failure: { kind: 'internal' } })
    expect(error.cause).toBeInstanceOf(Error)
    await client.disconnect()
    expect(client.status.state).toBe('disconnected')
  })

  test('disconnect() resolves even if the error comes during it', async () => {
    const server = await startServer({ script: { steps: [{ at: 'disconnect', do: 'ignore' }] } })
    const f = faults()
    const { client } = startClient({ ...f.options, url: server.url, options: { keepalive: 0 } })
    await client.connect()
    const disconnecting = client.disconnect({ drainTimeout: 0 })
    if (client.status.state === 'disconnecting') inject(client, f)
    await disconnecting
    expect(client.status.state).toBe('disconnected')
  })

  test('disposal resolves', async () => {
    const server = await startServer()
    const f = faults()
    const { client } = startClient({ ...f.options, url: server.url, options: { keepalive: 0 } })
    await client.connect()
    inject(client, f)
    await client[Symbol.asyncDispose]()
    await server.waitFor(() => server.openSockets === 0)
    expect(client.status.state).not.toBe('connected')
  })
})

test('subscriptions and periodic requests continue with the next actor', async () => {
  const server = await startServer({ script: [{}, {}] })
  const f = faults()
  const { client } = startClient({ ...f.options, url: server.url, options: { keepalive: 0 } })
  await client.connect()
  await client.subscribe('a/+', () => {}).ready
  const handles = ['polled', 'paused', 'stopped'].map((topic) =>
    client.startPeriodicRequests({ topic, payload: 'x', interval: 1_000 }),
  )
  await server.waitFor(() => server.received('publish').length === 3)
  handles[1]?.pause()
  send({ type: '*' })(client)
  handles[2]?.stop()
  await client.connect()
  await server.waitFor(() => server.received('publish').length === 4)
  expect(server.received('publish').at(-1)?.topic).toBe('polled')
  expect(server.received('subscribe')).toHaveLength(2)
  handles[1]?.resume()
  await server.waitFor(() => server.received('publish').length === 5)
  expect(server.received('publish').at(-1)?.topic).toBe('paused')
})

test('resetReconnect() starts it again too', async () => {
  const server = await startServer({ script: [{}, {}] })
  const { client, next } = startClient({ url: server.url })
  await client.connect()
  send({ type: '*' })(client)
  client.resetReconnect()
  await next('connected')
  expect(client.status.counters).toMatchObject({ connects: 2, interruptions: 1 })
})

test('every call settles while the clock is broken, and the client recovers with the clock', async () => {
  const server = await startServer({ script: [{}, {}] })
  const f = faults()
  const { client } = startClient({ ...f.options, url: server.url, options: { keepalive: 0 } })
  await client.connect()
  f.fault.clock = true
  send({ type: 'transport.failed', failure: { kind: 'closed' } })(client)
  expect(client.status.state).toBe('failed')
  expect(await rejection(client.connect())).toMatchObject({ failure: { kind: 'internal' } })
  await client.disconnect()
  f.fault.clock = false
  await client.connect()
  expect(client.isConnected).toBe(true)
})

test('does not end an application that observes the actor without an error handler', async () => {
  const { client } = startClient({ url: 'mqtt://127.0.0.1', ...once })
  const seen: unknown[] = []
  client.actor.subscribe(({ value }) => seen.push(value))
  send({ type: '*' })(client)
  expect(seen).toEqual(['failed'])
})

test('an actor error that the machine handles does not end it', async () => {
  const { client } = startClient({ url: 'mqtt://127.0.0.1', ...once })
  const { actor } = client
  for (const id of ['transport', 'subscriptions', 'refresh', 'admission', 'periodic.1', 'any']) {
    send({ type: `xstate.error.actor.${id}`, error: broken })(client)
  }
  expect(client.actor).toBe(actor)
  expect(client.status.state).toBe('idle')
})

test('the client stays in its fleet until it is disposed', async () => {
  const server = await startServer({ script: [{}, {}] })
  const { logger, messages } = recordingLogger()
  await using fleet = createFleet({ shared: { url: server.url, logger }, maxConnecting: 1 })
  const client = fleet.createClient()
  await client.connect()
  send({ type: '*' })(client)
  expect(fleet.status).toMatchObject({ clients: 1, states: { failed: 1 }, online: 0, connecting: 0 })
  expect(messages('error')).toContain('the connection machine failed')
  await client.connect()
  expect(fleet.status).toMatchObject({ clients: 1, states: { connected: 1 }, online: 1, connecting: 0 })
  await client[Symbol.asyncDispose]()
  expect(fleet.status.clients).toBe(0)
})

test('in an actor system of the application the parent receives the error, and no connection stays open', async () => {
  const server = await startServer({ script: [{}, {}] })
  using connection = createConnectionMachine({ url: server.url })
  const app = createMachine({
    initial: 'running',
    states: {
      running: { invoke: { id: 'mqtt', src: connection.machine, input: connection.input, onError: 'failed' } },
      failed: { on: { AGAIN: 'running' } },
    },
  })
  const actor = createActor(app).start()
  const child = () => actor.getSnapshot().children['mqtt']!
  const connect = async () => {
    child().send({ type: 'CONNECT' })
    await until(() => server.openSockets === 1, 'it is open')
    await connection.publish('a', 'x', { qos: 1 })
  }
  await connect()
  child().send({ type: '*' })
  expect(actor.getSnapshot().value).toBe('failed')
  await server.waitFor(() => server.openSockets === 0)
  actor.send({ type: 'AGAIN' })
  await connect()
  expect(server.received('publish')).toHaveLength(2)
  actor.stop()
})
