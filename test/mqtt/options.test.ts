import type { IConnectPacket } from 'mqtt-packet'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import {
  type ConnectOptions,
  type Credentials,
  InvalidCredentialsError,
  type RefreshReason,
  type ResilientMqttClient,
  type ResilientMqttClientOptions,
  simpleRetry,
} from '../../src/index.ts'
import { clientOptions } from '../../src/mqtt/client-options.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, once, startClient } from '../support/recorded-client.ts'
import { startServer, everywhere, serve, trusting } from '../support/servers.ts'
import { connectConfig } from './transport-scene.ts'
import { upgradeRecorder } from './upgrade-recorder.ts'

test.each(everywhere)('connects over $scheme with MQTT $version', async ({ scheme, version }) => {
  const server = await serve(scheme)
  const { client } = startClient({ url: server.url, options: { ...trusting, protocolVersion: version } })
  await client.connect()
  expect(server.received('connect')).toMatchObject([
    {
      protocolVersion: version,
      clean: true,
      keepalive: scheme.startsWith('ws') ? 50 : 60,
      clientId: expect.stringMatching(/^xstate-mqtt-[0-9a-z]{11}$/),
    },
  ])
  await client.disconnect()
  expect(server.received('disconnect')).toHaveLength(1)
  await server.waitFor(() => server.openSockets === 0)
})

describe('the CONNECT packet', () => {
  type Row = [name: string, options: ConnectOptions, v4: Partial<IConnectPacket>, v5?: Partial<IConnectPacket>]
  const bytes = Uint8Array.of(0, 255, 1)
  const rows: Row[] = [
    ['nothing', {}, { keepalive: 60, clean: true }, { properties: { sessionExpiryInterval: 0 } }],
    ['clientId', { clientId: 'mine' }, { clientId: 'mine' }],
    ['keepalive', { keepalive: 30_000 }, { keepalive: 30 }],
    ['keepalive, rounded up', { keepalive: 1_001 }, { keepalive: 2 }],
    ['keepalive off', { keepalive: 0 }, { keepalive: 0 }],
    ['a user name', { username: 'me' }, { username: 'me' }],
    ['a password', { username: 'me', password: 'pass' }, { username: 'me', password: Buffer.from('pass') }],
    ['password of bytes', { username: 'me', password: bytes }, { password: Buffer.from(bytes) }],
    [
      'not clean',
      { clean: false, clientId: 'mine' },
      { clean: false },
      { properties: { sessionExpiryInterval: 0xffffffff } },
    ],
    [
      'session expiry',
      { clean: false, clientId: 'mine', sessionExpiry: 90_500 },
      { clean: false },
      { properties: { sessionExpiryInterval: 91 } },
    ],
    [
      'clean start, with a session that is kept afterwards',
      { sessionExpiry: Number.POSITIVE_INFINITY },
      { clean: true },
      { properties: { sessionExpiryInterval: 0xffffffff } },
    ],
    [
      'limits',
      { receiveMaximum: 20, maximumPacketSize: 1_000 },
      {},
      { properties: { sessionExpiryInterval: 0, receiveMaximum: 20, maximumPacketSize: 1_000 } },
    ],
    [
      'user properties',
      { userProperties: { a: 'b', c: ['d', 'e'] } },
      {},
      { properties: { sessionExpiryInterval: 0, userProperties: { a: 'b', c: ['d', 'e'] } } },
    ],
    ['empty user properties', { userProperties: {} }, {}],
    ['empty lists of user properties', { userProperties: { a: [] } }, {}],
    ['a will with empty properties', { will: { topic: 'gone', payload: '', properties: { userProperties: {} } } }, {}],
    [
      'a will',
      { will: { topic: 'gone', payload: 'bye', qos: 1, retain: true } },
      { will: expect.objectContaining({ topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: true }) as never },
    ],
    [
      'a will of bytes',
      { will: { topic: 'gone', payload: bytes } },
      { will: expect.objectContaining({ topic: 'gone', payload: Buffer.from(bytes), qos: 0, retain: false }) as never },
    ],
    [
      'an empty will',
      { will: { topic: 'gone', payload: '' } },
      { will: expect.objectContaining({ topic: 'gone', payload: Buffer.alloc(0) }) as never },
    ],
    [
      'a will with properties',
      {
        will: {
          topic: 'gone',
          payload: 'bye',
          delay: 2_500,
          properties: { contentType: 'text/plain', correlationData: bytes, userProperties: { a: 'b' } },
        },
      },
      {},
      {
        will: expect.objectContaining({
          properties: {
            willDelayInterval: 3,
            contentType: 'text/plain',
            correlationData: Buffer.from(bytes),
            userProperties: expect.objectContaining({ a: 'b' }) as never,
          },
        }) as never,
      },
    ],
  ]
  const cases = rows.flatMap(([name, options, v4, v5 = {}]) => [
    { name, version: 4, options, expected: v4 } as const,
    { name, version: 5, options, expected: { ...v4, ...v5 } } as const,
  ])

  test.each(cases)('$name, MQTT $version', async ({ version, options, expected }) => {
    const server = await startServer()
    const { client } = startClient({ ...once, url: server.url, options: { ...options, protocolVersion: version } })
    await client.connect()
    expect(server.received('connect')[0]).toMatchObject({ protocolVersion: version, ...expected })
  })

  const given = (url: string) => url.replace('://', '://me%40home:p%3Aa%2Fss:word@')
  const who: [string, ConnectOptions, Credentials | undefined, string, string][] = [
    ['of the URL', {}, undefined, 'me@home', 'p:a/ss:word'],
    ['of the options go before those of the URL', { username: 'o', password: 'p' }, undefined, 'o', 'p'],
    ['of the credentials have priority', { username: 'o', password: 'p' }, { username: 'c', password: 'q' }, 'c', 'q'],
    ['may come from several places', { username: 'o', password: 'p' }, { password: 'token' }, 'o', 'token'],
  ]
  test.each(who)('user name and password %s', async (_, options, credentials, username, password) => {
    for (const scheme of ['mqtt', 'ws'] as const) {
      const server = await serve(scheme)
      const source = credentials && { credentials: () => credentials }
      const { client } = startClient({ ...once, url: given(server.url), options, ...source })
      await client.connect()
      expect(server.received('connect')[0]).toMatchObject({ username, password: Buffer.from(password) })
    }
  })

  test('the will is sent when the connection dies, and not when we disconnect', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, options: { will: { topic: 'gone', payload: 'bye' } } })
    await client.connect()
    await client.disconnect()
    // MQTT-3.14.4-3: the server discards the will only at DISCONNECT.
    expect(await server.waitFor(() => server.connections[0]?.ending)).toMatchObject({ by: 'client', how: 'disconnect' })
  })
})

