import { describe, expect, test } from 'vitest'

import { InvalidOptionError, type FailedMessage, type Message, type Stall } from '../../src/index.ts'
import { deferred } from '../../src/shared/wait.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { nameOf } from '../support/promises.ts'
import { scriptedClient, sessionIs, told, versions, type ScriptedClientOptions } from '../support/scripted-client.ts'

const retry = { initialDelay: 1_000, multiplier: 2, maxDelay: 3_000, jitter: 'none', maxAttempts: 3 } as const
const qualities = [
  { qos: 1, ack: 'puback' },
  { qos: 2, ack: 'pubcomp' },
] as const

/** A client on a test clock, and its events about failed messages. */
async function sceneOf(options: ScriptedClientOptions = {}) {
  const clock = createTestClock()
  const { server, client, errors } = await scriptedClient({
    script: sessionIs(true),
    clock,
    now: () => clock.now(),
    ...options,
    connect: { keepalive: 0, ...options.connect },
  })
  const failed: FailedMessage[] = []
  const stalled: Stall[] = []
  const lost: unknown[] = []
  client.on('messageFailed', (event) => failed.push(event))
  client.on('acknowledgementsStalled', (event) => stalled.push(event))
  client.on('connectionInterrupted', ({ failure }) => lost.push(failure))
  /** Moves the clock, and lets pending work happen. */
  const pass = async (ms: number) => {
    clock.tick(ms)
    await turns()
  }
  return { server, client, errors, clock, failed, stalled, lost, pass }
}

/** A handler that fails a given number of times per payload, and records its calls. */
function failing(times: Readonly<Record<string, number>>) {
  const calls: string[] = []
  const left = new Map(Object.entries(times))
  const handler = (message: Message) => {
    const name = message.text()
    calls.push(name)
    const more = left.get(name) ?? 0
    left.set(name, more - 1)
    return more > 0 ? Promise.reject(new Error(`${name} failed`)) : Promise.resolve()
  }
  return { calls, handler }
}

const always = Number.POSITIVE_INFINITY

