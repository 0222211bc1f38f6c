import { Agent } from 'node:http'
import { connect, createServer, Socket } from 'node:net'
import { join as joinPath } from 'node:path'
import { Duplex, PassThrough } from 'node:stream'
import { SocksClient } from 'socks'
import { describe, expect, test } from 'vitest'

import {
  type ClientEvents,
  describeFailure,
  type Failure,
  type ResilientMqttClient,
  type ResilientMqttClientOptions,
  type SocketSource,
  type Subscription,
} from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { everywhere, schemes, serve, startServer, trusting, type Scheme } from '../support/servers.ts'
import { join, listen, startSocksServer } from '../support/socks-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const once = { reconnect: { enabled: false }, recovery: { enabled: false } } as const

/** Opens sockets through a SOCKS 5 proxy, as in docs/proxies.md. */
function throughSocks(port: number): SocketSource {
  return async ({ host, port: destination, signal }) => {
    const { socket } = await SocksClient.createConnection({
      command: 'connect',
      proxy: { host: '127.0.0.1', port, type: 5 },
      destination: { host, port: destination },
    })
    signal.throwIfAborted()
    return socket
  }
}

function errorsOf(client: ResilientMqttClient): ClientEvents['error'][] {
  const errors: ClientEvents['error'][] = []
  client.on('error', (event) => void errors.push(event))
  return errors
}

function raise(thrown: unknown): never {
  throw thrown
}

/** A client of a server that is reached at `localhost:7` only through a SOCKS proxy. */
async function scene(scheme: Scheme, options: Partial<ResilientMqttClientOptions>, protocolVersion: 4 | 5) {
  const server = await serve(scheme)
  const proxy = await startSocksServer((host) => (host === 'localhost' ? server.port : { error: 4 }))
  const url = `${scheme}://localhost:7${scheme.startsWith('ws') ? '/mqtt' : ''}`
  const connectOptions = { ...trusting, protocolVersion, socket: throughSocks(proxy.port) }
  return { server, proxy, ...startClient({ url, ...options, options: connectOptions }) }
}

test.each(everywhere)('a SOCKS proxy carries $scheme with MQTT $version', async ({ scheme, version }) => {
  const { server, proxy, client, next } = await scene(scheme, atOnce, version)
  const texts: string[] = []
  client.subscribe('a', (message) => void texts.push(message.text()))
  await client.connect()
  await client.publish('b', 'x'.repeat(200_000), { qos: 1 })
  server.publish('a', 'y')
  await until(() => texts.length === 1)
  expect(client.status.server).toBe(`${scheme}://localhost:7`)
  // Each attempt opens a socket of its own.
  server.kick()
  await next('connectionResumed')
  await client.disconnect()
  expect(server.received('disconnect')).toHaveLength(1)
  await until(() => server.openSockets === 0)
  expect(proxy.asked).toEqual(['localhost:7', 'localhost:7'])
})

