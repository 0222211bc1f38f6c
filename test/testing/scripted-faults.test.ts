import { once } from 'node:events'
import { describe, expect, test } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import type { Behaviour, Ending, ScriptedServerOptions } from '../../testing/index.ts'
import { startServer } from '../support/servers.ts'
import { connect, connected, next } from './mqttjs-client.ts'

describe('the end of a connection', () => {
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
      'FIN with a delay after a PUBLISH',
      { steps: [{ at: 'publish', topic: 'hot/2', after: 10, do: 'close' }] },
      ['connect', 'puback cold', 'puback hot/1', 'close'],
      { ...byServer, how: 'fin' },
    ],
    ['FIN on PUBLISH', { steps: [{ ...publish, do: 'close' }] }, ['connect', 'close'], { how: 'fin' }],
    // With a delay: libuv reports an RST that arrives together with data as an ordinary end.
    [
      'RST on the second PUBLISH to a topic',
      { steps: [{ ...publish, topic: 'hot/+', nth: 2, after: 10, do: 'reset' }] },
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
    [
      'RST of a WebSocket',
      { steps: [{ at: 'connect', do: 'reset' }] },
      ['close'],
      { how: 'reset' },
      { transport: 'ws' },
    ],
    [
      'close of a WebSocket with a status',
      { steps: [{ at: 'connack', do: { close: 1_013, reason: 'busy' } }] },
      ['connect', 'close'],
      { ...byServer, how: 'fin', status: 1_013 },
      { transport: 'ws' },
    ],
    [
      'FIN by a function',
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
    // MQTT.js reports a TLS failure twice.
    expect(events.filter((event, i) => event !== events[i - 1])).toEqual(expected)
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject(ending)
    await server.waitFor(() => server.openSockets === 0)
  })

  test.each(['tcp', 'ws'] as const)('a server without answers makes the client give up: %s', async (transport) => {
    for (const script of [{ connack: false }, { steps: [{ at: 'accept', do: 'ignore' }] }] satisfies Behaviour[]) {
      const server = await startServer({ transport, script })
      const { events, closed } = connect(server.url, { connectTimeout: 50 })
      await closed
      expect(events).toEqual(['error connack timeout', 'close'])
      await server.waitFor(() => server.openSockets === 0)
    }
  })

  test.each([401, 403, 503])('is an answer %i to the WebSocket upgrade', async (status) => {
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
  ] as const)('refuses version %i with reason code %i', async (protocolVersion, reasonCode) => {
    const properties = { reasonString: 'because', serverReference: 'other:1883' }
    const server = await startServer({ script: { connack: { reasonCode, properties } } })
    const { client, events, closed } = connect(server.url, { protocolVersion })
    const [connack] = await next(client, 'packetreceive')
    await closed
    expect(events).toEqual([`error ${reasonCode}`, 'close'])
    expect('properties' in connack && connack.properties).toEqual(protocolVersion === 5 && properties)
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

  test('can depend on the CONNECT', async () => {
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

  test.each([true, false])('is sent by the server; the connection is then closed: %s', async (close) => {
    const server = await startServer({ script: { steps: [{ at: 'connack', do: { disconnect, close } }] } })
    const { client, closed } = connect(server.url, { protocolVersion: 5 })
    const [packet] = await next(client, 'disconnect')
    const { reasonCode, ...properties } = disconnect
    expect(packet).toMatchObject({ reasonCode, properties })
    if (close) await closed
    else await client.publishAsync('still/alive', '', { qos: 1 })
    await server.waitFor(() => server.openSockets === (close ? 0 : 1))
  })

  test('is only a close in MQTT 3.1.1, in which a server cannot send the packet', async () => {
    const server = await startServer({ script: { steps: [{ at: 'connack', do: { disconnect } }] } })
    const { events, closed } = connect(server.url, { protocolVersion: 4 })
    await closed
    expect(events).toEqual(['connect', 'close'])
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject({ by: 'server', how: 'fin' })
  })
})

describe('invalid input for the client', () => {
  test.each<[string, Behaviour]>([
    ['a malformed packet', { steps: [{ at: 'connack', do: 'malformed' }] }],
    ['bytes from the script', { steps: [{ at: 'connack', do: { bytes: Buffer.from([0xf1, 0x00]) } }] }],
  ])('%s: the client reports an error, and the connection stays open', async (_, script) => {
    const server = await startServer({ script })
    const { client } = connect(server.url)
    const error = new Promise((resolve) => client.once('error', resolve))
    expect(await error).toBeInstanceOf(Error)
    expect(server.openSockets).toBe(1)
  })

  test('a packet instead of the answer', async () => {
    const early = { cmd: 'publish', topic: 'early', payload: 'x', qos: 0, dup: false, retain: false } as const
    const server = await startServer({ script: { steps: [{ at: 'subscribe', do: { send: early } }] } })
    const client = await connected(server.url)
    client.subscribe('a')
    expect((await next(client, 'message'))[0]).toBe('early')
  })
})
