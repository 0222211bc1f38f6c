import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createScriptedServer, runToNextRetry } from 'xstate-mqtt/testing'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.useRealTimers()
})

test('connects again after a second', async () => {
  const server = await createScriptedServer({ transport: 'memory' })
  const client = new ResilientMqttClient({
    url: server.url,
    options: { socket: server.socket },
    reconnect: { jitter: 'none' },
  })
  await client.connect()

  server.kick()
  await client.waitFor('reconnecting')
  await jest.advanceTimersByTimeAsync(999)
  expect(client.isConnected).toBe(false)
  await jest.advanceTimersByTimeAsync(1)
  expect(client.isConnected).toBe(true)

  await client.disconnect()
})

test('with a real socket, goes from attempt to attempt', async () => {
  const server = await createScriptedServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
  const client = new ResilientMqttClient({ url: server.url })
  const connected = client.connect()

  const { state } = await runToNextRetry(client, { advance: (ms) => jest.advanceTimersByTimeAsync(ms) })
  expect(state).toBe('connected')
  await connected

  await client.disconnect()
  await server.close()
})