const identity = { key: String(tls.key), cert: String(tls.cert) }

describe('TLS', () => {
  test.each(['mqtts', 'wss'] as const)('%s connects without a check of the certificate', async (scheme) => {
    const server = await serve(scheme)
    const { client } = startClient({ ...once, url: server.url, options: { tls: { rejectUnauthorized: false } } })
    await client.connect()
    expect(client.isConnected).toBe(true)
  })

  test.each(['mqtts', 'wss'] as const)('%s connects with the CA of the certificate', async (scheme) => {
    const server = await serve(scheme)
    const { client } = startClient({ ...once, url: server.url, options: trusting })
    await client.connect()
    expect(client.isConnected).toBe(true)
  })

  test.each(['mqtts', 'wss'] as const)(
    '%s without its s connects with TLS if a key and a certificate are given',
    async (scheme) => {
      const server = await serve(scheme)
      const url = server.url.replace('s://', '://')
      const { client } = startClient({ ...once, url, options: { tls: { ...trusting.tls, ...identity } } })
      await client.connect()
      expect(client.isConnected).toBe(true)
    },
  )

  test.each(['mqtts', 'wss'] as const)('%s rejects an untrusted certificate', async (scheme) => {
    const server = await serve(scheme)
    const { client } = startClient({ ...once, url: server.url })
    expect(await rejection(client.connect())).toMatchObject({
      name: 'ConnectionFailedError',
      failure: { kind: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
  })
})

describe('WebSocket', () => {
  const signed =
    '/mqtt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fiot%2Faws4_request&X-Amz-Signature=1a2b%3D'

  test('each refresh of the credentials gives new headers and a new signed URL', async () => {
    const server = await upgradeRecorder()
    let n = 0
    const { client, next } = startClient({
      ...atOnce,
      options: { wsOptions: { headers: { 'X-Fixed': 'yes', Authorization: 'old' } } },
      credentials: () => ({ url: `${server.origin}${signed}&n=${++n}`, wsHeaders: { Authorization: `Bearer ${n}` } }),
    })
    const failed = client.connect().catch(() => {})
    // 401 requires new credentials; a refusal of fresh ones backs off first.
    await next('tokenRefreshed', 2)
    await until(() => server.requests.length === 2, 'the second upgrade')
    await client.disconnect()
    await failed
    for (const [i, { url, headers }] of server.requests.entries()) {
      expect(url).toBe(`${signed}&n=${i + 1}`)
      expect(headers).toMatchObject({
        'x-fixed': 'yes',
        authorization: `Bearer ${i + 1}`,
        host: server.origin.slice(5),
      })
      expect(headers['sec-websocket-protocol']).toBe('mqtt')
    }
  })

  test('an IPv6 address', async ({ skip }) => {
    const server = await upgradeRecorder('::1').catch(() => skip('no IPv6 here'))
    const { client } = startClient({ ...once, url: `${server.origin}/path` })
    expect(await rejection(client.connect())).toMatchObject({ failure: { kind: 'websocket', status: 401 } })
    expect(server.requests).toMatchObject([{ url: '/path', headers: { host: `[::1]:${server.port}` } }])
  })

  test('user name and password of the URL go to MQTT, not into the headers', async () => {
    const server = await upgradeRecorder()
    const { client } = startClient({ ...once, url: `${server.origin.replace('://', '://me:pass@')}/mqtt` })
    await rejection(client.connect())
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
  })
})

describe('the client id', () => {
  test('is generated once, and kept for all attempts, connections and recreated clients', async () => {
    const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
    const { client, next } = startClient({ ...atOnce, url: server.url, options: () => ({}) })
    await client.connect()
    server.kick()
    await next('connectionResumed')
    client.recover()
    await next('connected')
    await client.disconnect()
    await client.connect()
    const ids = server.received('connect').map(({ clientId }) => clientId)
    expect(ids).toHaveLength(5)
    expect(new Set(ids).size).toBe(1)
  })

  test('differs between clients', async () => {
    const server = await startServer()
    for (let n = 0; n < 5; n++) await startClient({ url: server.url }).client.connect()
    expect(new Set(server.received('connect').map(({ clientId }) => clientId)).size).toBe(5)
  })
})

describe('an options function', () => {
  test('is called for each CONNECT with evaluateOptions per-attempt', async () => {
    const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
    let bdSeq = 0
    const options = () => {
      const n = bdSeq++
      return {
        clientId: `edge-${n}`,
        keepalive: 10_000 + n * 1_000,
        clean: n % 2 === 0,
        will: { topic: 'w', payload: `${n}` },
      }
    }
    const { client, next } = startClient({ ...atOnce, url: server.url, options, evaluateOptions: 'per-attempt' })
    await client.connect()
    for (const n of [1, 2]) {
      server.kick()
      await next('connectionResumed', n)
    }
    const connects = server.received('connect')
    expect(
      connects.map(({ will, clientId, keepalive, clean }) => [String(will?.payload), clientId, keepalive, clean]),
    ).toEqual([
      ['0', 'edge-0', 10, true],
      ['1', 'edge-1', 11, false],
      ['2', 'edge-2', 12, true],
      ['3', 'edge-3', 13, false],
    ])
  })

  test('is called once for each recreated client', async () => {
    const server = await startServer()
    const calls: number[] = []
    const options = () => {
      calls.push(server.connections.length)
      return Promise.resolve({ clientId: `client-${calls.length}` })
    }
    const { client, next } = startClient({ ...atOnce, url: server.url, options })
    expect(calls).toEqual([])
    await client.connect()
    for (let n = 1; n <= 3; n++) {
      server.kick()
      await next('connectionResumed', n)
    }
    expect(calls).toHaveLength(1)
    client.recover()
    await next('connected')
    expect(calls).toHaveLength(2)
    server.kick()
    await next('connectionResumed')
    expect(calls).toHaveLength(2)
    expect(server.received('connect').map(({ clientId }) => clientId)).toEqual([
      ...Array.from({ length: 4 }, () => 'client-1'),
      'client-2',
      'client-2',
    ])
  })

  test('can return the URL', async () => {
    const server = await startServer()
    const { client } = startClient({ ...once, options: () => ({ url: server.url }) })
    await client.connect()
    expect(client.isConnected).toBe(true)
  })

  const bad: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new RangeError('secret-1')
      },
      'RangeError',
    ],
    ['rejects', () => Promise.reject(new TypeError('secret-1')), 'TypeError'],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    ['rejects with what is no error', () => Promise.reject('secret-1'), 'string'],
    ['returns nothing', () => undefined, 'InvalidOptionError'],
    ['returns what is not valid', () => ({ keepalive: 60 }), 'InvalidOptionError'],
    ['returns no URL, and there is no other', () => ({}), 'InvalidOptionError'],
  ]
  test.each(bad)('is called again after a failure if it %s', async (_, options, name) => {
    const server = await startServer()
    let good = false
    const { client, next, heard, lines } = startClient({
      ...atOnce,
      options: () => (good ? { url: server.url } : (options() as ConnectOptions)),
    })
    const connected = client.connect()
    await next('reconnectScheduled', 3)
    good = true
    await connected
    for (const { failure } of heard('reconnectScheduled')) expect(failure).toEqual({ kind: 'options', name })
    expect(
      lines.some(({ details }) => 'err' in details),
      'the application gets the error itself',
    ).toBe(true)
  })

  test('is called again if its options cannot be encoded', async () => {
    const server = await startServer()
    // MQTT 3.1.1 requires a user name with a password.
    const given = [{ password: 'secret-1' }, { password: 'secret-1' }]
    const { client, heard } = startClient({ ...atOnce, url: server.url, options: () => given.shift() ?? {} })
    await client.connect()
    const failure = { kind: 'options', name: 'InvalidOptionError' }
    expect(heard('reconnectScheduled')).toMatchObject([{ failure }, { failure }])
    expect(server.received('connect')).toHaveLength(1)
  })

  const startingOver: [string, (client: ResilientMqttClient) => Promise<unknown>][] = [
    ['was disconnected', (client) => client.disconnect()],
    ['gave up', (client) => client.waitFor('failed')],
  ]
  test.each(startingOver)('is called again after it %s', async (_, rest) => {
    const server = await startServer({ script: [{}, { connack: { reasonCode: 2 } }] })
    const good = await startServer()
    const urls = [server.url]
    const { client } = startClient({
      reconnect: { ...atOnce.reconnect, maxAttempts: 1 },
      recovery: simpleRetry,
      options: () => ({ url: urls.shift() ?? good.url }),
    })
    await client.connect()
    const resting = rest(client)
    server.kick()
    await resting
    await client.connect()
    expect(good.connections).toHaveLength(1)
  })

  test('provides the cause of the error when the client gives up', async () => {
    const cause = new RangeError('of mine')
    const { client } = startClient({ ...once, options: () => Promise.reject(cause) })
    const error = await rejection(client.connect())
    expect(error).toMatchObject({
      name: 'ConnectionFailedError',
      failure: { kind: 'options', name: 'RangeError' },
      cause,
    })
    expect(error.message).not.toContain('of mine')
  })

  test('times out if it never returns', async () => {
    const clock = createTestClock()
    const { client } = startClient({ ...once, clock, options: () => new Promise<never>(() => {}) })
    const failed = rejection(client.connect())
    await clock.tickAsync(30_000)
    expect(await failed).toMatchObject({ failure: { kind: 'timeout', phase: 'connect' } })
  })
})

