import { describe, expect, test } from 'vitest'

import {
  createFleet,
  InvalidOptionError,
  ResilientMqttClient,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import { nearestNames } from '../../src/shared/nearest-name.ts'
import { openGroup, string } from '../../src/shared/option-rules.ts'
import { rejection } from '../support/promises.ts'

const url = 'mqtt://127.0.0.1:1'
const error = (message: string) => expect.objectContaining({ name: 'InvalidOptionError', message }) as Error

describe('the suggested name', () => {
  const known = ['maxAttempts', 'initialDelay', 'maxDelay', 'qos', 'ca', 'maxMessages', 'maxBytes', 'ack']
  test.each([
    ['maxAttempt', ['maxAttempts']],
    ['maxatempts', ['maxAttempts']],
    ['MAXDELAY', ['maxDelay']],
    ['intialDelay', ['initialDelay']],
    ['initailDelay', ['initialDelay']],
    ['qoss', ['qos']],
    ['qso', ['qos']],
    ['max', ['maxAttempts', 'maxDelay', 'maxMessages', 'maxBytes']],
    ['kca', ['ca']],
    ['durable', []],
    ['', []],
    ['x'.repeat(100_000), []],
  ])('of %s', (name, expected) => {
    expect(nearestNames(name, known)).toEqual(expected)
  })
})

describe('an unknown option', () => {
  const table: [object, string][] = [
    [{ recconect: {} }, 'recconect is not an option of the client: did you mean reconnect?'],
    [{ keepAlive: 1 }, 'keepAlive is not an option of the client: did you mean options.keepalive?'],
    [{ keepalive: 1 }, 'keepalive is not an option of the client: did you mean options.keepalive?'],
    [{ host: 'a' }, 'host is not an option of the client: see url'],
    [{ ca: 'planted' }, 'ca is not an option of the client: did you mean options.tls.ca?'],
    [
      { properties: {} },
      'properties is not an option of the client: see options.sessionExpiry, receiveMaximum, maximumPacketSize, topicAliasMaximum, userProperties',
    ],
    [
      { options: { sessionExpiryInterval: 1 } },
      'options.sessionExpiryInterval is not an option of options: see options.sessionExpiry',
    ],
    [{ autoUseTopicAlias: true }, 'autoUseTopicAlias is not an option of the client: see options.autoAssignTopicAlias'],
    [{ constructor: 'planted' }, 'constructor is not an option of the client'],
    [{ reconnect: { maxAttempt: 1 } }, 'reconnect.maxAttempt is not an option of reconnect: did you mean maxAttempts?'],
    [{ recovery: { retries: 1 } }, 'recovery.retries is not an option of recovery'],
    [{ timeouts: { connect: 1 } }, 'timeouts.connect is not an option of timeouts: did you mean connectTimeout?'],
    [
      { timeouts: { keepalive: 1 } },
      'timeouts.keepalive is not an option of timeouts: did you mean options.keepalive?',
    ],
    [{ redirect: { hops: 1 } }, 'redirect.hops is not an option of redirect'],
    [{ outbox: { max: 1 } }, 'outbox.max is not an option of outbox: did you mean maxMessages or maxBytes?'],
    [{ subscriptions: { batch: 1 } }, 'subscriptions.batch is not an option of subscriptions: did you mean batchSize?'],
    [{ options: { ca: 'planted' } }, 'options.ca is not an option of options: did you mean options.tls.ca?'],
    [{ options: { socksProxy: 'a' } }, 'options.socksProxy is not an option of options: see options.socket'],
    [{ options: { socketPath: 'a' } }, 'options.socketPath is not an option of options: see options.socket'],
    [{ options: { path: '/mqtt' } }, 'options.path is not an option of options: see url'],
    [{ options: { birth() {} } }, 'options.birth is not an option of options: it is an option of the client'],
    [{ options: { outbox: {} } }, 'options.outbox is not an option of options: it is an option of the client'],
    [{ options: { agent: {} } }, 'options.agent is not an option of options: see options.wsOptions.agent'],
    [{ options: { reconnectPeriod: 1 } }, 'options.reconnectPeriod is not an option of options: see reconnect'],
    [{ options: { keepAlive: 1 } }, 'options.keepAlive is not an option of options: did you mean keepalive?'],
    [{ options: { clientID: 'a' } }, 'options.clientID is not an option of options: did you mean clientId?'],
    [
      { options: { will: { topic: 'a', payload: '', qoss: 1 } } },
      'options.will.qoss is not an option of options.will: did you mean qos?',
    ],
    [
      { options: { will: { topic: 'a', payload: '', properties: { contentTyp: 'a' } } } },
      'options.will.properties.contentTyp is not an option of options.will.properties: did you mean contentType?',
    ],
    [
      { options: { tls: { rejectUnauthorised: false } } },
      'options.tls.rejectUnauthorised is not an option of options.tls: did you mean rejectUnauthorized?',
    ],
    [
      { options: { wsOptions: { header: {} } } },
      'options.wsOptions.header is not an option of options.wsOptions: did you mean headers?',
    ],
  ]
  test.each(table)('%o', (options, message) => {
    expect(() => new ResilientMqttClient({ url, ...options } as ResilientMqttClientOptions)).toThrow(error(message))
  })

  test.each(['ALPNCallback', 'SNICallback', 'server'])(
    'is passed on to Node if Node knows it, even if it resembles one of ours: %s',
    async (name) => {
      const given = { [name]: () => {} } as object
      await using client = new ResilientMqttClient({ url, options: { tls: given, wsOptions: given } })
      expect(client.isConnected).toBe(false)
    },
  )

  test('is passed on if it is not known which other names there are, as in a browser', () => {
    const rule = openGroup({ servername: string }, undefined)
    expect(() => rule('options.tls', { serverName: 1, ciphers: 'a' })).not.toThrow()
    expect(() => rule('options.tls', { servername: 1 })).toThrow(
      error('options.tls.servername must be a string, got 1'),
    )
    expect(() => openGroup({ servername: string }, [])('options.tls', { serverName: 1 })).toThrow(
      error('options.tls.serverName is not an option of options.tls: did you mean servername?'),
    )
  })

  test.each([
    ['headers of a class', { wsOptions: { headers: new Headers({ a: 'planted' }) } }, 'options.wsOptions.headers'],
    ['headers in a map', { wsOptions: { headers: new Map([['a', 'planted']]) } }, 'options.wsOptions.headers'],
    ['user properties in a map', { userProperties: new Map([['a', 'planted']]) }, 'options.userProperties'],
    ['options in a map', new Map([['clientId', 'planted']]), 'options'],
  ])('is rejected if its names cannot be enumerated: %s', (_, options, path) => {
    const create = () => new ResilientMqttClient({ url, options: options as object })
    expect(create).toThrow(expect.objectContaining({ option: path, value: undefined }) as Error)
  })

  test('is passed on to Node or ws if they know it', async () => {
    const tls = { checkServerIdentity: () => undefined, maxVersion: 'TLSv1.3', ofTomorrow: true, ca: undefined }
    const wsOptions = { handshakeTimeout: 1_000, maxPayload: 1, origin: 'http://a', ofTomorrow: true, servername: 'a' }
    const options = { tls, wsOptions } as object
    await using client = new ResilientMqttClient({ url, options })
    expect(client.isConnected).toBe(false)
  })
})

describe('options of calls', () => {
  const bad: [call: string, options: object | null, message: string][] = [
    ['publish', { retan: true }, 'retan is not an option of publish: did you mean retain?'],
    ['publish', { propertys: {} }, 'propertys is not an option of publish: did you mean properties?'],
    ['subscribe', { Qos: 1 }, 'Qos is not an option of subscribe: did you mean qos?'],
    ['request', { responseTopics: 'a' }, 'responseTopics is not an option of request: did you mean responseTopic?'],
    ['disconnect', { drain: 1 }, 'drain is not an option of disconnect: did you mean drainTimeout?'],
    ['connect', { signals: 1 }, 'signals is not an option of connect: did you mean signal?'],
    ['waitFor', { timeOut: 1 }, 'timeOut is not an option of waitFor: did you mean timeout?'],
    [
      'startPeriodicRequests',
      { topic: 'a', payload: '', interval: 1, response: { filter: 'a', timout: 1 } },
      'response.timout is not an option of response: did you mean timeout?',
    ],
    [
      'startPeriodicRequests',
      { topic: 'a', payload: '', period: 1 },
      'period is not an option of startPeriodicRequests',
    ],
    ['createFleet', { maxConnect: 1 }, 'maxConnect is not an option of createFleet: did you mean maxConnecting?'],
    ['createFleet', { url }, 'url is not an option of createFleet: see shared'],
    ['createFleet', { shared: { ca: '' } }, 'shared.ca is not an option of shared: did you mean options.tls.ca?'],
    ['createClient', { url, ca: '' }, 'ca is not an option of createClient: did you mean options.tls.ca?'],
    ...[
      'publish',
      'subscribe',
      'request',
      'disconnect',
      'connect',
      'waitFor',
      'startPeriodicRequests',
      'createFleet',
      'createClient',
    ].map((call): [string, null, string] => [call, null, `options of ${call} must be an object, got null`]),
    [
      'startPeriodicRequests',
      { topic: 'a', interval: 1 },
      'payload must be a string, a Uint8Array, or a function that returns one',
    ],
    ['createFleet', { shared: null }, 'shared must be an object, got null'],
    ['publish', { retain: 'false' }, 'retain must be true or false, got "false"'],
    ['publish', { latest: Symbol('a') }, 'latest must be true, false or a string, got Symbol(a)'],
    ['publish', { durable: 1 }, 'durable must be true or false, got 1'],
    ['publish', { signal: {} }, 'signal must be an AbortSignal, got an object'],
    ['publish', { codec: {} }, 'codec must have the methods encode(), decode(), got an object'],
    ['publish', { ttl: null }, 'ttl must be more than 0 milliseconds, got null'],
    ['subscribe', { noLocal: 'false' }, 'noLocal must be true or false, got "false"'],
    ['subscribe', { retainAsPublished: 1 }, 'retainAsPublished must be true or false, got 1'],
    ['subscribe', { onInvalid: {} }, 'onInvalid must be a function, got an object'],
    ['subscribe', { schema: {} }, 'schema must be a schema that implements Standard Schema, got an object'],
    ['request', { match: {} }, 'match must be a function, got an object'],
  ]

  test.each(bad)('%s with %o', async (call, options, message) => {
    await using client = new ResilientMqttClient({ url })
    await using fleet = createFleet()
    const given = options as never
    const calls: Record<string, () => unknown> = {
      publish: () => client.publish('a', 'x', given),
      subscribe: () => client.subscribe('a', () => {}, given),
      request: () => client.request('a', 'x', given),
      disconnect: () => client.disconnect(given),
      connect: () => client.connect(given),
      waitFor: () => client.waitFor('idle', given),
      startPeriodicRequests: () => client.startPeriodicRequests(given),
      createFleet: () => createFleet(given),
      createClient: () => fleet.createClient(given),
    }
    expect(await rejection((async () => calls[call]?.())())).toEqual(error(message))
    expect(client.outbox.size).toBe(0)
  })

  test.each([undefined, null, { qos: 1 }])('subscribe with options and %o as the handler', async (handler) => {
    await using client = new ResilientMqttClient({ url })
    const subscribe = client.subscribe.bind(client) as (...given: unknown[]) => unknown
    expect(() => subscribe('a', handler, { qos: 1 })).toThrow(InvalidOptionError)
    // The order of MQTT.js.
    if (handler) expect(() => subscribe('a', handler, () => {})).toThrow('handler must be a function, and stand before')
    expect(client.status.subscriptions.wanted).toBe(0)
  })

  test.each([
    ['message', 'subscribe() or the option onMessage'],
    ['connect', 'connected'],
    ['offline', 'connectionInterrupted'],
  ])("MQTT.js's event %s is rejected with the name of ours", async (event, place) => {
    await using client = new ResilientMqttClient({ url })
    expect(() => client.on(event as never, () => {})).toThrow(
      error(`event must be an event of the client (see ${place}), got "${event}"`),
    )
  })

  test('an unknown event is rejected', async () => {
    await using client = new ResilientMqttClient({ url })
    await using fleet = createFleet()
    const message = 'event must be an event of the client (did you mean connected?), got "conected"'
    for (const target of [client, fleet]) {
      expect(() => target.on('conected' as 'connected', () => {})).toThrow(error(message))
      expect(() => target.on('toString' as 'connected', () => {})).toThrow('event must be an event of the client')
      expect(() => target.on('connected', undefined as never)).toThrow(error('handler must be a function'))
    }
  })
})
