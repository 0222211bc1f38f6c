import { expect, test } from 'vitest'

import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { clockedClient } from '../support/objecting-broker.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { everywhere, serve, trusting, startServer } from '../support/servers.ts'
import { stubbornServer } from '../support/stubborn-server.ts'

// Bugs that other MQTT clients have or had, tested with MQTT.js and real sockets. test/machines/peers.test.ts tests bugs
// under the same numbers with the machine alone. The numbers serve only to match the two files.

test('peer bug 5: only the machine reconnects, and our own close does not count as a lost connection', async () => {
  const clock = createTestClock()
  const server = await startServer()
  const { client, heard } = startClient({ url: server.url, clock })
  await client.connect()
  server.kick()
  await until(() => client.status.state === 'reconnecting', 'the drop')
  // MQTT.js's own loop would reconnect after a second of real time; ours waits for the test clock.
  await turns(50)
  expect(server.connections).toHaveLength(1)
  for (let n = 0; n < 3; n++) {
    client.recover()
    client.wake()
    client.resetReconnect()
    await client.connect()
  }
  await client.disconnect()
  expect(heard('connectionInterrupted')).toHaveLength(1)
  expect(heard('reconnectScheduled')).toHaveLength(1)
  await server.waitFor(() => server.openSockets === 0)
})

test.each(everywhere)('peer bug 6: a replaced client keeps no socket, $scheme, MQTT $version', async (where) => {
  const crowds: number[] = []
  const server = await serve(where.scheme, {
    script: {
      connack: () => {
        crowds.push(server.connections.filter(({ connect, isOpen }) => connect && isOpen).length)
        return {}
      },
    },
  })
  const { client, next } = startClient({
    ...atOnce,
    url: server.url,
    options: { ...trusting, protocolVersion: where.version, clientId: 'one' },
  })
  await client.connect()
  for (let n = 1; n <= 10; n++) {
    if (n % 2 === 0) server.kick('malformed')
    else client.recover()
    await next('connected', n + 1)
  }
  expect(crowds).toEqual(Array.from({ length: 11 }, () => 1))
  await server.waitFor(() => server.openSockets === 1)
})

test('peer bug 6: a replaced client keeps no socket, even if the old one closes slowly', async () => {
  const clock = createTestClock()
  const server = await stubbornServer()
  const { client, next } = startClient({ url: server.url, clock })
  await client.connect()
  client.recover()
  await until(() => server.ended.size === 1, 'the FIN')
  await turns(20)
  expect(server.sockets).toHaveLength(1)
  clock.tick(5_000)
  await next('connected', 2)
  expect(server.sockets).toHaveLength(2)
  const disposed = client[Symbol.asyncDispose]()
  await until(() => server.ended.size === 2, 'the second FIN')
  await clock.tickAsync(5_000)
  await disposed
})

test('peer bug 7: a late event of a dead connection does not reach the healthy one', async () => {
  const server = await startServer({ script: [{ steps: [{ at: 'connect', do: 'ignore' }] }, {}] })
  const clock = createTestClock()
  const { client, heard } = startClient({ url: server.url, clock })
  const connected = client.connect()
  await server.waitFor('connect')
  // The first attempt times out; packets of its server come too late.
  clock.tick(30_000)
  clock.tick(1_000)
  await connected
  const [dead] = server.connections
  dead?.send({ cmd: 'connack', returnCode: 5, sessionPresent: false })
  dead?.send({ cmd: 'publish', topic: 'late', payload: 'x', qos: 0, dup: false, retain: false })
  dead?.reset()
  await turns(20)
  expect(client.isConnected).toBe(true)
  expect(heard('connectionInterrupted')).toEqual([])
  expect(heard('stateChanged').map(({ to }) => to)).toEqual(['connecting', 'reconnecting', 'connecting', 'connected'])
})

test('peer bug 8: subscriptions are restored after the broker lost the session', async () => {
  const server = await startServer()
  const { client, next } = startClient({ ...atOnce, url: server.url })
  const got: string[] = []
  client.subscribe('a', (message) => void got.push(message.text()))
  await client.connect()
  server.kick()
  await next('connectionResumed', 1)
  expect(server.connections[1]?.received('subscribe')).toHaveLength(1)
  server.publish('a', 'again')
  await until(() => got.length === 1, 'the message')
})

test('peer bug 8: a missing SUBACK is detected', async () => {
  const clock = createTestClock()
  const server = await startServer({ script: [{ suback: false }, {}] })
  const { client, heard } = startClient({ url: server.url, clock, options: { keepalive: 0 } })
  const subscription = client.subscribe('a', () => {})
  const connected = client.connect()
  await server.waitFor('subscribe', { count: 1 })
  clock.tick(30_000)
  await server.waitFor('subscribe', { count: 2 })
  clock.tick(30_000)
  expect(heard('connectionInterrupted')).toEqual([{ failure: { kind: 'timeout', phase: 'restore' } }])
  clock.tick(1_000)
  await connected
  expect(await subscription.ready).toBe(0)
})