describe('credentials', () => {
  test('are requested with a reason', async () => {
    const reasons: RefreshReason[] = []
    const server = await startServer()
    const { client, next } = startClient({
      ...atOnce,
      url: server.url,
      credentials: ({ reason, signal }) => {
        reasons.push(reason)
        expect(signal.aborted).toBe(false)
        return { username: 'me', password: `token-${reasons.length}` }
      },
      timeouts: { stableAfter: 0 },
    })
    await client.connect()
    await until(() => client.actor.getSnapshot().context.credentials.status === 'proven', 'the connection is stable')
    server.setScript([{ connack: { reasonCode: 5 } }, {}])
    server.kick()
    await next('connectionResumed')
    client.recover()
    await next('connected')
    expect(reasons).toEqual(['initial', 'refused', 'requested'])
    expect(server.received('connect').map(({ password }) => String(password))).toEqual([
      'token-1',
      'token-1',
      'token-2',
      'token-3',
    ])
  })

  test('are requested in every n-th cycle', async () => {
    const clock = createTestClock()
    const reasons: RefreshReason[] = []
    const server = await startServer({ script: { connack: { reasonCode: 3 } } })
    const { client } = startClient({
      url: server.url,
      clock,
      now: clock.now,
      reconnect: { enabled: false },
      recovery: { refreshTokenEvery: 2, maxAttempts: 4, jitter: 'none' },
      credentials: ({ reason }) => {
        reasons.push(reason)
        return {}
      },
    })
    const failed = rejection(client.connect())
    for (let cycle = 1; cycle <= 4; cycle++) {
      await until(() => {
        clock.tick(0)
        return client.status.cycle === cycle
      }, `cycle ${cycle}`)
      clock.tick((client.status.nextRetryAt ?? 0) - clock.now())
    }
    await failed
    expect(reasons).toEqual(['initial', 'cycle', 'cycle'])
    expect(server.received('connect')).toHaveLength(5)
  })

  const expiries: [string, (now: number) => Date | number][] = [
    ['a Date', (now) => new Date(now)],
    ['a number', (now) => now],
  ]
  test.each(expiries)('are renewed before they expire, with the expiry as %s', async (_, at) => {
    const clock = createTestClock({ now: Date.UTC(2026, 0, 1) })
    const reasons: RefreshReason[] = []
    const server = await startServer()
    const { client, next, heard } = startClient({
      url: server.url,
      clock,
      now: clock.now,
      options: { keepalive: 0 },
      credentials: ({ reason }) => {
        reasons.push(reason)
        return { password: 'p', username: 'u', expiresAt: at(clock.now() + 3_600_000) }
      },
    })
    await client.connect()
    // Five minutes before, in an hour: the connection stays open meanwhile.
    await clock.tickAsync(55 * 60_000 - 1)
    expect(reasons).toEqual(['initial'])
    await clock.tickAsync(1)
    await next('connected', 2)
    expect(reasons).toEqual(['initial', 'expiring'])
    expect(heard('tokenRefreshed')).toEqual([
      { reason: 'initial', expiresAt: Date.UTC(2026, 0, 1, 1) },
      { reason: 'expiring', expiresAt: Date.UTC(2026, 0, 1, 1, 55) },
    ])
    await server.waitFor(() => server.openSockets === 1)
  })

  const bad: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new RangeError('secret-1')
      },
      'RangeError',
    ],
    ['rejects', () => Promise.reject(new TypeError('secret-1')), 'TypeError'],
    ['gives an expiry that is none', () => ({ expiresAt: 'tomorrow' }), 'InvalidOptionError'],
    ['gives an invalid Date', () => ({ expiresAt: new Date('x') }), 'InvalidOptionError'],
    ['gives a URL that is none', () => ({ url: 'secret-1' }), 'InvalidOptionError'],
    ['returns a URL of another protocol', () => ({ url: 'https://example.org/' }), 'InvalidOptionError'],
    ['gives seconds', () => ({ expiresAt: Math.floor(Date.now() / 1_000) + 3_600 }), 'InvalidOptionError'],
    ['gives seconds as a Date', () => ({ expiresAt: new Date(Date.now() / 1_000) }), 'InvalidOptionError'],
    ['gives null as an expiry', () => ({ expiresAt: null }), 'InvalidOptionError'],
    [
      'gives only what is not known',
      () => ({ token: 'secret-1', expiresAt: Date.now() + 60_000 }),
      'InvalidOptionError',
    ],
    ['gives nothing', () => undefined, 'InvalidOptionError'],
    ['gives null', () => null, 'InvalidOptionError'],
    ['gives a string', () => 'secret-1', 'InvalidOptionError'],
    ['gives a list', () => ['secret-1'], 'InvalidOptionError'],
    ['gives a user name that is none', () => ({ username: 1 }), 'InvalidOptionError'],
    ['gives a password that is none', () => ({ password: { token: 'secret-1' } }), 'InvalidOptionError'],
    ['gives headers that are none', () => ({ wsHeaders: 'secret-1' }), 'InvalidOptionError'],
  ]
  test.each(bad)('are requested again from a source that %s', async (_, source, name) => {
    const server = await startServer()
    let good = false
    const { client, next, heard } = startClient({
      ...atOnce,
      url: server.url,
      credentials: () => (good ? {} : (source() as Credentials)),
    })
    const errors: unknown[] = []
    client.on('error', ({ error }) => errors.push(error))
    const connected = client.connect()
    await next('tokenRefreshFailed', 2)
    good = true
    await connected
    for (const event of heard('tokenRefreshFailed')) {
      expect(event).toEqual({ reason: 'initial', failure: { kind: 'refresh', name } })
    }
    if (name === 'InvalidOptionError') expect(inspect(errors, { depth: 5 })).not.toContain('secret-1')
  })

  test('tell the code of an error, or of its cause', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND secret-1'), { code: 'ENOTFOUND' })
    const { client } = startClient({
      ...once,
      url: 'mqtt://127.0.0.1',
      credentials: () => Promise.reject(new TypeError('fetch failed', { cause })),
    })
    const failure = { kind: 'refresh', name: 'TypeError', code: 'ENOTFOUND' }
    expect(await rejection(client.connect())).toMatchObject({ failure })
    expect(JSON.stringify(client.status)).not.toContain('secret-1')
  })

  test('end the connection with InvalidCredentialsError', async () => {
    const cause = new InvalidCredentialsError('no such account')
    const { client, heard } = startClient({
      ...atOnce,
      url: 'mqtt://127.0.0.1',
      credentials: () => Promise.reject(cause),
    })
    expect(await rejection(client.connect())).toMatchObject({ failure: { kind: 'credentials' }, cause })
    expect(heard('gaveUp')).toHaveLength(1)
    expect(heard('reconnectScheduled')).toEqual([])
  })

  /** A client whose credentials source answers when the test does. */
  async function startAsked() {
    const clock = createTestClock()
    const server = await startServer()
    const asked: { reason: RefreshReason; signal: AbortSignal; settle: PromiseSettler }[] = []
    const { client, next, heard } = startClient({
      url: server.url,
      clock,
      now: clock.now,
      reconnect: { initialDelay: 1_000, maxDelay: 1_000, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
      options: { keepalive: 0 },
      credentials: ({ reason, signal }) =>
        new Promise((answer, reject) => asked.push({ reason, signal, settle: { answer, reject } })),
    })
    const passwords = () => server.received('connect').map(({ password }) => String(password))
    return { clock, server, asked, client, next, heard, passwords }
  }
  interface PromiseSettler {
    readonly answer: (credentials: Credentials) => void
    readonly reject: (error: Error) => void
  }
  const login = (password: string, rest: Credentials = {}): Credentials => ({ username: 'me', password, ...rest })

  test('are used even if the source returns them after its abort', async () => {
    const { clock, asked, client, passwords } = await startAsked()
    const connected = client.connect()
    await clock.tickAsync(30_000)
    expect(client.status.state).toBe('reconnecting')
    expect(asked[0]?.signal.aborted).toBe(true)
    await clock.tickAsync(1_000)
    expect(client.status.state).toBe('refreshingToken')
    asked[0]?.settle.answer(login('late'))
    await connected
    expect(asked).toHaveLength(1)
    expect(passwords()).toEqual(['late'])
  })

  test('that arrive while no request waits are used by the next request', async () => {
    const { clock, asked, client, passwords } = await startAsked()
    const connected = client.connect()
    await clock.tickAsync(30_000)
    asked[0]?.settle.answer(login('late'))
    await clock.tickAsync(1_000)
    await connected
    expect(asked).toHaveLength(1)
    expect(passwords()).toEqual(['late'])
    // Once.
    client.recover()
    await until(() => asked.length === 2, 'another request')
  })

  const useless: [string, (settle: PromiseSettler, now: number) => void][] = [
    ['a rejection', ({ reject }) => reject(new Error('no'))],
    ['what is expired', ({ answer }, now) => answer(login('late', { expiresAt: now }))],
    ['what is none', ({ answer }) => answer('late' as Credentials)],
  ]
  test.each(useless)('are requested again after %s that comes late', async (_, settle) => {
    const { clock, asked, client, passwords, heard } = await startAsked()
    const connected = client.connect()
    await clock.tickAsync(31_000)
    if (asked[0]) settle(asked[0].settle, clock.now())
    await until(() => asked.length === 2, 'another request')
    asked[1]?.settle.answer(login('good'))
    await connected
    expect(passwords()).toEqual(['good'])
    expect(heard('tokenRefreshFailed')).toHaveLength(1)
  })

  test('are requested again after twice the timeout if the source never answers', async () => {
    const { clock, asked, client } = await startAsked()
    const connected = client.connect()
    // 30 s for the first request, 30 s for one that waits for the same call, and a second before each.
    await clock.tickAsync(61_999)
    expect(asked).toHaveLength(1)
    await clock.tickAsync(1)
    expect(asked).toHaveLength(2)
    asked[1]?.settle.answer(login('good'))
    await connected
  })

  test('are requested once by connect, disconnect and connect again', async () => {
    const { asked, client, passwords } = await startAsked()
    const first = rejection(client.connect())
    await client.disconnect()
    await first
    const connected = client.connect()
    await client.waitFor('refreshingToken')
    await turns(10)
    expect(asked).toHaveLength(1)
    asked[0]?.settle.answer(login('good'))
    await connected
    expect(passwords()).toEqual(['good'])
  })

  test('are requested only once at a time', async () => {
    const server = await startServer()
    let running = 0
    let most = 0
    const { client } = startClient({
      ...atOnce,
      url: server.url,
      credentials: async () => {
        most = Math.max(most, ++running)
        await turns(3)
        running--
        return {}
      },
    })
    await client.connect()
    for (let n = 0; n < 5; n++) {
      client.recover()
      client.wake()
      client.resetReconnect()
      await turns(n)
    }
    await client.connect()
    expect(most).toBe(1)
  })
})

