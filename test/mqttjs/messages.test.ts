import type { IClientOptions, IPublishPacket, Packet } from 'mqtt'
import { describe, expect, test } from 'vitest'

import ours from '../../mqttjs/index.ts'
import { startServer } from '../support/servers.ts'
import { both, called, next, open, opened } from './both.ts'

const version5: IClientOptions = { protocolVersion: 5 }

describe.each(both)('$name', ({ mqtt }) => {
  describe('publish', () => {
    test.each([
      [0, undefined],
      [1, { cmd: 'publish', topic: 'a', payload: 'b', qos: 1, retain: true, dup: false }],
      [2, { cmd: 'pubrel', qos: 2 }],
    ] as const)('calls back at QoS %i', async (qos, packet) => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      const given = await called((callback) => client.publish('a', 'b', { qos, retain: true }, callback))
      if (packet) expect(given).toMatchObject([null, { ...packet, messageId: client.getLastMessageId() }])
      else expect(given).toEqual([])
      await server.waitFor('publish')
      expect(server.received('publish')).toMatchObject([{ topic: 'a', payload: Buffer.from('b'), qos, retain: true }])
    })

    test('returns the client, and takes a callback in place of options', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      expect(client.publish('a', Buffer.from('b'))).toBe(client)
      await called((callback) => client.publish('a', 'b', callback))
      await server.waitFor('publish', { count: 2 })
    })

    test('sends properties, and reports a refusal by its code', async () => {
      const server = await startServer({ script: { puback: 0x97 } })
      const { client } = await opened(mqtt, server.url, version5)
      const properties = { contentType: 'x', messageExpiryInterval: 60, userProperties: { a: ['b', 'c'] } }
      const [error, packet] = await called((callback) => client.publish('a', 'b', { qos: 1, properties }, callback))
      expect(error).toMatchObject({ message: 'Publish error: Quota exceeded', code: 0x97 })
      expect(packet).toMatchObject({ cmd: 'puback', reasonCode: 0x97, messageId: client.getLastMessageId() })
      expect(server.received('publish')).toMatchObject([{ properties }])
    })

    test('sends what was published before the connection', async () => {
      const server = await startServer({})
      const { client } = open(mqtt, server.url)
      await Promise.all([client.publishAsync('a', '0'), client.publishAsync('a', '1', { qos: 1 })])
      await server.waitFor('publish', { count: 2 })
      expect(new Set(server.received('publish').map(({ qos }) => qos))).toEqual(new Set([0, 1]))
    })

    test('does not keep QoS 0 with queueQoSZero: false', async () => {
      const server = await startServer({})
      const { client } = open(mqtt, server.url, { queueQoSZero: false })
      await expect(client.publishAsync('a', '0')).rejects.toThrow('No connection to broker')
    })

    test('sends an unacknowledged publish again on the next connection', async () => {
      const server = await startServer({ script: [{ puback: false }, {}] })
      const { client } = await opened(mqtt, server.url)
      const published = client.publishAsync('a', 'b', { qos: 1 })
      await server.waitFor('publish')
      server.kick()
      await published
      expect(server.received('publish')).toHaveLength(2)
    })

    test('can be removed by its message id', async () => {
      const server = await startServer({ script: { puback: false } })
      const { client } = await opened(mqtt, server.url)
      const removed = client.publishAsync('a', 'b', { qos: 1 })
      expect(client.removeOutgoingMessage(client.getLastMessageId())).toBe(client)
      await expect(removed).rejects.toThrow('Message removed')
    })

    test('calls cbStorePut when it is kept', async () => {
      const server = await startServer({ script: { puback: false } })
      const { client } = await opened(mqtt, server.url)
      const kept = await called((cbStorePut) => client.publish('a', 'b', { qos: 1, cbStorePut }))
      expect(kept.filter(Boolean)).toEqual([])
    })

    test('sends the topic of an alias that the application registered', async () => {
      const connack = { properties: { topicAliasMaximum: 3 } }
      const server = await startServer({ script: { connack } })
      const { client } = await opened(mqtt, server.url, { ...version5, autoUseTopicAlias: true })
      await client.publishAsync('a/long/topic', '1', { qos: 1, properties: { topicAlias: 1 } })
      await client.publishAsync('', '2', { qos: 1, properties: { topicAlias: 1 } })
      const [first, second] = server.received('publish')
      expect(first).toMatchObject({ topic: 'a/long/topic', properties: { topicAlias: 1 } })
      expect(second).toMatchObject({ topic: '', properties: { topicAlias: 1 } })
    })
  })

  describe('subscribe', () => {
    test.each<[string, string | string[] | Record<string, { qos: 0 | 1 | 2 }>, object[]]>([
      ['a filter', 'a', [{ topic: 'a', qos: 1 }]],
      [
        'a list',
        ['a', 'b/#'],
        [
          { topic: 'a', qos: 1 },
          { topic: 'b/#', qos: 1 },
        ],
      ],
      [
        'a map',
        { a: { qos: 2 }, '+/b': { qos: 0 } },
        [
          { topic: 'a', qos: 2 },
          { topic: '+/b', qos: 0 },
        ],
      ],
    ])('takes %s, and calls back with what is granted', async (_, topics, granted) => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      const [error, given, packet] = await called((callback) => client.subscribe(topics, { qos: 1 }, callback as never))
      expect(error).toBeNull()
      expect(given).toEqual(granted)
      expect(packet).toMatchObject({ cmd: 'suback' })
    })

    test('sends the options of MQTT 5', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, version5)
      await client.subscribeAsync('a', { qos: 2, nl: true, rap: true, rh: 2 })
      expect(server.received('subscribe')[0]?.subscriptions).toMatchObject([
        { topic: 'a', qos: 2, nl: true, rap: true, rh: 2 },
      ])
    })

    test('sends user properties of MQTT 5, also when it is restored', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, version5)
      const userProperties = { tenant: ['a', 'b'] }
      await client.subscribeAsync(['a', 'b'], { qos: 1, properties: { userProperties } })
      server.kick()
      await server.waitFor(
        () => server.received('subscribe').flatMap(({ subscriptions }) => subscriptions).length === 4,
      )
      const restored = server.received('subscribe').map(({ properties }) => ({ ...properties?.userProperties }))
      expect(restored).toEqual(restored.map(() => userProperties))
    })

    test('sends nothing for a filter that is subscribed with the same QoS', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync('a', { qos: 1 })
      expect(await client.subscribeAsync(['a'], { qos: 1 })).toEqual([])
      expect(await client.subscribeAsync('a', { qos: 2 })).toEqual([{ topic: 'a', qos: 2 }])
      expect(server.received('subscribe')).toHaveLength(2)
    })

    test.each([4, 5] as const)('reports a refusal by the broker, on version %i', async (protocolVersion) => {
      const server = await startServer({ script: { suback: { secret: 0x87 } } })
      const { client } = await opened(mqtt, server.url, { protocolVersion })
      const [error] = await called((callback) => client.subscribe(['a', 'secret'], callback as never))
      const message = `Subscribe error: ${protocolVersion === 5 ? 'Not authorized' : 'Unspecified error'}`
      expect(error).toMatchObject({ message, packet: { cmd: 'suback' } })
      // It may be asked for again.
      server.current!.behaviour = {}
      expect(await client.subscribeAsync('secret')).toMatchObject([{ topic: 'secret', qos: 0 }])
    })

    test.each(['a/#/b', 'a#', 'a+/b', []].map((topics) => ({ topics })))('refuses $topics', async ({ topics }) => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      const invalid = topics.length === 0 ? 'empty_topic_list' : topics
      await expect(client.subscribeAsync(topics)).rejects.toThrow(`Invalid topic ${String(invalid)}`)
      await expect(client.unsubscribeAsync(topics)).rejects.toThrow(`Invalid topic ${String(invalid)}`)
    })

    test('is restored on the next connection', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync({ a: { qos: 1 }, b: { qos: 2 } })
      await client.unsubscribeAsync('b')
      server.kick()
      const isRestored = () => server.connections[1]?.received('subscribe')[0]
      expect(await server.waitFor(isRestored)).toMatchObject({ subscriptions: [{ topic: 'a', qos: 1 }] })
    })

    test('is not restored with resubscribe: false', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, { resubscribe: false })
      await client.subscribeAsync('a')
      server.kick()
      await next(client, 'connect')
      await client.subscribeAsync('b')
      const topics = server.received('subscribe').map(({ subscriptions }) => subscriptions.map(({ topic }) => topic))
      expect(topics).toEqual([['a'], ['b']])
    })
  })

  describe('unsubscribe', () => {
    test('calls back when the broker has answered', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync(['a', 'b'])
      const [error, packet] = await called((callback) => client.unsubscribe(['a', 'b'], callback))
      expect(error).toBeNull()
      expect(packet).toMatchObject({ cmd: 'unsuback' })
      expect(server.received('unsubscribe').flatMap(({ unsubscriptions }) => unsubscriptions)).toEqual(['a', 'b'])
    })

    test('sends user properties of MQTT 5', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, version5)
      await client.subscribeAsync(['a', 'b'])
      const userProperties = { reason: 'done' }
      await Promise.all([
        client.unsubscribeAsync('a', { properties: { userProperties } }),
        client.unsubscribeAsync('b'),
      ])
      expect(server.received('unsubscribe')).toMatchObject([
        { properties: { userProperties } },
        { unsubscriptions: ['b'] },
      ])
    })

    test('asks the broker for a filter that an earlier process subscribed to', async () => {
      const server = await startServer({ script: { connack: { sessionPresent: true } } })
      const { client } = await opened(mqtt, server.url, { clean: false })
      await client.unsubscribeAsync('old')
      expect(server.received('unsubscribe')).toMatchObject([{ unsubscriptions: ['old'] }])
    })
  })

  describe('messages', () => {
    test('are emitted with topic, payload and packet', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, version5)
      const message = next(client, 'message')
      const properties = { contentType: 'x', userProperties: { a: 'b' } }
      server.publish('a', 'hello', { qos: 1, retain: true, messageId: 7, properties })
      const [topic, payload, packet] = await message
      expect([topic, String(payload), Buffer.isBuffer(payload)]).toEqual(['a', 'hello', true])
      const fields = { cmd: 'publish', topic: 'a', qos: 1, retain: true, dup: false, messageId: 7 }
      expect(packet).toMatchObject({ ...fields, payload: Buffer.from('hello'), properties })
    })

    test('are emitted once, however many subscriptions match', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync(['a/#', '+/b', 'a/b'])
      const payloads: string[] = []
      client.on('message', (_, payload) => void payloads.push(String(payload)))
      server.publish('a/b', '1', { qos: 1 })
      server.publish('a/b', '2')
      server.publish('other', '3')
      await client.publishAsync('done', '', { qos: 1 })
      expect(payloads).toEqual(['1', '2', '3'])
    })

    test('have the Subscription Identifiers of the application', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, version5)
      await client.subscribeAsync('a/+', { qos: 0, properties: { subscriptionIdentifier: 70 } })
      await client.subscribeAsync('a/#', { qos: 0, properties: { subscriptionIdentifier: 80 } })
      const sent = server.received('subscribe').map(({ properties }) => properties?.subscriptionIdentifier as number)
      const found: unknown[] = []
      client.on('message', (_topic, _payload, { properties }) => void found.push(properties?.subscriptionIdentifier))
      for (const subscriptionIdentifier of [...sent, sent]) {
        server.publish('a/b', '', { properties: { subscriptionIdentifier } as IPublishPacket['properties'] & object })
      }
      await client.publishAsync('done', '', { qos: 1 })
      expect(found).toEqual([70, 80, [70, 80]])
    })

    test('are emitted at the PUBREL with QoS 2', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync('a', { qos: 2 })
      const message = next(client, 'message')
      server.publish('a', '2', { qos: 2 })
      expect((await message)[2]).toMatchObject({ qos: 2 })
      await server.waitFor('pubcomp')
    })

    test('wait for handleMessage, and their acknowledgements with them', async () => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url)
      await client.subscribeAsync('a', { qos: 1 })
      const handled: { packet: IPublishPacket; done: () => void }[] = []
      client.handleMessage = (packet, done) => void handled.push({ packet, done: done as () => void })
      const payloads: string[] = []
      client.on('message', (_, payload) => void payloads.push(String(payload)))
      const first = next(client, 'message')
      server.publish('a', '1', { qos: 1 })
      server.publish('a', '2', { qos: 1 })
      await first
      expect(handled).toMatchObject([{ packet: { payload: Buffer.from('1') } }])
      expect(payloads).toEqual(['1'])
      expect(server.received('puback')).toEqual([])
      const second = next(client, 'message')
      handled[0]!.done()
      await second
      await server.waitFor('puback')
      expect(payloads).toEqual(['1', '2'])
      handled[1]!.done()
      await server.waitFor('puback', { count: 2 })
    })

    test('are not emitted if customHandleAcks refuses them', async () => {
      const server = await startServer({})
      const asked: string[] = []
      const customHandleAcks: IClientOptions['customHandleAcks'] = (topic, message, _packet, callback) => {
        asked.push(`${topic} ${String(message)}`)
        // MQTT.js takes the code in place of the error, too.
        callback(String(message) === 'bad' ? 0x97 : 0)
      }
      const { client } = await opened(mqtt, server.url, { ...version5, customHandleAcks })
      await client.subscribeAsync('a', { qos: 1 })
      const message = next(client, 'message')
      server.publish('a', 'bad', { qos: 1 })
      server.publish('a', 'good', { qos: 1 })
      server.publish('nobody subscribed', 'bad', { qos: 1 })
      expect(String((await message)[1])).toBe('good')
      await server.waitFor('puback', { count: 3 })
      expect(asked).toEqual(['a bad', 'a good', 'nobody subscribed bad'])
      expect(server.received('puback').map(({ reasonCode }) => reasonCode)).toEqual([0x97, 0, 0x97])
    })

    test.each([
      [0x00, 1],
      [0x10, 0],
      [0x97, 0],
    ])('are acknowledged with the code %i of customHandleAcks, after handleMessage', async (code, emitted) => {
      const server = await startServer({})
      const { client } = await opened(mqtt, server.url, {
        ...version5,
        customHandleAcks: (_topic, _message, _packet, callback) => callback(code),
      })
      const topics = ['a', 'nobody subscribed']
      const found: string[] = []
      const handled: string[] = []
      client.on('message', (topic) => void found.push(topic))
      client.handleMessage = ({ topic }, done) => {
        handled.push(topic)
        done()
      }
      await client.subscribeAsync('a', { qos: 1 })
      for (const topic of topics) server.publish(topic, 'b', { qos: 1 })
      await server.waitFor('puback', { count: 2 })
      expect(server.received('puback').map(({ reasonCode }) => reasonCode)).toEqual([code, code])
      expect(handled).toEqual(topics)
      expect(found).toEqual(emitted ? topics : [])
    })

    test.each<[string, (number | Error)[], string, boolean]>([
      ['an error', [new Error('full')], 'full', true],
      ['a code that a PUBACK does not have', [null as never, 0x96], 'Wrong reason code for puback', true],
      ['an error, without a subscription of this process', [new Error('full')], 'full', false],
    ])('are not acknowledged if customHandleAcks gives %s', async (_, answer, message, isSubscribed) => {
      const server = await startServer({})
      const customHandleAcks: IClientOptions['customHandleAcks'] = (_topic, _message, _packet, callback) => {
        callback(...(answer as [Error]))
      }
      const { client } = await opened(mqtt, server.url, {
        ...version5,
        clean: false,
        properties: { sessionExpiryInterval: 60 },
        customHandleAcks,
      })
      if (isSubscribed) await client.subscribeAsync('a', { qos: 1 })
      const failed = next(client, 'error')
      client.on('message', () => expect.unreachable())
      server.publish('a', 'b', { qos: 1 })
      expect((await failed)[0].message).toBe(message)
      await client.publishAsync('later', '', { qos: 1 })
      expect(server.received('puback')).toEqual([])
    })
  })

  test('tells of packets', async () => {
    const server = await startServer({})
    const { client } = open(mqtt, server.url)
    const packets: string[] = []
    client.on('packetsend', ({ cmd }) => void packets.push(`> ${cmd}`))
    client.on('packetreceive', ({ cmd }) => void packets.push(`< ${cmd}`))
    await next(client, 'connect')
    await client.subscribeAsync('a')
    await client.publishAsync('a', 'b', { qos: 1 })
    await client.endAsync()
    // MQTT.js tells of its CONNECT only listeners that it had in its constructor.
    const exchange = ['< connack', '> subscribe', '< suback', '> publish', '< puback', '> disconnect']
    expect(packets.filter((each) => each !== '> connect')).toEqual(exchange)
  })

  test('tells of whole PUBLISH packets', async () => {
    const server = await startServer({ script: { connack: { properties: { topicAliasMaximum: 5 } } } })
    const { client } = open(mqtt, server.url, { ...version5, autoAssignTopicAlias: true })
    const packets: Packet[] = []
    const keep = (packet: Packet) => void (packet.cmd === 'publish' && packets.push({ ...packet }))
    client.on('packetsend', keep)
    client.on('packetreceive', keep)
    await next(client, 'connect')
    const properties = { contentType: 'x', userProperties: { a: 'b' } }
    const large = Buffer.alloc(100_000, 'x')
    await client.publishAsync('a/long/topic', 'b', { qos: 1, properties })
    await client.publishAsync('a/long/topic', large, { retain: true })
    await client.subscribeAsync('a/#', { qos: 1, properties: { subscriptionIdentifier: 70 } })
    const subscriptionIdentifier = server.received('subscribe')[0]!.properties!.subscriptionIdentifier!
    server.publish('a/b', large, { qos: 1, messageId: 9, properties: { contentType: 'y', subscriptionIdentifier } })
    await server.waitFor('puback')
    expect(packets).toMatchObject([
      { cmd: 'publish', topic: 'a/long/topic', qos: 1, retain: false, properties: { ...properties, topicAlias: 1 } },
      { cmd: 'publish', topic: '', qos: 0, retain: true, payload: large, properties: { topicAlias: 1 } },
      {
        cmd: 'publish',
        topic: 'a/b',
        qos: 1,
        messageId: 9,
        payload: large,
        properties: { contentType: 'y', subscriptionIdentifier: 70 },
      },
    ])
    expect(String((packets[0] as IPublishPacket).payload)).toBe('b')
  })

  test('is an event emitter', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url)
    const heard: string[] = []
    const listener = (topic: string) => void heard.push(topic)
    client.on('message', listener)
    client.once('message', (topic) => void heard.push(`once ${topic}`))
    client.prependListener('message', (topic) => void heard.push(`first ${topic}`))
    expect(client.listenerCount('message')).toBe(3)
    server.publish('a', '')
    await client.publishAsync('done', '', { qos: 1 })
    client.off('message', listener)
    server.publish('b', '')
    await client.publishAsync('done', '', { qos: 1 })
    expect(heard).toEqual(['first a', 'a', 'once a', 'first b'])
    const [given] = await called((callback) =>
      client.once('packetsend', callback as (packet: Packet) => void).emit('packetsend', { cmd: 'pingreq' }),
    )
    expect(given).toEqual({ cmd: 'pingreq' })
  })
})

