import { once } from 'node:events'
import type { IClientOptions, MqttClient } from 'mqtt'
import { describe, expect, test } from 'vitest'
import type { Behaviour, Ending, ScriptedServerOptions } from '../../src/testing/index.ts'
import { connect, connected, next, startServer, versions } from './helpers.ts'
import { tls } from './tls-fixture.ts'

describe('how the connection ends', () => {
  type Fault = [string, Behaviour, string[], Partial<Ending>, ScriptedServerOptions?]
  const publish = { at: 'publish' } as const
  const byServer = { by: 'server' } as const
  const faults: Fault[] = [
    ['FIN on accept', { steps: [{ at: 'accept', do: 'close' }] }, ['close'], { ...byServer, how: 'fin' }],
    ['RST on accept', { steps: [{ at: 'accept', do: 'reset' }] }, ['error ECONNRESET', 'close'], { how: 'reset' }],
    ['FIN on CONNECT', { steps: [{ at: 'connect', do: 'close' }] }, ['close'], { ...byServer, how: 'fin' }],
    ['RST on CONNECT', { steps: [{ at: 'connect', do: 'reset' }] }, ['error ECONNRESET', 'close'], { how: 'reset' }],
    ['FIN after CONNACK', { steps: [{ at: 'connack', do: 'close' }] }, ['connect', 'close'], { how: 'fin' }],
    [
      'FIN some time after a PUBLISH',
      { steps: [{ at: 'publish', topic: 'hot/2', after: 10, do: 'close' }] },
      ['connect', 'puback cold', 'puback hot/1', 'close'],
      { ...byServer, how: 'fin' },
    ],
    ['FIN on PUBLISH', { steps: [{ ...publish, do: 'close' }] }, ['connect', 'close'], { how: 'fin' }],
    [
      'RST on the second PUBLISH to a topic',
      { steps: [{ ...publish, topic: 'hot/+', nth: 2, do: 'reset' }] },
      ['connect', 'puback cold', 'puback hot/1', 'error ECONNRESET', 'close'],
      { how: 'reset' },
    ],
    [
      'RST over TLS',
      { steps: [{ at: 'connack', do: 'reset' }] },
      ['connect', 'error ECONNRESET', 'close'],
      { how: 'reset' },
      { tls },
    ],
    ['RST of a WebSocket', { steps: [{ at: 'connect', do: 'reset' }] }, ['close'], { how: 'reset' }, { transport: 'ws' }],
    [
      'WebSocket status',
      { steps: [{ at: 'connack', do: { close: 1_013, reason: 'busy' } }] },
      ['connect', 'close'],
      { ...byServer, how: 'fin', status: 1_013 },
      { transport: 'ws' },
    ],
    [
      'function',
      { steps: [{ at: 'publish', nth: 2, do: (connection, { topic }) => topic === 'hot/1' && connection.close() }] },
      ['connect', 'puback cold', 'close'],
      { how: 'fin' },
    ],
  ]

  test.each(faults)('%s', async (_, script, expected, ending, options = {}) => {
    const server = await startServer({ ...options, script })
    const { client, events, closed } = connect(server.url, { protocolVersion: 5 })
    client.once('connect', () => {
      for (const topic of ['cold', 'hot/1', 'hot/2']) {
        client.publish(topic, '', { qos: 1 }, (error) => error || events.push(`puback ${topic}`))
      }
    })
    await closed
    // MQTT.js tells of one TLS failure twice.
    expect(events.filter((event, i) => event !== events[i - 1])).toEqual(expected)
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject(ending)
    await server.waitFor(() => server.openSockets === 0)
  })

  test.each(['tcp', 'ws'] as const)('a black hole on %s never answers', async (transport) => {
    for (const script of [{ connack: false }, { steps: [{ at: 'accept', do: 'ignore' }] }] satisfies Behaviour[]) {
      const server = await startServer({ transport, script })
      const { events, closed } = connect(server.url, { connectTimeout: 50 })
      await closed
      expect(events).toEqual(['error connack timeout', 'close'])
      await server.waitFor(() => server.openSockets === 0)
    }
  })

  test.each([401, 403, 503])('answers %i to the WebSocket upgrade', async (status) => {
    const server = await startServer({ transport: 'ws', script: { upgradeStatus: status } })
    const { client, closed } = connect(server.url)
    const [error] = await once(client.stream, 'error')
    await closed
    expect(error.message).toBe(`Unexpected server response: ${status}`)
  })
})

