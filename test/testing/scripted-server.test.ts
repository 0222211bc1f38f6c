import mqttPacket from 'mqtt-packet'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { tls } from '../../measure/lab/tls-fixture.ts'
import { createScriptedServer, type ScriptedServerOptions } from '../../testing/index.ts'
import { startServer, protocolVersions } from '../support/servers.ts'
import { connect, connected, next } from './mqttjs-client.ts'

const listeners: [string, ScriptedServerOptions][] = [
  ['mqtt', { transport: 'tcp' }],
  ['mqtts', { transport: 'tcp', tls }],
  ['ws', { transport: 'ws' }],
  ['wss', { transport: 'ws', tls }],
]
const everywhere = listeners.flatMap(([scheme, options]) =>
  protocolVersions.map((version) => [scheme, version, options] as const),
)

describe('a server without a script is a correct broker', () => {
  test.each(everywhere)('on %s for protocol version %i', async (scheme, protocolVersion, options) => {
    const server = await startServer(options)
    expect(server.url).toBe(`${scheme}://127.0.0.1:${server.port}${options.transport === 'ws' ? '/mqtt' : ''}`)
    const client = await connected(server.url, { protocolVersion })

    const granted = await client.subscribeAsync({ a: { qos: 0 }, b: { qos: 1 }, c: { qos: 2 } })
    expect(granted.map(({ qos }) => qos)).toEqual([0, 1, 2])
    for (const qos of [0, 1, 2] as const) await client.publishAsync('up', `qos ${qos}`, { qos })
    await client.unsubscribeAsync('a')

    for (const qos of [0, 1, 2] as const) {
      const message = next(client, 'message')
      expect(server.publish('down', `qos ${qos}`, { qos })).toBe(1)
      expect(String((await message)[1])).toBe(`qos ${qos}`)
    }
    await server.waitFor('pubcomp')
    const pingresp = next(client, 'packetreceive')
    client.sendPing()
    expect((await pingresp)[0].cmd).toBe('pingresp')
    await client.endAsync()
    await server.waitFor(() => server.openSockets === 0)

    const [connection] = server.connections
    expect(connection?.packets.map(({ packet }) => packet.cmd)).toEqual(
      'connect subscribe publish publish publish pubrel unsubscribe puback pubrec pubcomp pingreq disconnect'.split(
        ' ',
      ),
    )
    expect(connection).toMatchObject({ isOpen: false, errors: [], ending: { by: 'client', how: 'disconnect' } })
    expect(connection?.connect).toMatchObject({ clientId: 'test', protocolVersion })
    expect(server.current).toBeUndefined()
  })

  test('that assigns client identifiers', async () => {
    const server = await startServer()
    const { client } = connect(server.url, { clientId: '', protocolVersion: 5 })
    const [connack] = await next(client, 'connect')
    expect(connack.properties).toMatchObject({ assignedClientIdentifier: 'client-1' })
  })
})

