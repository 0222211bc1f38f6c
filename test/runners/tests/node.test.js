import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createScriptedServer, createTestClock, runToNextRetry } from 'xstate-mqtt/testing'

test('connects again after a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const server = await createScriptedServer({ transport: 'memory' })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { socket: server.socket },
    reconnect: { jitter: 'none' },
  })
  await client.connect()

  server.kick()
  await client.waitFor('reconnecting')
  t.mock.timers.tick(999)
  assert.equal(client.status.state, 'reconnecting')
  t.mock.timers.tick(1)
  await client.waitFor('connected')

  await client.disconnect()
})

test('goes from attempt to attempt', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const server = await createScriptedServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
  const client = new ResilientMqttClient({ url: server.url })
  const connected = client.connect()

  const { state } = await runToNextRetry(client, { advance: (ms) => t.mock.timers.tick(ms) })
  assert.equal(state, 'connected')
  await connected

  await client.disconnect()
  await server.close()
})

test('with the test clock, a whole day', async () => {
  const clock = createTestClock()
  const server = await createScriptedServer({ transport: 'memory' })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { socket: server.socket },
    recovery: { maxAttempts: Infinity },
    clock,
    now: clock.now,
  })
  await client.connect()

  await server.close()
  await clock.tickAsync(24 * 3_600_000)
  assert.equal(client.status.state, 'recovering')
  await server.listen()
  await clock.runToNextRetry(client)
  assert.equal(client.status.state, 'connected')

  await client.disconnect()
})