test.each(['handleMessage', 'customHandleAcks'] as const)(
  'the drop-in asks %s again about a message of QoS 2 at the next PUBREL, if it failed',
  async (name) => {
    const server = await startServer({ script: { connack: { sessionPresent: true } } })
    const asked: string[] = []
    const answer = (payload: unknown, done: (answer: Error | number) => void) => {
      asked.push(String(payload))
      done(asked.length === 1 ? new Error('the database is down') : 0)
    }
    const { client } = await opened(ours as never, server.url, {
      ...version5,
      clean: false,
      properties: { sessionExpiryInterval: 60 },
      ...(name === 'customHandleAcks' && {
        customHandleAcks: (_topic, payload, _packet, done) => answer(payload, done),
      }),
    })
    if (name === 'handleMessage') client.handleMessage = ({ payload }, done) => answer(payload, done as () => void)
    const emitted: string[] = []
    client.on('message', (_, payload) => void emitted.push(String(payload)))
    // Both get the message, which is processed once for them.
    await client.subscribeAsync(['a', '+'], { qos: 2 })
    const reconnected = next(client, 'connect')
    server.publish('a', 'b', { qos: 2, messageId: 7 })
    await reconnected
    server.send({ cmd: 'pubrel', messageId: 7 })
    await server.waitFor('pubcomp')
    expect(asked).toEqual(['b', 'b'])
    expect(emitted).toEqual(name === 'handleMessage' ? ['b', 'b'] : ['b'])
    expect(server.connections).toHaveLength(2)
  },
)
