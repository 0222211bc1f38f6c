import { afterEach, beforeEach, expect, test } from 'vitest'
import { ResilientMqttClient, type ResilientMqttClientOptions } from 'xstate-mqtt'
import { createScriptedServer, type ScriptedServer } from 'xstate-mqtt/testing'

// The app. It takes the client's options from outside.
function createLamp(options: ResilientMqttClientOptions) {
  const client = new ResilientMqttClient(options)
  const lamp = { client, state: 'off', problem: '' }
  client.subscribe('lamp/set', async (message) => {
    lamp.state = message.text()
    await client.publish('lamp/state', lamp.state, { qos: 1, retain: true })
  })
  client.on('gaveUp', ({ failure }) => {
    lamp.problem = failure.kind
  })
  return lamp
}

let server: ScriptedServer
let lamp: ReturnType<typeof createLamp>

beforeEach(async () => {
  server = await createScriptedServer({ transport: 'memory' })
  lamp = createLamp({
    url: server.url,
    options: { protocolVersion: 5, socket: server.socket },
    reconnect: { initialDelay: 0, maxDelay: 0 },
  })
})

afterEach(async () => {
  await lamp.client[Symbol.asyncDispose]()
  await server.close()
})

test('does what a message says, and publishes its state', async () => {
  await lamp.client.connect()
  expect([...server.subscriptions]).toEqual(['lamp/set'])

  server.publish('lamp/set', 'on', { qos: 1 })
  const published = await server.waitFor('publish')

  expect(lamp.state).toBe('on')
  expect(published).toMatchObject({ topic: 'lamp/state', qos: 1, retain: true })
  expect(String(published.payload)).toBe('on')
})

test('gives up if the server refuses its password', async () => {
  server.setScript({ connack: { reasonCode: 0x86 } })
  await expect(lamp.client.connect()).rejects.toThrow('bad user name or password')
  expect(lamp.problem).toBe('refused')
})

test('goes on after the connection is lost', async () => {
  await lamp.client.connect()
  server.kick('reset')
  await server.waitFor('subscribe', { count: 2 })

  server.publish('lamp/set', 'on')
  await server.waitFor('publish')
  expect(lamp.state).toBe('on')
})

test('publishes what was published without a connection', async () => {
  await lamp.client.connect()
  await server.close()
  const published = lamp.client.publish('lamp/log', 'flickers', { qos: 1 })
  await server.listen()
  await published
  expect(server.received('publish').map(({ topic }) => topic)).toEqual(['lamp/log'])
})

test('gets answers to its requests', async () => {
  server.setScript({ respond: { 'lamp/rooms/get': () => '["kitchen"]' } })
  await lamp.client.connect()
  const response = await lamp.client.request('lamp/rooms/get', '', { timeout: 1_000 })
  expect(response.text()).toBe('["kitchen"]')
})