describe('the server records', () => {
  test('the packets of all connections with their time and type', async () => {
    const server = await startServer()
    const begun = Date.now()
    for (const clientId of ['a', 'b']) {
      const client = await connected(server.url, { clientId })
      await client.publishAsync(`from/${clientId}`, '1', { qos: 1 })
    }
    expect(server.received('publish').map(({ topic }) => topic)).toEqual(['from/a', 'from/b'])
    expect(server.connections.map((connection) => connection.received('connect')[0]?.clientId)).toEqual(['a', 'b'])
    const [first, second] = server.connections[0]?.packets ?? []
    expect(first?.at).toBeGreaterThanOrEqual(server.connections[0]?.openedAt ?? Infinity)
    expect(second?.at).toBeGreaterThanOrEqual(first?.at ?? Infinity)
    expect(first?.at).toBeGreaterThanOrEqual(begun)
    // `Date.now()` has no fractions of a millisecond.
    expect(second?.at).toBeLessThan(Date.now() + 1)
    expect(server.current?.n).toBe(2)
  })

  test.each(['fin', 'reset'] as const)('that a client ended its connection: %s', async (how) => {
    const server = await startServer()
    const client = await connected(server.url)
    const socket = client.stream as unknown as Socket
    if (how === 'fin') socket.destroy()
    else socket.resetAndDestroy()
    const ending = await server.waitFor(() => server.connections[0]?.ending)
    expect(ending).toMatchObject({ by: 'client', how })
  })

  test('the status with which a client closes its WebSocket', async () => {
    const server = await startServer({ transport: 'ws' })
    const socket = new WebSocket(server.url, ['mqtt'])
    await once(socket, 'open')
    socket.close(4_321)
    const ending = await server.waitFor(() => server.connections[0]?.ending)
    expect(ending).toMatchObject({ by: 'client', how: 'fin', status: 4_321 })
  })

  test('the highest number of publishes in flight', async () => {
    const server = await startServer({ script: { delay: 20 } })
    const client = await connected(server.url)
    const publishes = Array.from({ length: 6 }, (_, i) => client.publishAsync('a', '', { qos: i % 2 ? 1 : 2 }))
    await Promise.all(publishes)
    await client.publishAsync('a', '', { qos: 1 })
    expect(server.current?.mostInFlight).toBe(6)
  })
})

describe('waitFor', () => {
  test('resolves to packets that have arrived before, and to later ones', async () => {
    const server = await startServer()
    const third = server.waitFor('publish', { count: 3 })
    const client = await connected(server.url)
    for (const topic of ['a', 'b', 'c']) await client.publishAsync(topic, '', { qos: 1 })
    expect((await third).topic).toBe('c')
    expect((await server.waitFor('publish')).topic).toBe('a')
    expect(await server.waitFor(({ connections }) => connections[0]?.connect?.clientId)).toBe('test')
  })

  test('rejects after its timeout, with a summary of the received packets', async () => {
    const server = await startServer()
    await connected(server.url)
    await expect(server.waitFor('subscribe', { timeout: 10 })).rejects.toThrow(
      'Gave up after 10 ms waiting for subscribe. Connections: 1\n  #1 open: connect',
    )
    await expect(server.waitFor(() => false, { timeout: 10 })).rejects.toThrow('waiting for a condition')
  })

  test('rejects when the predicate throws or the server closes', async () => {
    const server = await startServer()
    const broken = server.waitFor(() => {
      throw new Error('broken predicate')
    })
    await expect(broken).rejects.toThrow('broken predicate')
    const waiting = server.waitFor('connect').catch((error: Error) => error.message)
    await server.close()
    expect(await waiting).toBe('Closed while waiting for connect. Connections: 0')
  })
})