test.each(['mqtts', 'wss'] as const)('TLS over the socket verifies the host of the URL, %s', async (scheme) => {
  const { server, client } = await serverAt(scheme, `${scheme}://broker.example`)
  expect(await rejection(client.connect())).toMatchObject({
    failure: { kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  })
  expect(server.received('connect')).toEqual([])
  const { client: untrusting } = await serverAt(scheme, `${scheme}://localhost`, {})
  expect(await rejection(untrusting.connect())).toMatchObject({ failure: { kind: 'tls' } })
  // The certificate is for this address, too.
  const { client: byAddress } = await serverAt(scheme, `${scheme}://127.0.0.1:7/mqtt`)
  await byAddress.connect()
})

/** A client with a URL that has nothing to do with where its sockets lead to. */
async function serverAt(scheme: Scheme, url: string, options: object = trusting) {
  const server = await serve(scheme)
  const socket = () => connect(server.port, '127.0.0.1')
  return { server, ...startClient({ url, ...once, options: { ...options, socket } }) }
}

test.each([
  ['mqtt://broker.example', { host: 'broker.example', port: 1883 }],
  ['mqtts://broker.example', { host: 'broker.example', port: 8883 }],
  ['ws://broker.example/mqtt', { host: 'broker.example', port: 80 }],
  ['wss://broker.example/mqtt', { host: 'broker.example', port: 443 }],
  ['mqtt://[::1]:1884', { host: '::1', port: 1884 }],
  ['ws://me:secret@10.0.0.1:8080', { host: '10.0.0.1', port: 8080 }],
])('of %s it is given %j', async (url, target) => {
  const targets: object[] = []
  const socket = ({ host, port }: Parameters<SocketSource>[0]) => {
    targets.push({ host, port })
    throw new Error('not now')
  }
  const { client } = startClient({ url, ...once, options: { socket } })
  await rejection(client.connect())
  expect(targets).toEqual([target])
})

test('a key and a certificate, by which MQTT.js turns to TLS, do not lead past the socket', async () => {
  let count = 0
  const options = {
    tls: { key: 'no key', cert: 'no certificate' },
    socket: () => {
      count++
      throw new Error('not now')
    },
  }
  for (const scheme of schemes) {
    const { client } = startClient({ url: `${scheme}://127.0.0.1:1`, ...once, options })
    expect(await rejection(client.connect())).toMatchObject({ failure: { message: 'not now' } })
  }
  expect(count).toBe(4)
})

test('a Unix domain socket', async () => {
  const server = await startServer()
  const path = joinPath(temporaryFolder(), 'mqtt.sock')
  await listen(
    createServer((socket) => join(socket, server.port)),
    path,
  )
  const { client } = startClient({ url: 'mqtt://localhost', options: { socket: () => connect(path) } })
  await client.connect()
  await client.publish('a', 'b', { qos: 2 })
  await client.disconnect()
  expect(server.received('publish')).toMatchObject([{ topic: 'a' }])
  expect(client.status.server).toBe('mqtt://localhost:1883')
})

test('a stream that is no socket', async () => {
  const { server, client } = await overStream()
  await client.connect()
  await client.publish('a', 'x'.repeat(300_000), { qos: 1 })
  server.kick()
  await until(() => !client.isConnected)
  expect(client.status.lastFailure).toEqual({ kind: 'closed' })
})

/** A client over a stream of JavaScript, such as the channel of an SSH tunnel. */
async function overStream() {
  const server = await startServer()
  const socket = () => {
    const [up, down] = [new PassThrough(), new PassThrough()]
    const tcp = connect(server.port, '127.0.0.1')
    up.pipe(tcp).pipe(down)
    tcp.on('close', () => down.end())
    return Duplex.from({ readable: down, writable: up })
  }
  return { server, ...startClient({ url: 'mqtt://localhost', options: { socket } }) }
}

test.each(['mqtt', 'ws'] as const)(
  'a stream that holds back what is written until it is connected, %s',
  async (scheme) => {
    const server = await serve(scheme)
    const socket = () => {
      const underlying = connect(server.port, '127.0.0.1')
      let isConnected = false
      const stream = new Duplex({
        read() {},
        write(chunk: Uint8Array, _encoding, done) {
          if (isConnected) underlying.write(chunk, done)
          else done(new Error('not connected yet'))
        },
        destroy: (error, done) => (underlying.destroy(), done(error)),
      })
      stream.cork()
      underlying.on('data', (chunk) => stream.push(chunk))
      underlying.on('close', () => stream.destroy())
      underlying.on('connect', () => {
        isConnected = true
        stream.emit('connect')
        stream.uncork()
      })
      return stream
    }
    const url = scheme === 'ws' ? 'ws://localhost/mqtt' : 'mqtt://localhost'
    const { client } = startClient({ url, ...once, options: { socket } })
    await client.connect()
    await client.subscribe('a', () => {}).ready
    await client.publish('a', 'b', { qos: 1 })
    await client.disconnect()
    expect(server.received('disconnect')).toHaveLength(1)
  },
)

test('a stream that the application corks keeps subscriptions until it is uncorked', async () => {
  const server = await startServer()
  const stream = connect(server.port, '127.0.0.1')
  const { client } = startClient({ url: 'mqtt://localhost', ...once, options: { socket: () => stream } })
  await client.connect()
  const held = async (act: () => void) => {
    stream.cork()
    act()
    await until(() => stream.writableLength > 0)
    await turns()
    expect(stream.writableCorked).toBe(1)
    expect(stream.writableLength).toBeGreaterThan(0)
    stream.uncork()
  }
  let subscription: Subscription | undefined
  await held(() => void (subscription = client.subscribe('a', () => {})))
  await subscription?.ready
  await held(() => subscription?.unsubscribe())
  await server.waitFor('unsubscribe')
})

describe('a socket that can’t be opened', () => {
  type Row = [what: string, thrown: unknown, failure: Failure, inWords: string]
  const words = 'the function socket could not open a connection: '
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1080'), { code: 'ECONNREFUSED' })
  const name = Object.assign(new Error('wrong name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  const secret = new Error('proxy socks5://me:hunter22@proxy:1080 refused')
  const table: Row[] = [
    ['an error', new Error('HostUnreachable'), socketFailure('HostUnreachable'), `${words}HostUnreachable`],
    ['one with a code', refused, { ...socketFailure(refused.message), code: 'ECONNREFUSED' }, words + refused.message],
    ['an error of TLS', name, { kind: 'tls', code: name.code, message: 'wrong name' }, 'the certificate of the server'],
    ['a secret', secret, socketFailure('proxy socks5://[redacted]@proxy:1080 refused'), words],
    ['no error', 'nope', socketFailure('it threw a value of type string'), words],
    ['null', null, socketFailure('it threw null'), words],
  ]

  function socketFailure(message: string) {
    return { kind: 'socket', message, bySource: true } as const
  }

  test.each(table)('with %s', async (_, thrown, failure, inWords) => {
    for (const socket of [() => Promise.reject(thrown), () => raise(thrown)] as SocketSource[]) {
      const { client } = startClient({ url: 'mqtt://localhost', ...once, options: { socket } })
      const errors = errorsOf(client)
      const error = await rejection(client.connect())
      expect(error).toMatchObject({ name: 'ConnectionFailedError', failure })
      expect(client.status.lastFailure).toEqual(failure)
      expect(describeFailure(failure)).toContain(inWords)
      if (failure.kind === 'socket') expect((error as Error).cause).toBe(thrown)
      expect(errors).toEqual([])
    }
  })

  test('is tried again like any other', async () => {
    const server = await startServer()
    let count = 0
    const socket = () => {
      if (++count < 3) throw new Error('not yet')
      return connect(server.port, '127.0.0.1')
    }
    const { client } = startClient({ ...atOnce, url: 'mqtt://localhost', options: { socket } })
    await client.connect()
    expect(count).toBe(3)
  })

  test.each([
    [undefined, ', got undefined'],
    [null, ', got null'],
    [{}, ', got an object'],
    ['a', ', got "a"'],
    [connect, ', got a function'],
  ])('by a result that is no stream: %s', async (result, got) => {
    const { client } = startClient({
      url: 'mqtt://localhost',
      ...once,
      options: { socket: () => result as never },
    })
    const errors = errorsOf(client)
    expect(await rejection(client.connect())).toMatchObject({
      failure: { kind: 'options', name: 'InvalidOptionError' },
    })
    expect(errors).toMatchObject([
      { error: { message: `options.socket must return a Duplex stream${got}` }, source: 'options' },
    ])
  })
})

describe('a socket that is closed already', () => {
  const unreachable = Object.assign(new Error('no route'), { code: 'ENETUNREACH' })
  const closing: [how: string, close: (socket: Socket) => unknown, message: string][] = [
    ['long ago', (socket) => (socket.destroy(), turns()), 'the socket is closed already'],
    ['just now', (socket) => void socket.destroy(), 'the socket is closed already'],
    ['with an error', (socket) => void socket.destroy(unreachable), 'no route'],
  ]
  const cases = schemes.flatMap((scheme) => closing.map(([how, close, message]) => ({ scheme, how, close, message })))

  test.each(cases)('$how ends the attempt, $scheme', async ({ scheme, close, message }) => {
    const socket = async () => {
      const closed = new Socket()
      await close(closed)
      return closed
    }
    const { client } = startClient({ url: `${scheme}://localhost`, ...once, options: { socket } })
    const error = await rejection(client.connect())
    expect(error).toMatchObject({ failure: { kind: 'socket', message, bySource: true } })
  })
})

test('a stream that never closes does not keep the next attempt waiting', async () => {
  const server = await startServer()
  const clock = createTestClock()
  let count = 0
  const socket = () =>
    ++count > 1
      ? connect(server.port, '127.0.0.1')
      : new Duplex({ emitClose: false, read() {}, write: (_chunk, _encoding, done) => done() })
  const { client } = startClient({ ...atOnce, url: 'mqtt://localhost', clock, now: clock.now, options: { socket } })
  const connecting = client.connect()
  await until(() => count === 1)
  await turns()
  clock.tick(30_000)
  await until(() => (clock.tick(100), count === 2))
  await connecting
  await client[Symbol.asyncDispose]()
  expect(clock.pending).toBe(0)
})

test('an error that Node emits at once does not end the process', async () => {
  let count = 0
  // The system refuses this address within the call. The test fails if an error has no handler.
  const socket = () => (count++, connect(1, '255.255.255.255'))
  const { client } = startClient({ ...atOnce, url: 'mqtt://localhost', options: { socket } })
  void client.connect()
  await until(() => count === 3)
  expect(client.status.lastFailure).toMatchObject({ kind: 'socket', code: 'ENETUNREACH' })
  await client.disconnect()
})

test.each(['timeout', 'disconnect'] as const)('a %s aborts the signal, and a late socket is destroyed', async (how) => {
  const clock = createTestClock()
  const server = await startServer()
  let signal: AbortSignal | undefined
  let give: (socket: Socket) => void = () => {}
  const socket: SocketSource = (target) => {
    signal = target.signal
    return new Promise((resolve) => {
      give = resolve
    })
  }
  const { client } = startClient({ url: 'mqtt://localhost', ...once, clock, now: clock.now, options: { socket } })
  const connecting = rejection(client.connect())
  await until(() => signal)
  expect(signal?.aborted).toBe(false)
  if (how === 'timeout') clock.tick(30_000)
  else await client.disconnect()
  await connecting
  expect(signal?.aborted).toBe(true)
  const late = connect(server.port, '127.0.0.1')
  give(late)
  await until(() => late.destroyed)
  await turns()
  expect(server.received('connect')).toEqual([])
})

test('the signal of an open connection does not abort', async () => {
  const server = await startServer()
  let signal: AbortSignal | undefined
  const socket: SocketSource = (target) => {
    signal = target.signal
    return connect({ port: server.port, host: '127.0.0.1', signal })
  }
  const { client } = startClient({ url: 'mqtt://localhost', options: { socket } })
  await client.connect()
  await client.disconnect()
  expect(server.received('disconnect')).toHaveLength(1)
  expect(signal?.aborted).toBe(false)
})

test('a socket with a method `write` of its own keeps it when packets are no longer looked at', async () => {
  const server = await startServer()
  let writes = 0
  const socket = () => {
    const opened = connect(server.port, '127.0.0.1')
    const write = opened.write.bind(opened) as (chunk: Uint8Array) => boolean
    return Object.assign(opened, { write: (chunk: Uint8Array) => (writes++, write(chunk)) })
  }
  const { client } = startClient({ url: 'mqtt://localhost', options: { socket } })
  await client.connect()
  client.on('packetsend', () => {})()
  const before = writes
  await client.publish('a', 'b', { qos: 1 })
  expect(writes).toBe(before + 1)
})

test('an agent carries the upgrade of a WebSocket', async () => {
  const server = await serve('ws')
  class Elsewhere extends Agent {
    override createConnection(): Socket {
      return connect(server.port, '127.0.0.1')
    }
  }
  const { client } = startClient({
    url: 'ws://broker.example/mqtt',
    options: { wsOptions: { agent: new Elsewhere() } },
  })
  await client.connect()
  expect(server.received('connect')).toHaveLength(1)
})