describe('several servers', () => {
  test('a failed attempt is followed by one at the next server', async () => {
    const servers = await Promise.all(
      [3, 3, 0].map((reasonCode) => startServer({ script: { connack: { reasonCode } } })),
    )
    const { client, next } = startClient({
      ...atOnce,
      url: servers.map(({ url }) => url),
      timeouts: { stableAfter: 0 },
    })
    await client.connect()
    expect(servers.map(({ connections }) => connections.length)).toEqual([1, 1, 1])
    // It returns to the server that worked.
    await until(() => client.status.attempt === 0, 'the connection is stable')
    servers[2]?.kick()
    await next('connectionResumed')
    expect(servers.map(({ connections }) => connections.length)).toEqual([1, 1, 2])
    // When that fails, it continues with the list.
    servers[0]?.setScript({})
    await servers[2]?.close()
    await next('connectionResumed', 2)
    expect(servers.map(({ connections }) => connections.length)).toEqual([2, 1, 2])
  })
})

describe('a Server Reference', () => {
  type Allow = 'own-hosts' | 'any' | 'none' | ((serverReference: string) => boolean) | undefined
  const broken = () => {
    throw new Error('broken')
  }
  const rows: [string, Allow, string, boolean][] = [
    ['to our own host by default', undefined, '127.0.0.1', true],
    ['to our own host', 'own-hosts', '127.0.0.1', true],
    ['to the same host with a scheme', 'own-hosts', 'mqtts://127.0.0.1', true],
    ['to another host by default', undefined, 'localhost', false],
    ['to another host', 'own-hosts', 'localhost', false],
    ['to our own host that is only a part of it', 'own-hosts', '127.0.0.1.localhost', false],
    ['to a host behind our own', 'own-hosts', '127.0.0.1@localhost', false],
    ['to any host', 'any', 'localhost', true],
    ['to none', 'none', '127.0.0.1', false],
    ['that a function allows', (reference) => reference.startsWith('localhost:'), 'localhost', true],
    ['that a function does not allow', () => false, '127.0.0.1', false],
    ['that a function throws on', broken, '127.0.0.1', false],
  ]
  const sent = rows.flatMap(([name, allow, host, followed]) =>
    (['CONNACK', 'DISCONNECT'] as const).map((by) => ({ name, allow, host, followed, by })),
  )

  test.each(sent)('$name, by $by: followed $followed', async ({ allow, host, followed, by }) => {
    const other = await startServer()
    const reference = { reasonCode: 0x9c, serverReference: `${host}:${other.port}` }
    const server = await startServer({
      script:
        by === 'CONNACK'
          ? { connack: { reasonCode: 0x9c, properties: { serverReference: reference.serverReference } } }
          : { steps: [{ at: 'connack', do: { disconnect: reference } }] },
    })
    const { client, next } = startClient({
      ...once,
      url: server.url,
      options: { protocolVersion: 5 },
      ...(allow && { redirect: { allow } }),
    })
    const connected = client.connect().catch(() => {})
    if (followed) {
      await other.waitFor('connect')
      await connected
    } else {
      await next('gaveUp')
    }
    expect(client.status.counters.redirects).toBe(Number(followed))
    expect(other.connections).toHaveLength(Number(followed))
  })

  const places: [string, (url: string) => Partial<ResilientMqttClientOptions>][] = [
    ['the options', (url) => ({ options: { url, protocolVersion: 5 } })],
    ['a function of options', (url) => ({ options: async () => ({ url, protocolVersion: 5 }) })],
    ['the credentials', (url) => ({ options: { protocolVersion: 5 }, credentials: () => ({ url }) })],
  ]
  const known = places.flatMap(([place, options]) =>
    (['127.0.0.1', 'localhost'] as const).map((host) => ({ place, options, host })),
  )
  test.each(known)('to $host, with a URL from $place', async ({ options, host }) => {
    const other = await startServer()
    const properties = { serverReference: `${host}:${other.port}` }
    const server = await startServer({ script: { connack: { reasonCode: 0x9c, properties } } })
    const { client } = startClient({ ...once, ...options(server.url) })
    const outcome = await client.connect().catch((error: Error) => error.name)
    expect(outcome).toBe(host === '127.0.0.1' ? undefined : 'ConnectionFailedError')
    expect(other.connections).toHaveLength(Number(host === '127.0.0.1'))
  })

  test.each(['mqtts', 'wss'] as const)('never leads from %s to plain text', async (scheme) => {
    const plain = await serve(scheme === 'mqtts' ? 'mqtt' : 'ws')
    const server = await serve(scheme, {
      script: { connack: { reasonCode: 0x9d, properties: { serverReference: plain.url } } },
    })
    const options = { ...trusting, protocolVersion: 5 } as const
    const { client } = startClient({ ...once, url: server.url, options, redirect: { allow: 'any' } })
    await rejection(client.connect())
    expect(plain.connections, 'the client connects there').toHaveLength(1)
    expect(plain.received('connect'), 'and sends nothing in plain text').toEqual([])
  })

  test.each([0, 1, 3])('is followed %i times in a row', async (maxHops) => {
    let next = await startServer()
    const chain = [next]
    for (let n = 0; n < 4; n++) {
      const { port } = next
      const properties = { serverReference: `127.0.0.1:${port}` }
      next = await startServer({ script: { connack: { reasonCode: 0x9c, properties } } })
      chain.unshift(next)
    }
    const options = { protocolVersion: 5 } as const
    const { client } = startClient({ ...once, url: next.url, options, redirect: { maxHops } })
    const ignored = vi.fn()
    client.on('redirectIgnored', ignored)
    expect(await rejection(client.connect())).toMatchObject({ reasonCode: 0x9c })
    expect(chain.map(({ connections }) => connections.length)).toEqual(chain.map((_, n) => Number(n <= maxHops)))
    expect(ignored.mock.calls).toEqual([[expect.objectContaining({ reason: 'max-hops' })]])
  })

  test('is not followed in a loop', async () => {
    const [one, other] = [await startServer(), await startServer()]
    const sendTo = ({ port }: { readonly port: number }) =>
      ({ connack: { reasonCode: 0x9c, properties: { serverReference: `127.0.0.1:${port}` } } }) as const
    one.setScript(sendTo(other))
    other.setScript(sendTo(one))
    const options = { protocolVersion: 5 } as const
    const { client } = startClient({ ...once, url: one.url, options })
    const ignored = vi.fn()
    client.on('redirectIgnored', ignored)
    expect(await rejection(client.connect())).toMatchObject({ reasonCode: 0x9c })
    expect([one.connections.length, other.connections.length]).toEqual([1, 1])
    expect(ignored.mock.calls).toEqual([[{ serverReference: `127.0.0.1:${one.port}`, reason: 'loop' }]])
  })

  test('that is missing leads to the next server of the list', async () => {
    const other = await startServer()
    const server = await startServer({ script: { connack: { reasonCode: 0x9d } } })
    const { client } = startClient({ ...atOnce, url: [server.url, other.url], options: { protocolVersion: 5 } })
    await client.connect()
    expect(other.connections).toHaveLength(1)
    expect(server.connections).toHaveLength(1)
  })
})

test('a password of bytes is sent as text in a browser, which has no Buffer', () => {
  onTestFinished(() => void vi.unstubAllGlobals())
  const bytes = (text: string) => new TextEncoder().encode(text)
  const attempt = (password: Uint8Array) => () =>
    clientOptions(
      {
        url: 'wss://broker',
        clientId: 'me',
        connect: connectConfig(),
        credentials: { username: 'me', password },
      },
      { onSocket: () => {}, onClose: () => {}, onRefused: () => {} },
    )
  vi.stubGlobal('Buffer', undefined)
  expect(attempt(bytes('pässword'))().password).toBe('pässword')
  expect(attempt(Uint8Array.of(0xff))).toThrow(TypeError)
})
