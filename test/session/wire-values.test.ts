import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'

import type { ConnectOptions, PublishOptions, SubscribeOptions } from '../../src/index.ts'
import { MqttLink } from '../../src/mqtt/link.ts'
import { turns } from '../support/event-loop.ts'
import { nameOf } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

const invalid = expect.objectContaining({ name: 'InvalidOptionError' }) as Error
const surrogate = 'a\ud800'

describe('an optional value that is undefined is left out', () => {
  const properties = { userProperties: { traceId: undefined, a: '1', b: ['2', '3'], none: [] }, contentType: undefined }
  const wire = { a: '1', b: ['2', '3'] }

  test.each([
    ['online, QoS 0', 0, true],
    ['online, QoS 1', 1, true],
    ['offline, QoS 2', 2, false],
  ] as const)('of a publish %s', async (_, qos, online) => {
    const { server, client, errors } = await scriptedClient()
    if (online) await client.connect()
    const published = client.publish('a', 'x', { qos, properties: properties as never })
    await client.connect()
    await published
    await client.publish('b', '', { qos: 1 })
    const [packet] = server.received('publish')
    expect({ ...packet?.properties?.userProperties }).toEqual(wire)
    expect(Object.keys(packet?.properties ?? {})).toEqual(['userProperties'])
    expect(errors).toEqual([])
  })

  test('in CONNECT, will and headers', async () => {
    const will = { topic: 'gone', payload: '', properties }
    const connect = { userProperties: properties.userProperties, will, wsOptions: { headers: { a: undefined } } }
    const { server, client } = await scriptedClient({ connect: connect as unknown as ConnectOptions })
    await client.connect()
    const [packet] = server.received('connect')
    expect({ ...packet?.properties?.userProperties }).toEqual(wire)
    expect({ ...packet?.will?.properties?.userProperties }).toEqual(wire)
  })
})

describe('later changes of the application’s objects reach no packet', () => {
  test.each([1, 2] as const)('for a waiting publish, QoS %i', async (qos) => {
    const { server, client } = await scriptedClient({ script: sessionIs(true) })
    const list: unknown[] = ['1']
    const correlationData = Buffer.from('id')
    const properties: Record<string, unknown> = { userProperties: { a: list }, correlationData, contentType: 'text' }
    const published = client.publish('a', 'x', { qos, properties: properties as never })
    list[0] = undefined
    correlationData.fill(0)
    Object.assign(properties, { contentType: 7, userProperties: { b: undefined }, responseTopic: Symbol('a') })
    await client.connect()
    await published
    const [packet] = server.received('publish')
    expect(packet?.properties).toMatchObject({ contentType: 'text', correlationData: Buffer.from('id') })
    expect(packet?.properties?.userProperties?.['a']).toBe('1')
  })

  test('for will and user properties of the connection', async () => {
    const will: Record<string, unknown> = { topic: 'gone', payload: 'x', properties: { userProperties: { a: '1' } } }
    const connect: Record<string, unknown> = { will, userProperties: { b: '2' } }
    const { server, client } = await scriptedClient({ connect: connect as ConnectOptions })
    Object.assign(connect, { userProperties: { b: undefined } })
    Object.assign(will, { topic: '', properties: { userProperties: { a: 1 } } })
    await client.connect()
    expect(server.received('connect')[0]).toMatchObject({ will: { topic: 'gone' } })
  })
})

