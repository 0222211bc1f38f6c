import { expect, onTestFinished, test } from 'vitest'

import { createFleet, ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createScriptedServer, createTestClock, type Script } from '../../testing/index.ts'
import { recordingLogger } from '../support/recording-logger.ts'

const MINUTE = 60_000

async function onTestClock(script: Script, options: Partial<ResilientMqttClientOptions> = {}) {
  const server = await createScriptedServer({ script })
  const clock = createTestClock({ now: 1_000_000 })
  const client = new ResilientMqttClient({
    url: server.url,
    clock,
    now: clock.now,
    random: () => 0,
    logger: recordingLogger().logger,
    reconnect: { initialDelay: MINUTE, maxDelay: 4 * MINUTE, jitter: 'none', maxAttempts: 2 },
    recovery: { initialDelay: 60 * MINUTE, maxDelay: 60 * MINUTE, jitter: 'none', maxAttempts: 3 },
    ...options,
  })
  onTestFinished(async () => {
    await server.close()
    await client[Symbol.asyncDispose]()
  })
  return { server, clock, client }
}

const busy = { connack: { reasonCode: 3 } }

test('runs from attempt to attempt, through both tiers', async () => {
  const { server, clock, client } = await onTestClock([...Array.from({ length: 5 }, () => busy), {}])
  void client.connect()
  const states: unknown[] = []
  let minutes = 0
  do {
    const before = clock.now()
    const { state } = await clock.runToNextRetry(client)
    minutes = (clock.now() - before) / MINUTE
    states.push([state, minutes])
  } while (!client.isConnected)
  expect(states).toEqual([
    ['reconnecting', 1],
    ['recovering', 2],
    ['recovering', 60],
    ['recovering', 60],
    ['connected', 60],
  ])
  expect(server.connections).toHaveLength(6)
})

test('returns `failed` when there are no cycles left', async () => {
  const { clock, client } = await onTestClock(busy, { recovery: { enabled: false } })
  const connecting = client.connect()
  await clock.runToNextRetry(client)
  await expect(clock.runToNextRetry(client)).resolves.toMatchObject({ state: 'failed', nextRetryAt: null })
  await expect(connecting).rejects.toThrow('server unavailable')
  await expect(clock.runToNextRetry(client)).rejects.toThrow('There is no attempt to wait for. The client is failed')
})

test('waits until the client has noticed that the connection is lost', async () => {
  const { server, clock, client } = await onTestClock({})
  await client.connect()
  server.kick('reset')
  await expect(clock.runToNextRetry(client)).resolves.toMatchObject({ state: 'connected', attempt: 1 })
  expect(clock.now()).toBe(1_000_000 + MINUTE)
})

test('says what the client does if it waits for no attempt', async () => {
  const { clock, client } = await onTestClock({}, { name: 'lamp' })
  await client.connect()
  const waiting = clock.runToNextRetry(client, { timeout: 20 })
  await expect(waiting).rejects.toThrow(
    'Gave up after 20 ms waiting for a client to wait for an attempt. lamp is connected.',
  )
})

test('says that the attempt does not end', async () => {
  const { clock, client } = await onTestClock([busy, { connack: false }])
  void client.connect()
  const waiting = clock.runToNextRetry(client, { timeout: 100 })
  await expect(waiting).rejects.toThrow(
    /waiting for the attempt to end\. The client is connecting, after the failure \{"kind":"refused"/,
  )
  await clock.tickAsync(30_000)
  expect(client.status.lastFailure).toMatchObject({ kind: 'timeout' })
})

test.each([
  ['later than', 0, 'in '],
  ['earlier than', Date.UTC(2100, 0), ' ms ago'],
])('names the option `now` if the time of the client is %s that of the clock', async (_when, now, expected) => {
  const server = await createScriptedServer({ script: busy })
  const clock = createTestClock({ now })
  const client = new ResilientMqttClient({ url: server.url, clock, logger: recordingLogger().logger })
  onTestFinished(async () => {
    await server.close()
    await client[Symbol.asyncDispose]()
  })
  void client.connect()
  const error: unknown = await clock.runToNextRetry(client).catch((reason: unknown) => reason)
  expect(String(error)).toContain(expected)
  expect(String(error)).toContain('pass `now: clock.now` too')
  expect(clock.now()).toBe(now)
  expect(server.connections).toHaveLength(1)
})

test('runs to the first attempt of several clients', async () => {
  const server = await createScriptedServer({ script: (_connection, n) => (n <= 3 ? busy : {}) })
  const clock = createTestClock()
  const fleet = createFleet({ shared: { clock, now: clock.now }, canaries: Number.POSITIVE_INFINITY })
  onTestFinished(async () => {
    await server.close()
    await fleet[Symbol.asyncDispose]()
  })
  for (const initialDelay of [3, 1, 2]) {
    const client = fleet.createClient({
      url: server.url,
      reconnect: { initialDelay: initialDelay * MINUTE, maxDelay: 9 * MINUTE, jitter: 'none' },
      random: () => 0,
    })
    void client.connect()
  }
  const states: string[] = []
  for (let n = 0; n < 3; n++) {
    const statuses = await clock.runToNextRetry(fleet.clients)
    states.push(`${clock.now() / MINUTE}: ${statuses.map(({ state }) => state).join(' ')}`)
  }
  expect(states).toEqual([
    '1: reconnecting connected reconnecting',
    '2: reconnecting connected connected',
    '3: connected connected connected',
  ])
})
