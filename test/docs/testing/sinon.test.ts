import FakeTimers from '@sinonjs/fake-timers'
import { expect, test } from 'vitest'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createScriptedServer } from 'xstate-mqtt/testing'

test('a clock of @sinonjs/fake-timers drives the client', async () => {
  const sinon = FakeTimers.createClock()
  const now = () => sinon.now
  const server = await createScriptedServer({ transport: 'memory' })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { socket: server.socket },
    clock: { setTimeout: sinon.setTimeout, clearTimeout: sinon.clearTimeout, now },
    now,
  })
  await client.connect()

  await server.close()
  await client.waitFor('reconnecting')
  await server.listen()
  const connected = client.waitFor('connected')
  await sinon.tickAsync(client.status.nextRetryAt! - sinon.now)
  await connected
  expect(sinon.now).toBeLessThan(2_000)
  await client.disconnect()
})
