import { describe, expect, test } from 'vitest'

import mqtt, { type ClientOptions, type MqttClient } from '../../mqttjs/index.ts'
import { InvalidOptionError } from '../../src/index.ts'
import { startServer } from '../support/servers.ts'
import { called, next, opened } from './both.ts'

const version5 = { protocolVersion: 5 } as const

const timer = 'must be milliseconds between 0 and 2147483647'

/** Wrong options, and the errors in which they have MQTT.js's names, units and values. */
const table: readonly (readonly [options: object, message: string])[] = [
  [{ keepalive: 65_536 }, 'keepalive must be whole seconds between 0 and 65535, got 65536'],
  [{ keepalive: 1.5 }, 'keepalive must be whole seconds between 0 and 65535, got 1.5'],
  [{ keepalive: '60' }, 'keepalive must be whole seconds between 0 and 65535, got "60"'],
  [{ protocolVersion: '5' }, 'protocolVersion must be 3, 4 or 5, got "5"'],
  [{ clean: 'no' }, 'clean must be true or false, got "no"'],
  [{ reconnectPeriod: 2 ** 31 }, `reconnectPeriod ${timer}, got 2147483648`],
  [{ reconnectPeriod: 'soon' }, `reconnectPeriod ${timer}, got NaN`],
  [{ connectTimeout: -1 }, `connectTimeout ${timer}, got -1`],
  [{ subscribeBatchSize: 1.5 }, 'subscribeBatchSize must be a whole number between 1 and 65535, got 1.5'],
  [{ rejectUnauthorized: 'no' }, 'rejectUnauthorized must be true or false, got "no"'],
  [{ will: { topic: 'a/#', payload: '' } }, 'will.topic must not contain wildcards, got "a/#"'],
  ...(
    [
      [{ sessionExpiryInterval: -1 }, 'sessionExpiryInterval must be whole seconds between 0 and 4294967295, got -1'],
      [{ maximumPacketSize: 0 }, 'maximumPacketSize must be a whole number between 1 and 4294967295, got 0'],
      [{ topicAliasMaximum: 65_536 }, 'topicAliasMaximum must be a whole number between 0 and 65535, got 65536'],
      [{ authenticationMethod: 'a\u0000' }, 'authenticationMethod must not contain'],
      [{ userProperties: { a: 1 } }, 'userProperties.a must be strings, or lists of strings, of at most 65535 bytes'],
    ] as const
  ).map(([properties, message]) => [{ ...version5, properties }, `properties.${message}`] as const),
  [
    { ...version5, will: { topic: 'a', payload: '', properties: { willDelayInterval: 2 ** 32 } } },
    'will.properties.willDelayInterval must be whole seconds between 0 and 4294967295, got 4294967296',
  ],
  // Those of ours have our names.
  [{ resilient: { outbox: { maxMessages: -1 } } }, 'resilient.outbox.maxMessages must be a whole number of at least 0'],
  [{ resilient: { reconnect: { initialDelay: -1 } } }, `resilient.reconnect.initialDelay ${timer}, got -1`],
  [{ reconnectPeriod: 'soon', resilient: { reconnect: {} } }, `reconnectPeriod ${timer}, got NaN`],
  [{ resilient: { recconect: {} } }, 'resilient.recconect is not an option of the client: did you mean reconnect?'],
]

test.each(table)('%j: %s', (options, message) => {
  const connect = () => mqtt.connect('mqtt://localhost:1', options as ClientOptions)
  expect(connect).toThrow(InvalidOptionError)
  expect(connect).toThrow(message)
})

test.each<[string, ClientOptions]>([
  ['no keep alive', { keepalive: 0 }],
  [
    'a long will delay',
    {
      ...version5,
      will: { topic: 'a', payload: '' as never, qos: 0, retain: false, properties: { willDelayInterval: 0xffffffff } },
    },
  ],
  ['a session that never expires', { ...version5, properties: { sessionExpiryInterval: 0xffffffff } }],
  ['a negative period, with which MQTT.js does not reconnect', { reconnectPeriod: -1 }],
  // With `null`, MQTT.js would give up after 1 ms.
  ['no timeout', { connectTimeout: null as never }],
])('takes %s', async (_, options) => {
  const server = await startServer({})
  await opened(mqtt as never, server.url, options)
  expect(server.received('connect')[0]?.will?.properties?.willDelayInterval).toBe(
    options.will?.properties?.willDelayInterval,
  )
})

describe('errors of calls', () => {
  const filter = '$share/group/a'
  test.each<[string, (client: MqttClient, callback: (...values: unknown[]) => void) => void, string]>([
    [
      'subscribe: qos',
      (client, callback) => client.subscribe('a', { qos: 3 as never }, callback),
      'qos must be 0, 1 or 2, got 3',
    ],
    [
      'subscribe: nl',
      (client, callback) => client.subscribe(filter, { qos: 0, nl: true }, callback),
      'nl must not be set on a shared subscription, got true',
    ],
    [
      'subscribe: rh',
      (client, callback) => client.subscribe('a', { qos: 0, rh: 3 }, callback),
      'rh must be 0, 1 or 2, got 3',
    ],
    [
      'subscribe: user properties',
      (client, callback) =>
        client.subscribe('a', { qos: 0, properties: { userProperties: { a: 1 as never } } }, callback),
      'properties.userProperties.a must be strings',
    ],
    [
      'unsubscribe: user properties',
      (client, callback) => client.unsubscribe('a', { properties: { userProperties: { a: 1 as never } } }, callback),
      'properties.userProperties.a must be strings',
    ],
    [
      'publish: message',
      (client, callback) => client.publish('a', 7 as never, callback),
      'message must be a string or a Uint8Array; got number',
    ],
    [
      'end: properties',
      (client, callback) => client.end(false, { properties: { sessionExpiryInterval: -1 } }, callback),
      'properties.sessionExpiryInterval must be whole seconds between 0 and 4294967295, got -1',
    ],
    [
      'end: a session that was to end',
      (client, callback) => client.end(false, { properties: { sessionExpiryInterval: 5 } }, callback),
      'properties.sessionExpiryInterval must be 0, because it was 0 when the client connected',
    ],
  ])('%s', async (_, call, message) => {
    const server = await startServer({})
    const { client } = await opened(mqtt as never, server.url, version5)
    const [error] = await called((callback) => call(client as MqttClient, callback))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect((error as Error).message).toContain(message)
    expect(server.received('subscribe')).toEqual([])
  })
})

test('reports options that become wrong later through the event error, and goes on', async () => {
  const server = await startServer({})
  const { client } = await opened(mqtt as never, server.url)
  client.options.keepalive = -1
  server.kick()
  const [error] = await next(client, 'error')
  expect(error.message).toBe('keepalive must be whole seconds between 0 and 65535, got -1')
  client.options.keepalive = 5
  await next(client, 'connect')
})
