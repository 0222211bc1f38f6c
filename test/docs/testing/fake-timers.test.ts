import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createScriptedServer, runToNextRetry } from 'xstate-mqtt/testing'

const MINUTE = 60_000

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
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
  await vi.advanceTimersByTimeAsync(999)
  expect(client.isConnected).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(client.isConnected).toBe(true)

  await client.disconnect()
})

test('renews its token before it expires', async () => {
  const server = await createScriptedServer({ transport: 'memory' })
  let tokens = 0
  const client = new ResilientMqttClient({
    url: server.url,
    options: { socket: server.socket },
    credentials: () => ({ username: 'lamp', password: `token ${++tokens}`, expiresAt: Date.now() + 60 * MINUTE }),
  })
  await client.connect()

  await vi.advanceTimersByTimeAsync(55 * MINUTE)
  expect(server.received('connect').map(({ password }) => String(password))).toEqual(['token 1', 'token 2'])

  await client.disconnect()
})

test('with a real socket, goes from attempt to attempt', async () => {
  const server = await createScriptedServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
  const client = new ResilientMqttClient({ url: server.url })
  const connected = client.connect()

  const { state } = await runToNextRetry(client, { advance: (ms) => vi.advanceTimersByTimeAsync(ms) })
  expect(state).toBe('connected')
  await connected

  await client.disconnect()
  await server.close()
})
