import { expect, test } from 'vitest'
import { createActor } from 'xstate'
import { ResilientMqttClient } from 'xstate-mqtt'
import { connectionMachine } from 'xstate-mqtt/machines'
import { createFakeTransport, createScriptedServer, createTestClock } from 'xstate-mqtt/testing'

const HOUR = 3_600_000

test('the machine alone survives a day without a network', () => {
  const clock = createTestClock()
  const server = { isUp: true }
  const transport = createFakeTransport((connection) => (server.isUp ? connection.open() : connection.fail()))
  const actor = createActor(connectionMachine.provide({ actors: { transport: transport.logic } }), {
    clock,
    input: { now: clock.now, recovery: { maxAttempts: Infinity } },
  }).start()
  actor.send({ type: 'CONNECT' })

  server.isUp = false
  transport.current.fail({ kind: 'keepalive' })
  clock.tick(24 * HOUR)
  expect(actor.getSnapshot().value).toBe('recovering')
  expect(transport.running).toBe(0)

  server.isUp = true
  clock.tick(HOUR)
  expect(actor.getSnapshot().value).toEqual({ connected: 'ready' })
})

test('a client survives it, and publishes what waited', async () => {
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
  await client.waitFor('reconnecting')
  const published = client.publish('log', 'an outage', { qos: 1 })
  const shortLived = client.publish('position', '50.1, 8.7', { qos: 1, ttl: HOUR }).catch((error: Error) => error.name)
  await clock.tickAsync(24 * HOUR)
  expect(client.status.state).toBe('recovering')
  expect(await shortLived).toBe('PublishExpiredError')

  await server.listen()
  await clock.runToNextRetry(client)
  await published
  expect(server.received('publish').map(({ topic }) => topic)).toEqual(['log'])
  await client.disconnect()
})
