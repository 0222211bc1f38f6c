import theirs from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { expect, test } from 'vitest'

import ours, * as named from '../../mqttjs/index.ts'
import { startServer } from '../support/servers.ts'
import { next } from './both.ts'

const exported = Object.keys(theirs).filter((name) => name !== 'default')

test('exports what MQTT.js exports, by name and by default', () => {
  expect(exported.length).toBeGreaterThan(10)
  expect(Object.keys(ours)).toEqual(expect.arrayContaining(exported))
  expect(Object.keys(named)).toEqual(expect.arrayContaining(exported))
})

test('gives the client every property that MQTT.js documents', () => {
  const client = ours.connect('mqtt://localhost:1', { manualConnect: true })
  const methods = Object.getOwnPropertyNames(theirs.MqttClient.prototype)
  const publicMethods = methods.filter((name) => !name.startsWith('_') && name !== 'constructor')
  for (const name of publicMethods) expect(client).toHaveProperty(name)
  // The others would use MQTT.js's connection, which there is not.
  const own = Object.getOwnPropertyNames(ours.MqttClient.prototype)
  const inherited = publicMethods.filter((name) => !own.includes(name))
  expect(inherited.toSorted()).toEqual([
    'getLastMessageId',
    'handleAuth',
    'handleMessage',
    'keepalive',
    'onKeepaliveTimeout',
    'serverProperties',
  ])
})

test('can be passed where a client of MQTT.js is expected', async () => {
  const server = await startServer({})
  const options: IClientOptions = { clientId: 'a' }
  const client: MqttClient = ours.connect(server.url, options)
  const asynchronous: Promise<MqttClient> = ours.connectAsync(server.url)
  expect(client).toBeInstanceOf(theirs.MqttClient)
  expect(client).toBeInstanceOf(ours.MqttClient)
  expect(ours.Client).toBe(ours.MqttClient)
  expect(ours.MqttClient.defaultId()).toMatch(/^mqttjs_/)
  await next(client, 'connect')
  await Promise.all([client.endAsync(true), asynchronous.then((each) => each.endAsync(true))])
})

test('has the native client below, and takes its options', async () => {
  const server = await startServer({})
  const lines: string[] = []
  const log = (...values: unknown[]) => void lines.push(values.join(' '))
  const client = ours.connect(server.url, { log, resilient: { name: 'the-device' } })
  await next(client, 'connect')
  await client.resilient.waitFor('connected')
  expect(client.resilient.status).toMatchObject({ name: 'the-device', state: 'connected' })
  expect(lines.join('\n')).toContain('idle → connecting')
  await client.endAsync(true)
})

test('does not tell, of a filter that the broker refuses and the application has left, that it is asked again', async () => {
  const server = await startServer({ script: { suback: 0x80 } })
  const client = ours.connect(server.url)
  const refused: string[] = []
  client.resilient.on('subscriptionRefused', ({ filter }) => void refused.push(filter))
  await expect(client.subscribeAsync('a')).rejects.toMatchObject({ code: 0x80 })
  await client.endAsync(true)
  expect(refused).toEqual([])
  expect(server.received('subscribe')).toHaveLength(1)
})

test.each([
  ['mqtt://host', { host: 'host', hostname: 'host', port: 1883, protocol: 'mqtt' }],
  ['mqtts://[::1]:1', { hostname: '::1', port: 1, protocol: 'mqtts' }],
  ['wss://host/path?a=b', { hostname: 'host', port: 443, protocol: 'wss', path: '/path?a=b' }],
])('shows the parts of %s in client.options', (url, options) => {
  // MQTT.js does so as well, once it connects.
  expect(ours.connect(url, { manualConnect: true }).options).toMatchObject(options)
})
