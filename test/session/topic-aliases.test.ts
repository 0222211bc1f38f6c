import { describe, expect, test } from 'vitest'

import { NotSupportedByBrokerError } from '../../src/index.ts'
import type { Behaviour, Connack, ScriptedServer } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { scriptedClient, type ScriptedClientOptions } from '../support/scripted-client.ts'

type Properties = NonNullable<Connack['properties']>

/** A broker that announces something in each CONNACK and keeps the session. */
const announcing = (properties: Properties, behaviour: Behaviour = {}) => ({ connack: { properties }, ...behaviour })

function scene(options: ScriptedClientOptions) {
  return scriptedClient({ ...options, connect: { autoAssignTopicAlias: true, ...options.connect } })
}

/** The publishes of a connection: what each has of its topic, its payload, and whether it was sent again. */
function sent(server: ScriptedServer, n = 1): string[] {
  const { packets } = server.connections[n - 1] ?? { packets: [] }
  return packets.flatMap(({ packet }) => {
    if (packet.cmd !== 'publish') return []
    const { topic, payload, dup, properties } = packet
    const alias = properties?.topicAlias
    const onWire = alias === undefined ? topic : `${topic}=${alias}`
    return [`${onWire} ${payload.toString()}${dup ? ' dup' : ''}`]
  })
}

describe('outgoing topic aliases', () => {
  test.each([
    ['not asked for', {}, { autoAssignTopicAlias: false }, ['room/1 a', 'room/1 b', 'room/2 c']],
    ['asked for', {}, {}, ['room/1=1 a', '=1 b', 'room/2=2 c']],
    ['MQTT 3.1.1', { version: 4 }, {}, ['room/1 a', 'room/1 b', 'room/2 c']],
    ['the broker announces none', { script: {} }, {}, ['room/1 a', 'room/1 b', 'room/2 c']],
    ['0', { script: announcing({ topicAliasMaximum: 0 }) }, {}, ['room/1 a', 'room/1 b', 'room/2 c']],
    ['1', { script: announcing({ topicAliasMaximum: 1 }) }, {}, ['room/1=1 a', '=1 b', 'room/2 c']],
  ] as [string, ScriptedClientOptions, object, string[]][])('%s', async (_, options, connect, expected) => {
    const { server, client } = await scene({ script: announcing({ topicAliasMaximum: 10 }), ...options, connect })
    await client.connect()
    await Promise.all([
      client.publish('room/1', 'a', { qos: 1 }),
      client.publish('room/1', 'b', { qos: 1 }),
      client.publish('room/2', 'c', { qos: 1 }),
    ])
    expect(sent(server)).toEqual(expected)
  })

  test('are those of one connection: what is sent again, and the first publish to each topic, carry the topic', async () => {
    const { server, client } = await scene({
      script: [
        { connack: { properties: { topicAliasMaximum: 10 } }, puback: false },
        { connack: { properties: { topicAliasMaximum: 1 }, sessionPresent: true } },
      ],
    })
    const interrupted = new Promise((resolve) => client.once('connectionInterrupted', resolve))
    await client.connect()
    const published = [
      client.publish('room/1', 'a', { qos: 1 }),
      client.publish('room/2', 'b', { qos: 2 }),
      client.publish('room/2', 'c', { qos: 1 }),
    ]
    await server.waitFor('publish', { count: 3 })
    server.kick()
    await interrupted
    published.push(
      client.publish('room/2', 'd'),
      client.publish('room/2', 'e', { qos: 1 }),
      client.publish('room/1', 'f', { qos: 1 }),
    )
    expect(await outcomes(published)).toEqual(['done', 'done', 'done', 'done', 'done', 'done'])
    expect(sent(server, 1)).toEqual(['room/1=1 a', 'room/2=2 b', '=2 c'])
    await client.publish('room/2', 'g', { qos: 1 })
    expect(sent(server, 2)).toEqual([
      'room/1 a dup',
      'room/2 b dup',
      'room/2 c dup',
      'room/2=1 d',
      '=1 e',
      'room/1 f',
      '=1 g',
    ])
  })

  test('a publish that leaves the outbox unsent assigns none', async () => {
    const { server, client } = await scene({
      script: announcing({ topicAliasMaximum: 10, receiveMaximum: 1 }, { delay: 20 }),
      outbox: { maxMessages: 2, overflow: 'drop-oldest' },
    })
    await client.connect()
    const abort = new AbortController()
    const published = [
      client.publish('room/1', 'a', { qos: 1 }),
      client.publish('room/2', 'aborted', { qos: 1, signal: abort.signal }),
      client.publish('room/3', 'superseded', { qos: 1, latest: true }),
    ]
    abort.abort()
    published.push(
      client.publish('room/3', 'dropped', { qos: 1, latest: true }),
      client.publish('room/2', 'b', { qos: 1 }),
      client.publish('room/3', 'c', { qos: 1 }),
    )
    expect(await outcomes(published)).toEqual([
      'done',
      'AbortError',
      'PublishSupersededError',
      'OutboxOverflowError',
      'done',
      'done',
    ])
    await client.publish('room/2', 'd', { qos: 1 })
    expect(sent(server)).toEqual(['room/1=1 a', 'room/2=2 b', 'room/3=3 c', '=2 d'])
  })

  test('the Maximum Packet Size is that of the packet with its topic, which may have to be sent again', async () => {
    const { server, client } = await scene({ script: announcing({ topicAliasMaximum: 10, maximumPacketSize: 60 }) })
    await client.connect()
    const topic = 'a/rather/long/topic'
    // 27 bytes besides the payload.
    const publish = (size: number) => client.publish(topic, 'x'.repeat(size), { qos: 1 })
    await publish(20)
    await publish(20)
    await publish(34)
    await expect(publish(35)).rejects.toThrow(NotSupportedByBrokerError)
    expect(sent(server).map((each) => each.split(' ')[0])).toEqual([`${topic}=1`, '=1', '=1'])
  })

  test('an alias among the properties of a publish is an error', async () => {
    const { client } = await scene({ script: announcing({ topicAliasMaximum: 10 }) })
    const properties = { topicAlias: 1 } as object
    await expect(client.publish('room/1', 'a', { properties })).rejects.toMatchObject({
      name: 'InvalidOptionError',
      message: 'properties.topicAlias is not an option of properties: see options.autoAssignTopicAlias',
    })
  })
})