describe('CONNACK', () => {
  test.each([
    [4, 1],
    [4, 3],
    [4, 5],
    [5, 0x87],
    [5, 0x89],
  ] as const)('to version %i refuses with %i', async (protocolVersion, reasonCode) => {
    const properties = { reasonString: 'because', serverReference: 'other:1883' }
    const server = await startServer({ script: { connack: { reasonCode, properties } } })
    const { client, events, closed } = connect(server.url, { protocolVersion })
    const [connack] = await next(client, 'packetreceive')
    await closed
    expect(events).toEqual([`error ${reasonCode}`, 'close'])
    expect(connack.properties).toEqual(protocolVersion === 5 ? properties : undefined)
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject({ by: 'server', how: 'fin' })
  })

  test('carries the limits of the server', async () => {
    const properties = {
      receiveMaximum: 20,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: 1_000,
      assignedClientIdentifier: 'given',
      serverKeepAlive: 7,
    }
    const server = await startServer({ script: { connack: { sessionPresent: true, properties } } })
    const { client } = connect(server.url, { protocolVersion: 5, clean: false })
    const [connack] = await next(client, 'connect')
    expect(connack).toMatchObject({ sessionPresent: true, properties })
    const [granted] = await client.subscribeAsync('a', { qos: 2 })
    expect(granted?.qos).toBe(1)
  })

  test('may depend on the CONNECT', async () => {
    const server = await startServer({
      script: { connack: ({ password }) => ({ reasonCode: String(password) === 'good' ? 0 : 4 }) },
    })
    const bad = connect(server.url, { username: 'u', password: 'bad' })
    await bad.closed
    expect(bad.events).toEqual(['error 4', 'close'])
    await connected(server.url, { username: 'u', password: 'good' })
  })
})

describe('DISCONNECT', () => {
  const disconnect = { reasonCode: 0x9c, reasonString: 'moved', serverReference: 'other:1883' }

  test.each([true, false])('from the server, then closes: %s', async (close) => {
    const server = await startServer({ script: { steps: [{ at: 'connack', do: { disconnect, close } }] } })
    const { client, closed } = connect(server.url, { protocolVersion: 5 })
    const [packet] = await next(client, 'disconnect')
    const { reasonCode, ...properties } = disconnect
    expect(packet).toMatchObject({ reasonCode, properties })
    if (close) await closed
    else await client.publishAsync('still/alive', '', { qos: 1 })
    await server.waitFor(() => server.openSockets === (close ? 0 : 1))
  })

  test('does not exist in 3.1.1: it only closes', async () => {
    const server = await startServer({ script: { steps: [{ at: 'connack', do: { disconnect } }] } })
    const { events, closed } = connect(server.url, { protocolVersion: 4 })
    await closed
    expect(events).toEqual(['connect', 'close'])
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject({ by: 'server', how: 'fin' })
  })
})

describe('acks', () => {
  async function outcomes(client: MqttClient, topics: string[], qos: 1 | 2 = 1) {
    const settled = await Promise.allSettled(topics.map((topic) => client.publishAsync(topic, '', { qos })))
    return settled.map((result) => (result.status === 'fulfilled' ? 0 : Number(result.reason.code)))
  }

  test.each([1, 2] as const)('carry a reason code by topic at QoS %i', async (qos) => {
    const server = await startServer({ script: { puback: { 'poison/#': 0x99, 'full/+/x': 0x97 } } })
    const client = await connected(server.url, { protocolVersion: 5 })
    const topics = ['fine', 'poison', 'poison/a/b', 'full/1/x', 'full/1/y']
    expect(await outcomes(client, topics, qos)).toEqual([0, 0x99, 0x99, 0x97, 0])
  })

  test('by a function', async () => {
    const server = await startServer({ script: { puback: ({ payload }) => (payload.length > 0 ? 0x87 : 0) } })
    const client = await connected(server.url, { protocolVersion: 5 })
    expect(await outcomes(client, ['a'])).toEqual([0])
    await expect(client.publishAsync('a', 'long', { qos: 1 })).rejects.toMatchObject({ code: 0x87 })
  })

  test.each<[string, Behaviour]>([
    ['none at all', { puback: false }],
    ['none for a topic', { puback: { lost: false } }],
    ['by a step', { steps: [{ at: 'publish', topic: 'lost', do: 'ignore' }] }],
  ])('are missing: %s', async (_, script) => {
    const server = await startServer({ script })
    const client = await connected(server.url)
    let acked = false
    client.publish('lost', '', { qos: 1 }, () => (acked = true))
    await server.waitFor('publish')
    await client.subscribeAsync('a')
    expect(acked).toBe(false)
  })

  test('are delayed and pipelined', async () => {
    const server = await startServer({ script: { delay: 20 } })
    const client = await connected(server.url)
    const start = performance.now()
    await outcomes(client, Array.from({ length: 50 }, (_, i) => `t/${i}`))
    const took = performance.now() - start
    expect(took).toBeGreaterThanOrEqual(19)
    expect(took).toBeLessThan(50 * 20)
  })

  test.each(versions)('SUBACK refuses by filter for version %i', async (protocolVersion) => {
    const server = await startServer({ script: { suback: { 'secret/#': 0x87, 'one/+': 1 } } })
    const client = await connected(server.url, { protocolVersion })
    const suback = new Promise<unknown>((resolve) => {
      client.on('packetreceive', (packet) => packet.cmd === 'suback' && resolve(packet.granted))
    })
    client.subscribe({ a: { qos: 2 }, 'secret/#': { qos: 2 }, 'one/+': { qos: 2 } })
    expect(await suback).toEqual([2, protocolVersion === 5 ? 0x87 : 0x80, 1])
  })

  test('no SUBACK', async () => {
    const server = await startServer({ script: { suback: false } })
    const client = await connected(server.url)
    let subacked = false
    client.subscribe('a', () => (subacked = true))
    await server.waitFor('subscribe')
    await client.publishAsync('a', '', { qos: 1 })
    expect(subacked).toBe(false)
  })

  test('no PINGRESP', async () => {
    const server = await startServer({ script: { pingresp: false } })
    const { events, closed } = connect(server.url, { keepalive: 1 })
    await closed
    expect(events).toEqual(['connect', 'error Keepalive timeout', 'close'])
    expect(server.received('pingreq')).toHaveLength(1)
  })
})