describe('rejects a value that MQTT cannot encode at the call', () => {
  const bad: [string, string, PublishOptions | object][] = [
    ['a retain that is not a boolean', 'a', { retain: 'false' }],
    ['a user property that is a number', 'a', { properties: { userProperties: { a: 1 } } }],
    ['a user property that is null', 'a', { properties: { userProperties: { a: null } } }],
    ['a list with a hole', 'a', { properties: { userProperties: { a: Array.from({ length: 1 }) } } }],
    ['a user property with U+0000', 'a', { properties: { userProperties: { a: '\0' } } }],
    ['a name of a user property with a lone surrogate', 'a', { properties: { userProperties: { [surrogate]: '' } } }],
    [
      'more user properties than fit',
      'a',
      { properties: { userProperties: { a: range(20).map(() => 'x'.repeat(60_000)) } } },
    ],
    ['a content type with a lone surrogate', 'a', { properties: { contentType: surrogate } }],
    ['a response topic with a lone surrogate', 'a', { properties: { responseTopic: surrogate } }],
    ['properties that are null', 'a', { properties: null }],
    ['an unknown property', 'a', { properties: { topicAlias: 1 } }],
    ['a topic with a lone surrogate', surrogate, {}],
    ['a topic with U+0000', 'a\0', {}],
    ['a topic of 1,001 levels', 'a/'.repeat(1_000), {}],
    ['a key that is a symbol', 'a', { latest: Symbol('a') }],
  ]
  test.each(bad)('%s', async (_, topic, options) => {
    const { server, client, errors } = await scriptedClient()
    await client.connect()
    await expect(client.publish(topic, 'x', options)).rejects.toThrow(invalid)
    await client.publish('good', 'x', { qos: 1 })
    expect(told(server, 1, 'publish')).toEqual(['publish x 1'])
    expect(server.connections).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test('a payload with a detached buffer', async () => {
    const { client } = await scriptedClient()
    const payload = new Uint8Array(8)
    structuredClone(payload, { transfer: [payload.buffer] })
    await expect(client.publish('a', payload)).rejects.toThrow(invalid)
    expect(client.outbox.size).toBe(0)
  })

  test.each([
    ['noLocal', 'a', { noLocal: 'false' }],
    ['retainAsPublished', 'a', { retainAsPublished: 'false' }],
    ['a filter with a lone surrogate', surrogate, {}],
    ['a filter of 1,001 levels', '+/'.repeat(1_000), {}],
    ['a share of a filter of 1,001 levels', `$share/g/${'+/'.repeat(1_000)}`, {}],
    ['a filter of 30,000 levels', 'a/'.repeat(30_000), {}],
  ] as const)('of a subscription: %s', async (_, filter, options) => {
    const { client } = await scriptedClient()
    expect(() => client.subscribe(filter, () => {}, options as SubscribeOptions)).toThrow(invalid)
    expect(client.status.subscriptions.wanted).toBe(0)
  })

  test('but not a filter and a topic of 1,000 levels', async () => {
    const { server, client } = await scriptedClient()
    const topic = 'a/'.repeat(999)
    let received = 0
    const subscription = client.subscribe('+/'.repeat(999), () => void received++)
    await client.connect()
    await subscription.ready
    server.current?.send({ cmd: 'publish', topic, payload: '', qos: 0, retain: false, dup: false })
    await client.publish(topic, '', { qos: 1 })
    await turns()
    expect(received).toBe(1)
    subscription.unsubscribe()
  })

  const connects: [string, object][] = [
    ['clientId', { clientId: 'x'.repeat(65_536) }],
    ['clientId', { clientId: 'a\0' }],
    ['clientId', { clientId: surrogate }],
    ['username', { username: 'x'.repeat(65_536) }],
    ['username', { username: surrogate }],
    ['password', { username: 'me', password: new Uint8Array(65_536) }],
    ['will.payload', { will: { topic: 'a', payload: 'x'.repeat(65_536) } }],
    ['will.retain', { will: { topic: 'a', payload: '', retain: 'false' } }],
    ['will.topic', { will: { topic: surrogate, payload: '' } }],
    ['userProperties.a', { userProperties: { a: 1 } }],
    ['wsOptions.headers', { wsOptions: { headers: { a: 1 } } }],
  ]
  test.each(connects)('in the options of the connection: %s', async (option, connect) => {
    await expect(scriptedClient({ connect: connect as ConnectOptions })).rejects.toMatchObject({
      name: 'InvalidOptionError',
      option: `options.${option}`,
    })
  })

  test.each([
    ['username', { username: 'a\0' }],
    ['password', { username: 'me', password: 'x'.repeat(65_536) }],
    ['expiresAt', { password: 'x', expiresAtt: 1 }],
    ['wsHeaders', { wsHeaders: { a: 1 } }],
  ])('in credentials: %s', async (_, credentials) => {
    const { client, errors } = await scriptedClient({
      credentials: () => credentials as object,
      reconnect: { enabled: false },
      recovery: { enabled: false },
    })
    await expect(client.connect()).rejects.toMatchObject({ name: 'ConnectionFailedError', cause: invalid })
    expect(errors).toEqual([invalid])
  })
})

describe.each(versions)('a packet that still cannot be encoded, on MQTT $version', ({ version }) => {
  // The checks let no such value pass, so the test makes the link fail.
  test.each([0, 1, 2] as const)('rejects only its own publish, QoS %i', async (qos) => {
    const { server, client, errors } = await scriptedClient({ version })
    await client.connect()
    const { publish } = MqttLink.prototype
    MqttLink.prototype.publish = function (packet, ...others) {
      if (packet.topic === 'bad') throw new TypeError('unforeseen')
      return publish.call(this, packet, ...others)
    }
    const published = [
      client.publish('good', '1', { qos: 1 }),
      client.publish('bad', '2', { qos }),
      client.publish('good', '3', { qos: 1 }),
    ]
    const settled = await Promise.allSettled(published)
    MqttLink.prototype.publish = publish
    expect(settled.map((each) => (each.status === 'rejected' ? nameOf(each.reason) : 'done'))).toEqual([
      'done',
      'PacketEncodingError',
      'done',
    ])
    expect(told(server, 1, 'publish').map((each) => each.split(' ')[1])).toEqual(['1', '3'])
    expect(client.outbox).toMatchObject({ size: 0, inFlight: 0 })
    expect(client.status.state).toBe('connected')
    expect(server.connections).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test('rejects its publish after a wait too', async () => {
    const { server, client } = await scriptedClient({ version })
    const { publish } = MqttLink.prototype
    MqttLink.prototype.publish = function (packet, ...others) {
      if (packet.topic === 'bad') throw new TypeError('unforeseen')
      return publish.call(this, packet, ...others)
    }
    const bad = client.publish('bad', '1', { qos: 1 })
    const good = client.publish('good', '2', { qos: 1 })
    await client.connect()
    await expect(bad).rejects.toMatchObject({ name: 'PacketEncodingError', topic: 'bad' })
    await good
    MqttLink.prototype.publish = publish
    expect(server.connections).toHaveLength(1)
  })
})

describe('a property that cannot be encoded', () => {
  const bad: [string, object][] = [
    ['a user property', { userProperties: { a: undefined } }],
    ['a text', { contentType: 7 }],
  ]
  test.each(bad)('rejects only its own publish: %s', async (_, properties) => {
    const { server, client, errors } = await scriptedClient({ script: sessionIs(true) })
    await client.connect()
    const { publish } = MqttLink.prototype
    MqttLink.prototype.publish = function (packet, ...others) {
      publish.call(this, packet.topic === 'bad' ? { ...packet, properties } : packet, ...others)
    }
    const [first, second, third] = [
      client.publish('good', '1', { qos: 1 }),
      client.publish('bad', '2', { qos: 1 }),
      client.publish('good', '3', { qos: 1 }),
    ]
    await expect(second).rejects.toMatchObject({ name: 'PacketEncodingError', topic: 'bad' })
    await Promise.all([first, third])
    MqttLink.prototype.publish = publish
    expect(server.connections).toHaveLength(1)
    expect(client.outbox).toMatchObject({ size: 0, inFlight: 0 })
    expect(errors).toEqual([])
  })
})

test('sends bytes of another realm', async () => {
  const bytes = runInNewContext('new Uint8Array([104, 105])') as Uint8Array
  const connect = { username: 'me', password: bytes, will: { topic: 'gone', payload: bytes } }
  const { server, client } = await scriptedClient({ connect })
  await client.connect()
  await client.publish('a', bytes, { qos: 1, properties: { correlationData: bytes } })
  const [packet] = server.received('connect')
  expect([packet?.password, packet?.will?.payload].map(String)).toEqual(['hi', 'hi'])
  const [published] = server.received('publish')
  expect([published?.payload, published?.properties?.correlationData].map(String)).toEqual(['hi', 'hi'])
})