test('peer bug 10: disconnect() during a backoff ends it', async () => {
  const clock = createTestClock()
  const server = await startServer({ script: { connack: { reasonCode: 3 } } })
  const { client, next } = startClient({ url: server.url, clock })
  const connected = rejection(client.connect())
  await next('reconnectScheduled', 1)
  await client.disconnect()
  expect(await connected).toMatchObject({ name: 'DisconnectedError' })
  await clock.tickAsync(24 * 3_600_000)
  expect(server.connections).toHaveLength(1)
  expect(clock.pending).toBe(0)
})

test('peer bug 10: disconnect() inside a handler works', async () => {
  const server = await startServer({ script: { connack: { reasonCode: 3 } } })
  const { client } = startClient({ url: server.url })
  client.on('reconnectScheduled', () => client.disconnect())
  await rejection(client.connect())
  await client.waitFor('disconnected')
  expect(server.connections).toHaveLength(1)
})

test('peer bug 12: periodic requests neither flood the log nor stop', async () => {
  const clock = createTestClock()
  const server = await startServer()
  const { client, lines, next } = startClient({
    url: server.url,
    clock,
    now: clock.now,
    random: () => 1,
    options: { keepalive: 0 },
  })
  let healthy = true
  client.startPeriodicRequests({
    topic: 'ask',
    payload: () => (healthy ? 'x' : Promise.reject(new Error('broken'))),
    interval: 1_000,
  })
  await client.connect()
  await server.waitFor('publish')
  healthy = false
  await clock.tickAsync(5_000)
  healthy = true
  server.kick()
  await next('reconnectScheduled', 1)
  const before = lines.length
  await server.close()
  clock.tick(900)
  expect(lines, 'offline').toHaveLength(before)
  await server.listen()
  client.recover()
  await next('connected', 2)
  await server.waitFor('publish', { count: 2 })
})

test('peer bug 14: a publish on which the broker closes is suspended, and all others continue', async () => {
  const script = { steps: [{ at: 'publish', topic: 'forbidden', do: { disconnect: { reasonCode: 0x90 } } }] } as const
  const { server, client, until: passUntil, connect } = await clockedClient({ script })
  await connect()
  client.publish('forbidden', 'x', { qos: 1 }).catch(() => {})
  let arrived = false
  void client.publish('allowed', 'x', { qos: 1 }).then(() => (arrived = true))
  await passUntil(() => arrived)
  expect(client.outbox).toMatchObject({ size: 0, inFlight: 1, suspended: 1 })
  expect(server.connections.length).toBeLessThanOrEqual(4)
})

test('peer bug 15: disposal during a reconnect leaves nothing pending', async () => {
  const clock = createTestClock()
  const server = await startServer({ script: { connack: { reasonCode: 3 } } })
  const { client, next } = startClient({ url: server.url, clock })
  const settled = [
    client.connect(),
    client.publish('a', 'x', { qos: 1 }),
    client.publish('b', 'y'),
    client.subscribe('c', () => {}).ready,
    client.waitFor('connected'),
  ].map(rejection)
  await next('reconnectScheduled', 1)
  await client[Symbol.asyncDispose]()
  expect((await Promise.all(settled)).map(({ name }) => name)).toEqual([
    'DisconnectedError',
    'ClientDisposedError',
    'ClientDisposedError',
    'ClientDisposedError',
    'ClientDisposedError',
  ])
  expect(client.status.state).toBe('disconnected')
  expect(clock.pending).toBe(0)
})

test('peer bug 15: connects again after each of several disconnects', async () => {
  const server = await startServer()
  const { client } = startClient({ url: server.url })
  for (let n = 0; n < 20; n++) {
    await client.connect()
    await client.disconnect()
  }
  expect(server.connections).toHaveLength(20)
  expect(server.received('disconnect')).toHaveLength(20)
})

test.each(everywhere)('peer bug 16: a lost connection is reported once, $scheme, MQTT $version', async (where) => {
  const clock = createTestClock()
  const server = await serve(where.scheme)
  const options = { ...trusting, protocolVersion: where.version } as const
  const { client, heard, lines } = startClient({ url: server.url, clock, options })
  await client.connect()
  server.kick({ disconnect: { reasonCode: 0x8b }, close: false })
  server.kick('malformed')
  server.kick('close')
  await until(() => client.status.state === 'reconnecting', 'the drop')
  await turns(20)
  expect(heard('connectionInterrupted')).toHaveLength(1)
  expect(heard('reconnectScheduled')).toHaveLength(1)
  expect(lines.filter(({ message }) => message.startsWith('connectionInterrupted'))).toHaveLength(1)
  expect(client.status.counters).toMatchObject({ connects: 1, interruptions: 1, failedAttempts: 0 })
})
