import { expect, test } from 'vitest'
import { createFleet, ResilientMqttClient } from 'xstate-mqtt'
import { createScriptedServer, createTestClock } from 'xstate-mqtt/testing'

test('recovers after the fast attempts have failed', async () => {
  const clock = createTestClock()
  const busy = { connack: { reasonCode: 0x89 } }
  const server = await createScriptedServer({ script: [busy, busy, busy, {}] })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { protocolVersion: 5 },
    reconnect: { maxAttempts: 2 },
    clock,
    now: clock.now,
  })
  const connected = client.connect()

  const states: string[] = []
  do {
    const { state } = await clock.runToNextRetry(client)
    states.push(state)
  } while (!client.isConnected)

  expect(states).toEqual(['reconnecting', 'recovering', 'connected'])
  await connected
  await client.disconnect()
  await server.close()
})

test('an attempt that the server does not answer ends after 30 seconds', async () => {
  const clock = createTestClock()
  const server = await createScriptedServer({ script: { connack: false } })
  const client = new ResilientMqttClient({ url: server.url, clock, now: clock.now })
  void client.connect()

  await server.waitFor('connect')
  await clock.tickAsync(30_000)
  expect(client.status.lastFailure).toMatchObject({ kind: 'timeout' })

  await client.disconnect()
  await server.close()
})

test('a fleet connects again, client by client', async () => {
  const clock = createTestClock()
  const server = await createScriptedServer()
  const fleet = createFleet({ shared: { url: server.url, clock, now: clock.now } })
  const clients = Array.from({ length: 3 }, () => fleet.createClient())
  await Promise.all(clients.map((client) => client.connect()))

  server.kick()
  await Promise.all(clients.map((client) => client.waitFor('reconnecting')))
  do await clock.runToNextRetry(fleet.clients)
  while (fleet.status.online < 3)

  expect(server.received('connect')).toHaveLength(6)
  await fleet[Symbol.asyncDispose]()
  await server.close()
})