describe.each(versions.flatMap(({ version }) => qualities.map((quality) => ({ version, ...quality }))))(
  'MQTT version $version, QoS $qos, a handler that fails',
  ({ version, qos, ack }) => {
    test('is called again after each delay, while later messages are delivered and their acknowledgements wait', async () => {
      const { server, client, pass, errors, failed } = await sceneOf({ version })
      const { calls, handler } = failing({ '1': 3 })
      client.subscribe('a', handler, { qos, ack: 'after-handler', retry })
      await client.connect()
      for (const name of ['1', '2', '3']) server.publish('a', name, { qos })
      await until(() => calls.length === 3)
      for (const [wait, expected] of [
        [999, 3],
        [1, 4],
        [1_999, 4],
        [1, 5],
        [2_999, 5],
      ] as const) {
        await pass(wait)
        expect(calls).toHaveLength(expected)
      }
      expect(told(server, 1, ack)).toEqual([])
      expect(client.status.inbox).toMatchObject({ heldBack: 3, heldBackSince: 0 })
      await pass(1)
      await server.waitFor(ack, { count: 3 })
      expect(calls).toEqual(['1', '2', '3', '1', '1', '1'])
      expect(told(server, 1, ack)).toEqual([1, 2, 3].map((id) => `${ack} ${id}`))
      expect(errors).toHaveLength(3)
      expect(failed).toEqual([])
    })

    test('only the handlers that failed are called again', async () => {
      const { server, client, pass } = await sceneOf({ version })
      const good = failing({})
      const bad = failing({ '1': 1 })
      client.subscribe('a', good.handler, { qos, ack: 'after-handler', retry })
      client.subscribe('a', bad.handler, { qos, ack: 'after-handler', retry })
      client.subscribe('a', bad.handler, { qos, ack: 'on-receipt' })
      await client.connect()
      server.publish('a', '1', { qos })
      await until(() => bad.calls.length === 2)
      await pass(1_000)
      await server.waitFor(ack)
      expect(good.calls).toHaveLength(1)
      expect(bad.calls).toHaveLength(3)
    })

    test("is reported without the payload with whenExhausted: 'acknowledge', and the next message follows", async () => {
      const { server, client, pass, failed, lost } = await sceneOf({ version })
      const { calls, handler } = failing({ '1': always })
      const policy = { ...retry, maxAttempts: 1, whenExhausted: 'acknowledge' } as const
      client.subscribe('a/+', handler, { qos, ack: 'after-handler', retry: policy })
      await client.connect()
      server.publish('a/b', '1', { qos })
      server.publish('a/b', '2', { qos })
      await until(() => calls.length === 2)
      await pass(1_000)
      await server.waitFor(ack, { count: 2 })
      expect(calls).toEqual(['1', '2', '1'])
      const error = new Error('1 failed')
      expect(failed).toEqual([{ topic: 'a/b', qos, filter: 'a/+', attempts: 2, error, outcome: 'acknowledge' }])
      expect(lost).toEqual([])
    })

    test("closes the connection with whenExhausted: 'reconnect', and the broker sends unacknowledged messages again", async () => {
      const { server, client, pass, failed, lost, clock } = await sceneOf({ version })
      const { calls, handler } = failing({ '1': 2 })
      client.subscribe('a', handler, { qos, ack: 'after-handler', retry: { ...retry, maxAttempts: 1 } })
      await client.connect()
      server.publish('a', '1', { qos })
      server.publish('a', '2', { qos })
      await until(() => calls.length === 2)
      const connected = new Promise((resolve) => client.on('connected', resolve))
      await pass(1_000)
      await server.waitFor('disconnect')
      await until(() => lost.length === 1)
      clock.tick(0)
      await connected
      expect(lost).toEqual([{ kind: 'unprocessed' }])
      expect(failed).toMatchObject([{ attempts: 2, outcome: 'reconnect' }])
      expect(told(server, 1, ack)).toEqual([])
      for (const messageId of [1, 2]) {
        if (qos === 1) server.publish('a', `${messageId}`, { qos, messageId, dup: true })
        else server.send({ cmd: 'pubrel', messageId })
      }
      await server.waitFor(ack, { count: 2 })
      expect(told(server, 2, ack)).toEqual([1, 2].map((id) => `${ack} ${id}`))
      // Exactly once: the handler that has processed the second message does not get it again.
      expect(calls.slice(3)).toEqual(qos === 1 ? ['1', '2'] : ['1'])
    })

    test('is not called again after unsubscribe(), and the message is acknowledged', async () => {
      const { server, client, pass } = await sceneOf({ version })
      const { calls, handler } = failing({ '1': always })
      const subscription = client.subscribe('a', handler, { qos, ack: 'after-handler', retry })
      await client.connect()
      server.publish('a', '1', { qos })
      await until(() => calls.length === 1)
      await turns()
      subscription.unsubscribe()
      await server.waitFor(ack)
      await pass(10_000)
      expect(calls).toHaveLength(1)
    })

    test('is not called again after the end of the connection', async () => {
      const { server, client, pass } = await sceneOf({
        version,
        reconnect: { enabled: false },
        recovery: { enabled: false },
      })
      const { calls, handler } = failing({ '1': always })
      client.subscribe('a', handler, { qos, ack: 'after-handler', retry })
      await client.connect()
      server.publish('a', '1', { qos })
      await until(() => calls.length === 1)
      await turns()
      server.kick()
      await until(() => client.status.state === 'failed')
      expect(client.status.inbox).toMatchObject({ heldBack: 0, heldBackSince: null, unclaimed: 0, unprocessed: 0 })
      await pass(10_000)
      expect(calls).toHaveLength(1)
    })

    test.each([
      { when: 'before the connection ends', sessionPresent: false, outcomes: ['lost'] },
      { when: 'while there is none', sessionPresent: false, outcomes: ['lost'] },
      { when: 'after the next one began', sessionPresent: false, outcomes: ['lost'] },
      { when: 'before the connection ends', sessionPresent: true, outcomes: [] },
      { when: 'while there is none', sessionPresent: true, outcomes: [] },
      { when: 'after the next one began', sessionPresent: true, outcomes: [] },
    ])('$when, session present $sessionPresent: reports messages that are not sent again', async (each) => {
      const { when, sessionPresent, outcomes } = each
      const { server, client, failed, pass, clock } = await sceneOf({ version, script: sessionIs(sessionPresent) })
      const { promise, reject } = deferred<void>()
      const calls: Message[] = []
      const handler = (message: Message) => (calls.push(message) === 1 ? promise : undefined)
      client.subscribe('a', handler, { qos, ack: 'after-handler', retry })
      await client.connect()
      const connected = new Promise((resolve) => client.on('connected', resolve))
      server.publish('a', '1', { qos, messageId: 1 })
      await until(() => calls.length === 1)
      if (when === 'before the connection ends') reject(new Error('too early'))
      await turns()
      server.kick()
      await until(() => client.status.state === 'reconnecting')
      if (when === 'while there is none') reject(new Error('too early'))
      await turns()
      clock.tick(0)
      await connected
      if (when === 'after the next one began') reject(new Error('too early'))
      await pass(10_000)
      expect(failed.map(({ outcome }) => outcome)).toEqual(outcomes)
      expect(calls).toHaveLength(1)
    })

    test('leaves no state behind when it ends the connection', async () => {
      const { server, client, pass, stalled } = await sceneOf({
        version,
        script: (_connection, n) => (n === 1 ? {} : { connack: false }),
      })
      let calls = 0
      const handler = () => {
        if (++calls === 1) client.recover()
        return new Promise(() => {})
      }
      client.subscribe('a', handler, { qos, ack: 'after-handler' })
      await client.connect()
      server.publish('a', '1', { qos })
      await until(() => calls === 1)
      expect(client.status.inbox).toMatchObject({ heldBack: 0, heldBackSince: null, unclaimed: 0 })
      await pass(60_000)
      expect(stalled).toEqual([])
    })
  },
)

