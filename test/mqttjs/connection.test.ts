import type { IClientOptions } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { startServer } from '../support/servers.ts'
import { both, called, next, open, opened } from './both.ts'

const version5: IClientOptions = { protocolVersion: 5 }

describe.each(both)('$name', ({ mqtt }) => {
  test('connects by itself, and passes the CONNACK to the event', async () => {
    const server = await startServer({})
    const { client, events } = open(mqtt, server.url)
    expect([client.connected, client.reconnecting, client.disconnecting]).toEqual([false, false, false])
    const [connack] = await next(client, 'connect')
    expect(connack).toMatchObject({ cmd: 'connack', sessionPresent: false, returnCode: 0 })
    expect([client.connected, client.reconnecting, client.disconnecting]).toEqual([true, false, false])
    expect(events).toEqual(['connect'])
  })

  test.each<[string, (url: URL) => [string | IClientOptions, IClientOptions?]]>([
    ['a URL', ({ href }) => [href]],
    ['a URL and options', ({ host }) => [`tcp://${host}`, { clean: true }]],
    ['options alone', ({ hostname, port }) => [{ host: hostname, port: Number(port), protocol: 'mqtt' }]],
    ['options without a protocol', ({ hostname, port }) => [{ host: hostname, port: Number(port) }]],
    ['a list of servers', ({ hostname, port }) => [{ servers: [{ host: hostname, port: Number(port) }] }]],
  ])('takes the server from %s', async (_, argumentsFor) => {
    const server = await startServer({})
    const [first, options] = argumentsFor(new URL(server.url))
    const client = mqtt.connect(first as string, options)
    await next(client, 'connect')
    expect(server.received('connect')).toHaveLength(1)
    await client.endAsync(true)
  })

  test.each<[string, string | IClientOptions, IClientOptions | undefined, string]>([
    ['a protocol', 'no-url', {}, 'Missing protocol'],
    ['a clientId for clean: false', 'mqtt://localhost', { clean: false }, 'Missing clientId for unclean clients'],
  ])('throws without %s', (_, url, options, message) => {
    expect(() => mqtt.connect(url as string, options)).toThrow(message)
  })

  test('sends what the options say in the CONNECT', async () => {
    const server = await startServer({})
    const will = { topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: true } as const
    const url = server.url.replace('//', '//me:pass%20word@')
    open(mqtt, url, { clientId: 'device', clean: false, keepalive: 7, username: 'not me', will })
    const connect = await server.waitFor('connect')
    expect(connect).toMatchObject({
      clientId: 'device',
      clean: false,
      keepalive: 7,
      username: 'me',
      protocolVersion: 4,
    })
    expect(connect.will).toMatchObject(will)
    expect(String(connect.password)).toBe('pass word')
  })

  test('sends the properties of MQTT 5 in the CONNECT', async () => {
    const server = await startServer({})
    const properties = {
      sessionExpiryInterval: 300,
      receiveMaximum: 10,
      maximumPacketSize: 10_000,
      topicAliasMaximum: 5,
      requestResponseInformation: true,
      userProperties: { a: 'b' },
    }
    const will = { topic: 'gone', payload: Buffer.from(''), qos: 0, retain: false } as const
    const willProperties = { willDelayInterval: 9, contentType: 'x' }
    open(mqtt, server.url, { ...version5, properties, will: { ...will, properties: willProperties } })
    const connect = await server.waitFor('connect')
    expect(connect.properties).toMatchObject(properties)
    expect(connect.will?.properties).toMatchObject(willProperties)
  })

  test.each<[object, object]>([
    [{ keepalive: null }, { keepalive: 0, clean: true }],
    [{ clean: null }, { keepalive: 60, clean: false }],
    [{ protocolVersion: null }, { protocolVersion: 4 }],
    [{ ...version5, properties: null }, { protocolVersion: 5 }],
    [{ will: { topic: 'a', payload: 'b', qos: null, retain: null } }, { will: { topic: 'a', qos: 0, retain: false } }],
    [{ ca: null, key: null, servername: null, rejectUnauthorized: null }, { protocolVersion: 4 }],
  ])('takes null, as in %j', async (options, expected) => {
    const server = await startServer({})
    open(mqtt, server.url, options)
    expect(await server.waitFor('connect')).toMatchObject(expected)
  })

  test('has the properties of the CONNACK, and the keep alive of the server', async () => {
    const connack = { properties: { serverKeepAlive: 20, topicAliasMaximum: 5 } }
    const server = await startServer({ script: [{ connack }, {}] })
    const { client } = await opened(mqtt, server.url, { ...version5, keepalive: 60 })
    expect(client.serverProperties).toMatchObject(connack.properties)
    expect(client.keepalive).toBe(20)
    server.kick()
    await next(client, 'close')
    expect([client.serverProperties, client.keepalive]).toEqual([undefined, 60])
    await next(client, 'connect')
    expect(client.keepalive).toBe(60)
  })

  test('reads client.options for each connection', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url, { username: 'first' })
    client.options.username = 'second'
    server.kick()
    await next(client, 'connect')
    expect(server.received('connect').map(({ username }) => username)).toEqual(['first', 'second'])
  })

  test('tells of a lost connection and of attempts that fail', async () => {
    const server = await startServer({})
    const { client, events } = await opened(mqtt, server.url)
    await server.close()
    await next(client, 'close')
    expect([client.connected, client.reconnecting]).toEqual([false, true])
    await next(client, 'close')
    await server.listen()
    await next(client, 'connect')
    expect([client.connected, client.reconnecting]).toEqual([true, false])
    const attempt = ['reconnect', 'error: connect ECONNREFUSED 127.0.0.1', 'close']
    expect(events.slice(0, 6)).toEqual(['connect', 'offline', 'close', ...attempt])
    expect(events.slice(-2)).toEqual(['reconnect', 'connect'])
  })

  test('has a stream at once, whose listeners hear of the first connection', async () => {
    const server = await startServer({})
    const { client } = open(mqtt, server.url)
    const heard: string[] = []
    client.stream.on('close', () => void heard.push('stream closed'))
    client.stream.once('error', () => void heard.push('stream failed'))
    await next(client, 'connect')
    server.kick()
    await next(client, 'connect')
    server.kick()
    await next(client, 'close')
    expect(heard).toEqual(['stream closed'])
  })

  test('has a stream at once, whose listeners hear of the first attempt', async () => {
    const server = await startServer({})
    await server.close()
    const { client } = open(mqtt, server.url)
    const heard: string[] = []
    client.stream.on('error', ({ message }) => void heard.push(message))
    client.stream.on('close', () => void heard.push('closed'))
    await next(client, 'close')
    await next(client, 'close')
    expect(heard).toEqual([expect.stringContaining('ECONNREFUSED'), 'closed'])
  })

  test('gives errors of a socket their code', async () => {
    const server = await startServer({})
    await server.close()
    const { client } = open(mqtt, server.url)
    expect(await next(client, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  })

  test('does not throw without a listener for errors', async () => {
    const server = await startServer({})
    await server.close()
    const client = mqtt.connect(server.url, { reconnectPeriod: 0 })
    await next(client, 'close')
    expect(client.connected).toBe(false)
    await client.endAsync(true)
  })

  test('stops when the broker refuses the login', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 5 } } })
    const { client, events } = open(mqtt, server.url)
    const [[error]] = await Promise.all([next(client, 'error'), next(client, 'close')])
    expect(error).toBeInstanceOf(mqtt.ErrorWithReasonCode)
    expect(error).toMatchObject({ message: 'Connection refused: Not authorized', code: 5 })
    expect(client.reconnecting).toBe(false)
    expect(events).toEqual(['error: Connection refused: Not authorized', 'close'])
  })

  test('goes on after that with reconnectOnConnackError', async () => {
    const server = await startServer({ script: [{ connack: { reasonCode: 0x87 } }, {}] })
    const { client } = open(mqtt, server.url, { ...version5, reconnectOnConnackError: true })
    expect(await next(client, 'error')).toMatchObject([{ code: 0x87 }])
    await next(client, 'connect')
  })

  test('connects to the next one of the servers', async () => {
    const [down, up] = [await startServer({}), await startServer({})]
    await down.close()
    const servers = [down, up].map(({ port }) => ({ host: '127.0.0.1', port }))
    const { client } = open(mqtt, undefined as never, { servers, protocol: 'mqtt' })
    await next(client, 'connect')
    expect(up.received('connect')).toHaveLength(1)
  })

  test('passes the DISCONNECT of the broker to an event', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url, version5)
    server.kick({ disconnect: { reasonCode: 0x8b, reasonString: 'later' } })
    const [packet] = await next(client, 'disconnect')
    expect(packet).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'later' } })
  })

  test('waits for connect() with manualConnect', async () => {
    const server = await startServer({})
    const { client } = open(mqtt, server.url, { manualConnect: true })
    await Promise.resolve()
    expect(server.openSockets).toBe(0)
    expect(client.connect()).toBe(client)
    await next(client, 'connect')
  })

  test.each([0, null as never])('does not reconnect by itself with reconnectPeriod: %s', async (reconnectPeriod) => {
    const server = await startServer({})
    const { client, events } = await opened(mqtt, server.url, { reconnectPeriod })
    server.kick()
    await next(client, 'close')
    expect(client.reconnecting).toBe(false)
    expect(events).toEqual(['connect', 'close'])
    client.reconnect()
    await next(client, 'connect')
    expect(events).toEqual(['connect', 'close', 'reconnect', 'connect'])
  })

  test('transforms the URL of a WebSocket for each connection', async () => {
    const server = await startServer({ transport: 'ws' })
    const urls: string[] = []
    const transformWsUrl: IClientOptions['transformWsUrl'] = (url, options, each) => {
      urls.push(url)
      each.options.username = `user ${urls.length}`
      return `${url}?token=${options.clientId}`
    }
    const { client } = await opened(mqtt, server.url, { transformWsUrl })
    server.kick()
    await next(client, 'connect')
    expect(urls).toEqual([server.url, server.url])
    expect(server.received('connect').map(({ username }) => username)).toEqual(['user 1', 'user 2'])
  })

  test('creates WebSockets by createWebsocket', async () => {
    const server = await startServer({ transport: 'ws' })
    const urls: string[] = []
    const createWebsocket: IClientOptions['createWebsocket'] = (url, protocols) => {
      urls.push(url)
      return new WebSocket(url, protocols, { headers: { 'x-token': 'secret' } })
    }
    await opened(mqtt, server.url, { createWebsocket })
    expect(urls).toEqual([server.url])
  })

  test('ends gracefully', async () => {
    const server = await startServer({})
    const { client, events } = await opened(mqtt, server.url)
    const ended = called((callback) => client.end(callback as () => void))
    expect(client.disconnecting).toBe(true)
    expect((await ended).filter(Boolean)).toEqual([])
    expect([client.connected, client.disconnected]).toEqual([false, true])
    expect(events).toEqual(['connect', 'close', 'end'])
    expect(server.received('disconnect')).toHaveLength(1)
  })

  test('ends after what is under way', async () => {
    const server = await startServer({ script: { delay: 5 } })
    const { client } = await opened(mqtt, server.url)
    const order: string[] = []
    client.on('outgoingEmpty', () => void order.push('outgoingEmpty'))
    client.publish('a', 'b', { qos: 1 }, () => void order.push('published'))
    await client.endAsync()
    expect(order).toEqual(['published', 'outgoingEmpty'])
  })

  test('ends after what was published when it connected', async () => {
    const server = await startServer({})
    const { client, events } = open(mqtt, server.url)
    const told: unknown[] = []
    client.once('connect', () => {
      client.subscribe('a')
      for (const qos of [0, 1, 2] as const) client.publish('a', '', { qos }, (error) => void told.push(error ?? qos))
      client.end()
    })
    await next(client, 'end')
    expect(new Set(told)).toEqual(new Set([0, 1, 2]))
    expect(events).toEqual(['connect', 'close', 'end'])
  })

  test('refuses calls once it is being ended', async () => {
    const server = await startServer({})
    const { client, events } = await opened(mqtt, server.url)
    client.end()
    await expect(client.publishAsync('a', 'b')).rejects.toThrow('client disconnecting')
    await expect(client.subscribeAsync('a')).rejects.toThrow('client disconnecting')
    await expect(client.unsubscribeAsync('a')).rejects.toThrow('client disconnecting')
    client.publish('a', 'b')
    expect(events).toContain('error: client disconnecting')
    expect(await called((callback) => client.end(callback as () => void))).toEqual([])
  })

  test('sends the fields of end() in the DISCONNECT', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url, { ...version5, properties: { sessionExpiryInterval: 60 } })
    const properties = { sessionExpiryInterval: 10, userProperties: { a: 'b' } }
    await client.endAsync(false, { reasonCode: 4, properties })
    expect(server.received('disconnect')).toMatchObject([{ reasonCode: 4, properties }])
  })

  test('connects again after end()', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url)
    await client.endAsync()
    client.reconnect()
    await next(client, 'connect')
    expect([client.connected, client.disconnecting]).toEqual([true, false])
  })

  test('connects again if reconnect() is called while it ends', async () => {
    const server = await startServer({})
    const { client } = await opened(mqtt, server.url)
    client.end()
    client.reconnect()
    await next(client, 'connect')
    expect(server.received('connect')).toHaveLength(2)
  })

  test('resolves connectAsync when it is connected', async () => {
    const server = await startServer({})
    const client = await mqtt.connectAsync(server.url)
    expect(client.connected).toBe(true)
    await client.endAsync(true)
  })

  test('rejects connectAsync with the first error', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 4 } } })
    await expect(mqtt.connectAsync(server.url)).rejects.toMatchObject({ code: 4 })
  })

  test('rejects connectAsync without retries when the server closes', async () => {
    const server = await startServer({ script: { steps: [{ at: 'accept', do: 'close' }] } })
    await expect(mqtt.connectAsync(server.url, {}, false)).rejects.toThrow("Couldn't connect to server")
  })

  test('takes a stream of the application', async () => {
    const server = await startServer({})
    const { connect } = await import('node:net')
    const client = new mqtt.MqttClient(() => connect(server.port, '127.0.0.1'), { reconnectPeriod: 0 })
    await next(client, 'connect')
    expect(server.received('connect')).toHaveLength(1)
    await client.endAsync(true)
  })

  test('continues enhanced authentication by handleAuth', async () => {
    const server = await startServer({
      script: { auth: ({ n }) => (n === 1 ? { challenge: 'who?' } : { success: '' }) },
    })
    const properties = { authenticationMethod: 'asking', authenticationData: Buffer.from('hi') }
    const { client } = open(mqtt, server.url, { ...version5, properties })
    client.handleAuth = ({ properties: asked }, callback) => {
      const authenticationData = Buffer.from(`${String(asked?.authenticationData)} me`)
      const answer = { authenticationMethod: 'asking', authenticationData }
      callback(undefined, { cmd: 'auth', reasonCode: 0x18, properties: answer })
    }
    await next(client, 'connect')
    expect(server.received('auth')).toMatchObject([{ properties: { authenticationData: Buffer.from('who? me') } }])
  })
})