describe('the server, controlled by a test,', () => {
  test('sends a packet to all connections or to one', async () => {
    const server = await startServer()
    const clients = [await connected(server.url, { clientId: 'a' }), await connected(server.url, { clientId: 'b' })]
    const all = clients.map((client) => next(client, 'packetreceive'))
    expect(server.send({ cmd: 'pingresp' })).toBe(2)
    expect((await Promise.all(all)).map(([packet]) => packet.cmd)).toEqual(['pingresp', 'pingresp'])

    const one = next(clients[0]!, 'message')
    server.connections[0]?.publish('only/a', 'x')
    expect((await one)[0]).toBe('only/a')
    expect(() => server.send({ cmd: 'suback', messageId: 1, granted: 'x' as never })).toThrow('Invalid qos vector')
  })

  test.each([
    ['close', 'close', { by: 'server', how: 'fin' }],
    ['reset', 'error ECONNRESET', { by: 'server', how: 'reset' }],
    [{ disconnect: { reasonCode: 0x8b } }, 'disconnect', { by: 'server', how: 'disconnect' }],
  ] as const)('ends all connections: %j', async (action, event, ending) => {
    const server = await startServer()
    const clients = ['a', 'b'].map((clientId) => connect(server.url, { clientId, protocolVersion: 5 }))
    await Promise.all(clients.map(({ client }) => next(client, 'connect')))
    expect(server.kick(action)).toBe(2)
    await Promise.all(clients.map(({ closed }) => closed))
    for (const { events } of clients) expect(events.slice(0, 2)).toEqual(['connect', event])
    await server.waitFor(() => server.openSockets === 0)
    expect(server.connections.map((connection) => connection.ending)).toMatchObject([ending, ending])
    expect(server.kick()).toBe(0)
  })

  test('destroys the connection of a client that does not answer a FIN', async () => {
    const server = await startServer()
    const socket = connectTcp({ port: server.port, allowHalfOpen: true }).resume()
    await server.waitFor(() => server.openSockets === 1)
    server.kick('close')
    await once(socket, 'end')
    const { how } = await server.waitFor(() => server.connections[0]?.ending)
    expect(how).toBe('fin')
    socket.destroy()
  })

  test('closes and listens again on the same port', async () => {
    const server = await startServer()
    const { url } = server
    const before = connect(url)
    await next(before.client, 'connect')
    await Promise.all([server.close(), server.close(), before.closed])
    expect([server.openSockets, server.connections[0]?.ending?.by]).toEqual([0, 'server'])
    const refused = connect(url)
    await refused.closed
    expect(refused.events).toEqual(['error ECONNREFUSED', 'close'])

    await Promise.all([server.listen(), server.listen()])
    expect(server.url).toBe(url)
    await connected(url)
    expect(server.current?.n).toBe(2)
  })

  test.for(['tcp', 'ws'] as const)('has an IPv6 address in brackets in its URL: %s', async (transport, { skip }) => {
    await using server = await createScriptedServer({ transport, host: '::1' }).catch(() => skip('no IPv6 here'))
    expect(new URL(server.url).host).toBe(`[::1]:${server.port}`)
  })

  test('rejects if the port is in use', async () => {
    const server = await startServer()
    await expect(createScriptedServer({ port: server.port })).rejects.toThrow('EADDRINUSE')
  })

  test('closes when it is disposed', async () => {
    const server = await createScriptedServer()
    const { closed, client } = connect(server.url)
    await next(client, 'connect')
    await server[Symbol.asyncDispose]()
    await closed
    expect(server.openSockets).toBe(0)
  })
})

describe('bytes that are not MQTT', () => {
  const connectPacket = mqttPacket.generate({ cmd: 'connect', clientId: 'raw', protocolVersion: 4, keepalive: 0 })

  test.each<[string, Buffer, string]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), ''],
    ['a forbidden packet type', Buffer.from([0, 0]), 'Not supported'],
    ['a length that does not end', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff]), 'Invalid variable byte integer'],
    ['an incomplete CONNECT', Buffer.from([0x10, 0x02, 0x00, 0x04]), ''],
    ['a packet before CONNECT', Buffer.from([0xc0, 0x00]), 'The first packet was pingreq, not connect'],
    ['a second CONNECT', Buffer.concat([connectPacket, connectPacket]), 'A second connect arrived'],
    ['a SUBSCRIBE without a filter', Buffer.concat([connectPacket, Buffer.from([0x82, 2, 0, 1])]), 'no topic filter'],
    ['an UNSUBSCRIBE without a filter', Buffer.concat([connectPacket, Buffer.from([0xa2, 2, 0, 1])]), ''],
  ])('%s: the error is recorded, and the connection is closed', async (_, bytes, message) => {
    const server = await startServer()
    const socket = connectTcp(server.port)
    socket.end(bytes)
    socket.resume()
    await once(socket, 'close')
    const connection = await server.waitFor(({ connections }) => connections.find(({ isOpen }) => !isOpen))
    expect(connection.errors.map((error) => error.message)).toEqual([expect.stringContaining(message)])
    await connected(server.url)
  })

  test('a failed TLS handshake is recorded, and the server continues', async () => {
    const server = await startServer({ tls })
    const socket = connectTcp(server.port)
    socket.end('this is no ClientHello')
    socket.resume()
    await once(socket, 'close')
    const [error] = await server.waitFor(({ connections }) => connections[0]?.errors)
    expect(error?.message).toMatch(/ssl|tls/i)
    await connected(server.url)
  })
})