test.each(versions)('MQTT version $version: answers a repeated PUBREL once', async ({ version }) => {
  const { server, client } = await sceneOf({ version })
  const { promise, resolve } = deferred<void>()
  const calls: string[] = []
  client.subscribe('a', (message) => (calls.push(message.text()), promise), { qos: 2, ack: 'after-handler' })
  await client.connect()
  server.publish('a', '1', { qos: 2, messageId: 1 })
  await until(() => calls.length === 1)
  for (let n = 0; n < 100; n++) server.send({ cmd: 'pubrel', messageId: 1 })
  server.publish('a', '2', { qos: 2, messageId: 2 })
  await until(() => calls.length === 2)
  expect(client.status.inbox.heldBack).toBe(2)
  resolve()
  await server.waitFor('pubcomp', { count: 2 })
  expect(told(server, 1, 'pubcomp')).toEqual(['pubcomp 1', 'pubcomp 2'])
  expect(calls).toEqual(['1', '2'])
})

describe('the default for a handler that always fails', () => {
  test.each([
    { name: 'MQTT 3.1.1, clean: false', version: 4, connect: {}, outcome: 'reconnect' },
    { name: 'MQTT 5, clean: false', version: 5, connect: {}, outcome: 'reconnect' },
    { name: 'MQTT 3.1.1, clean: true', version: 4, connect: { clean: true }, outcome: 'acknowledge' },
    { name: 'MQTT 5, clean: true', version: 5, connect: { clean: true }, outcome: 'acknowledge' },
    { name: 'MQTT 5, an expiry of 0', version: 5, connect: { sessionExpiry: 0 }, outcome: 'acknowledge' },
  ] as const)('$name: $outcome', async ({ version, connect, outcome }) => {
    const { server, client, failed } = await sceneOf({ version, connect })
    const { handler } = failing({ '1': always })
    client.subscribe('a', handler, { qos: 1, ack: 'after-handler', retry: { maxAttempts: 0 } })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    await until(() => failed.length === 1)
    expect(failed[0]?.outcome).toBe(outcome)
  })
})