describe('bytes', () => {
  test.each<[string, Behaviour]>([
    ['malformed', { steps: [{ at: 'connack', do: 'malformed' }] }],
    ['given', { steps: [{ at: 'connack', do: { bytes: Buffer.from([0xf1, 0x00]) } }] }],
  ])('%s make the client complain and stay', async (_, script) => {
    const server = await startServer({ script })
    const { client } = connect(server.url)
    const error = new Promise((resolve) => client.once('error', resolve))
    expect(await error).toBeInstanceOf(Error)
    expect(server.openSockets).toBe(1)
  })

  test('a packet in place of the answer', async () => {
    const early = { cmd: 'publish', topic: 'early', payload: 'x', qos: 0, dup: false, retain: false } as const
    const server = await startServer({ script: { steps: [{ at: 'subscribe', do: { send: early } }] } })
    const client = await connected(server.url)
    client.subscribe('a')
    expect((await next(client, 'message'))[0]).toBe('early')
  })
})

describe('scripts', () => {
  const results = async (url: string, times: number) => {
    const seen: string[] = []
    for (let i = 0; i < times; i++) {
      const { client, events } = connect(url, { clientId: `c${i}` })
      await Promise.race([next(client, 'connect'), next(client, 'error')])
      seen.push(String(events[0]))
    }
    return seen
  }
  const refuse = (reasonCode: number): Behaviour => ({ connack: { reasonCode } })

  test('a list is consumed, its last entry repeats', async () => {
    const server = await startServer({ script: [refuse(3), refuse(5), {}] })
    expect(await results(server.url, 4)).toEqual(['error 3', 'error 5', 'connect', 'connect'])
  })

  test('a function chooses by number', async () => {
    const server = await startServer({ script: (connection, n) => (n % 2 ? refuse(n) : {}) })
    expect(await results(server.url, 4)).toEqual(['error 1', 'connect', 'error 3', 'connect'])
  })

  test('another script starts afresh', async () => {
    const server = await startServer({ script: [refuse(3), {}] })
    expect(await results(server.url, 3)).toEqual(['error 3', 'connect', 'connect'])
    server.setScript([refuse(5), {}])
    expect(await results(server.url, 2)).toEqual(['error 5', 'connect'])
  })

  test('the behaviour of a live connection can be replaced', async () => {
    const server = await startServer({ script: { puback: false } })
    const client = await connected(server.url)
    let acked = false
    client.publish('first', '', { qos: 1 }, () => (acked = true))
    await server.waitFor('publish')
    server.current!.behaviour = {}
    await client.publishAsync('second', '', { qos: 1 })
    expect(acked).toBe(false)
  })

  test.each<IClientOptions>([{ protocolVersion: 4 }, { protocolVersion: 5 }])('flapping %j', async (options) => {
    const server = await startServer({ script: { steps: [{ at: 'subscribe', do: 'reset' }] } })
    for (let i = 1; i <= 5; i++) {
      const { client, closed } = connect(server.url, options)
      client.subscribe('a')
      await closed
      await server.waitFor(() => server.openSockets === 0 && server.connections.length === i)
    }
    expect(server.received('subscribe')).toHaveLength(5)
  })
})