describe('incoming topic aliases', () => {
  const received = async (
    options: ScriptedClientOptions,
    ...publishes: (readonly [topic: string, alias: number])[]
  ) => {
    const { server, client } = await scriptedClient({
      reconnect: { enabled: false },
      recovery: { enabled: false },
      ...options,
    })
    const got: string[] = []
    await client.connect()
    await client.subscribe('#', ({ topic, properties }) => got.push(`${topic} ${JSON.stringify(properties ?? {})}`))
      .ready
    for (const [topic, topicAlias] of publishes) server.publish(topic, 'x', { properties: { topicAlias } })
    await until(() => got.length === publishes.length || client.status.state === 'failed')
    const [connect] = server.received('connect')
    return { got, announced: connect?.properties?.topicAliasMaximum, failure: client.status.lastFailure }
  }

  test('with `topicAliasMaximum`, it is announced, and messages have their topics', async () => {
    const { got, announced } = await received(
      { connect: { topicAliasMaximum: 2 } },
      ['room/1', 1],
      ['room/2', 2],
      ['', 1],
      ['room/3', 1],
      ['', 1],
    )
    expect(announced).toBe(2)
    expect(got).toEqual(['room/1 {}', 'room/2 {}', 'room/1 {}', 'room/3 {}', 'room/3 {}'])
  })

  test.each([
    ['an alias although none is announced', {}, undefined, 1],
    ['an alias above the maximum', { topicAliasMaximum: 2 }, 2, 3],
  ])('%s breaks the rules', async (_, connect, expected, alias) => {
    const { got, announced, failure } = await received({ connect }, ['room/1', alias])
    expect(announced).toBe(expected)
    expect(got).toEqual([])
    expect(failure).toMatchObject({ kind: 'protocol', message: expect.stringContaining('Topic Alias') as string })
  })
})