test('makes no hot loop with a handler that always fails at once: each reconnect waits for its backoff', async () => {
  const { server, client, clock, failed, pass } = await sceneOf({
    reconnect: { initialDelay: 1_000, multiplier: 2, maxDelay: 60_000, jitter: 'none', maxAttempts: always },
  })
  const { handler } = failing({ '1': always })
  client.subscribe('a', handler, { qos: 1, ack: 'after-handler', retry: { maxAttempts: 0 } })
  await client.connect()
  for (const delay of [1_000, 2_000, 4_000]) {
    server.publish('a', '1', { qos: 1, messageId: 1 })
    await until(() => client.status.state === 'reconnecting')
    await turns()
    expect(client.status.nextRetryAt).toBe(clock.now() + delay)
    await pass(delay)
    await until(() => client.status.state === 'connected')
  }
  expect(failed).toHaveLength(3)
})

describe('QoS 0 and on-receipt', () => {
  test.each([
    { qos: 0, ack: 'after-handler' },
    { qos: 1, ack: 'on-receipt' },
  ] as const)('QoS $qos, $ack: a handler that fails is not called again', async ({ qos, ack }) => {
    const { server, client, pass, errors, failed } = await sceneOf()
    const { calls, handler } = failing({ '1': always })
    client.subscribe('a', handler, { qos, ack, retry })
    await client.connect()
    server.publish('a', '1', { qos })
    await until(() => errors.length === 1)
    await pass(10_000)
    expect(calls).toHaveLength(1)
    expect(failed).toEqual([])
  })
})

describe('stalled acknowledgements', () => {
  test('are reported once, 30 s after the last progress, and are visible in the status', async () => {
    const { server, client, pass, stalled } = await sceneOf()
    const loop = client.subscribe('a', { qos: 1 })[Symbol.asyncIterator]()
    await client.connect()
    await pass(1_000)
    for (const name of ['1', '2', '3']) server.publish('a', name, { qos: 1 })
    await until(() => client.status.inbox.heldBack === 3)
    expect(client.status.inbox).toMatchObject({ heldBack: 3, heldBackSince: 1_000 })
    await pass(20_000)
    // One of them is sent, which is progress.
    await loop.next()
    void loop.next()
    await server.waitFor('puback')
    expect(client.status.inbox).toMatchObject({ heldBack: 2, heldBackSince: 21_000 })
    await pass(29_999)
    expect(stalled).toEqual([])
    await pass(1)
    expect(stalled).toEqual([{ heldBack: 2, since: 21_000, topic: 'a' }])
    await pass(300_000)
    expect(stalled).toHaveLength(1)
    // The next stall is reported too.
    void loop.next()
    await server.waitFor('puback', { count: 2 })
    await pass(30_000)
    expect(stalled).toHaveLength(2)
  })

  test('are not reported once all are sent', async () => {
    const { server, client, pass, stalled } = await sceneOf({ inbox: { stallAfter: 10 } })
    client.subscribe('a', () => Promise.resolve(), { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    await server.waitFor('puback')
    await pass(10_000)
    expect(stalled).toEqual([])
  })
})

test.each([
  [{ retry: { maxAttempts: -1 } }, 'retry.maxAttempts must be a whole number of at least 0, or Infinity, got -1'],
  [{ retry: { maxAttempts: 1.5 } }, 'retry.maxAttempts must be a whole number of at least 0, or Infinity, got 1.5'],
  [{ retry: { initialDelay: -1 } }, 'retry.initialDelay must be milliseconds between 0 and 2147483647, got -1'],
  [{ retry: { maxDelay: 1 } }, 'retry.maxDelay must be at least retry.initialDelay (1000), got 1'],
  [{ retry: { multiplier: 0 } }, 'retry.multiplier must be at least 1, got 0'],
  [{ retry: { whenExhausted: 'drop' } }, 'retry.whenExhausted must be one of "acknowledge", "reconnect", got "drop"'],
  [{ retry: null }, 'retry must be an object, got null'],
  [{ retry: { maxAttempt: 1 } }, 'retry.maxAttempt is not an option of retry: did you mean maxAttempts?'],
])('subscribe rejects %j', async (options, message) => {
  const { client } = await sceneOf()
  const call = () => client.subscribe('a', () => {}, options as never)
  expect(call).toThrow(InvalidOptionError)
  expect(call).toThrow(message)
  expect(nameOf(client.status.subscriptions.wanted)).toBe('0')
})
