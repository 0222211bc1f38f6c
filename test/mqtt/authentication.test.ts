import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import {
  type Authentication,
  type AuthenticationExchange,
  type Credentials,
  InvalidCredentialsError,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import type { AuthAnswer, AuthStep, Behaviour, Script } from '../../testing/index.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import { turns, until } from '../support/event-loop.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { SCRAM, scramClient, scramServer } from '../support/scram.ts'
import { everywhere, serve, trusting } from '../support/servers.ts'

const method = 'TEST'
const user = 'lamp'
const password = 'a password'
const right = () => password

const wrong = () => {
  throw new RangeError('wrong')
}

/** The exchange of the client, for tests that look at the server. */
const exchange: AuthenticationExchange = { data: 'first', respond: (challenge) => challenge }

async function scene(
  script: Script,
  authentication: Authentication,
  options: Partial<ResilientMqttClientOptions> = {},
) {
  const server = await serve('mqtt', { script })
  const s = startClient({ url: server.url, options: { protocolVersion: 5, authentication }, ...once, ...options })
  const errors: unknown[] = []
  s.client.on('error', ({ error, source }) => errors.push([source, error]))
  return { ...s, server, errors }
}

const data = (packets: readonly { properties?: { authenticationData?: Buffer } }[]) =>
  packets.map(({ properties }) => properties?.authenticationData?.toString())

describe('the exchange of the CONNECT', () => {
  test.each(everywhere.filter(({ version }) => version === 5))(
    'SCRAM-SHA-256 proves both to each other: $scheme',
    async ({ scheme }) => {
      const server = await serve(scheme, { script: () => ({ auth: scramServer(right) }) })
      const authentication: Authentication = {
        method: SCRAM,
        start: ({ credentials }) => scramClient(String(credentials?.username), String(credentials?.password)),
      }
      const { client } = startClient({
        url: server.url,
        options: { ...trusting, protocolVersion: 5, authentication },
        credentials: () => ({ username: user, password }),
        ...once,
      })
      await client.connect()
      await client.publish('a', 'b', { qos: 1 })
      expect(server.current?.packets.slice(0, 2)).toMatchObject([
        { packet: { cmd: 'connect', properties: { authenticationMethod: SCRAM } } },
        { packet: { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: SCRAM } } },
      ])
      expect(server.received('connect')[0], 'the password does not leave the client').not.toMatchObject({ password })
      expect(server.received('connect')[0]?.username).toBeUndefined()
    },
  )

  test('has as many steps as the server wants, with functions that take their time', async () => {
    const auth = ({ n }: AuthStep): AuthAnswer => (n <= 5 ? { challenge: n === 3 ? '' : `${n}` } : { success: 'end' })
    let steps = 0
    const verified: string[] = []
    const { client, server } = await scene(
      { auth },
      {
        method,
        start: async () => {
          await turns()
          return {
            respond: async (challenge) => {
              await turns()
              return `${++steps}:${challenge.length}`
            },
            verify: async (last) => void (await turns(), verified.push(new TextDecoder().decode(last))),
          }
        },
      },
    )
    await client.connect()
    expect(data(server.received('auth'))).toEqual(['1:1', '2:1', '3:0', '4:1', '5:1'])
    expect(verified).toEqual(['end'])
  })

  test('sends a token of the credentials in one line, and no data without one', async () => {
    const source = { credentials: () => ({ username: user, password, authenticationData: 'a token' }) }
    const withToken = await scene({}, { method }, source)
    await withToken.client.connect()
    expect(withToken.server.received('connect')[0]).toMatchObject({
      username: user,
      properties: { authenticationMethod: method, authenticationData: Buffer.from('a token') },
    })
    const without = await scene({}, { method })
    await without.client.connect()
    expect(data(without.server.received('connect'))).toEqual([undefined])
  })

  test('begins anew for each connection', async () => {
    const begun: AuthenticationExchange[] = []
    const { client, server, next } = await scene(
      {},
      {
        method,
        start: () => {
          begun.push({ data: `${begun.length}` })
          return begun.at(-1)
        },
      },
      { reconnect: { initialDelay: 1, maxDelay: 1 } },
    )
    await client.connect()
    server.kick('reset')
    await next('connectionResumed')
    expect(data(server.received('connect'))).toEqual(['0', '1'])
  })

  test('keeps back what comes with the CONNACK until the server is verified', async () => {
    const script: Behaviour = {
      auth: { success: 'proof' },
      connack: { sessionPresent: true },
      steps: [{ at: 'connack', do: (connection) => void connection.publish('early', 'x', { qos: 1 }) }],
    }
    const order: string[] = []
    let trust = () => {}
    const { client, server } = await scene(
      script,
      {
        method,
        start: () => ({ verify: () => new Promise<void>((resolve) => (trust = resolve)) }),
      },
      { onMessage: ({ topic }) => order.push(topic) },
    )
    const connected = client.connect()
    await server.waitFor('connect')
    await turns()
    server.publish('later', 'x')
    await turns()
    expect(client.status.state).toBe('connecting')
    expect(order).toEqual([])
    trust()
    await connected
    await until(() => order.length === 2, 'the messages')
    expect(order).toEqual(['early', 'later'])
  })
})

describe('the attempt ends', () => {
  const protocol = (message: string): Failure => ({ kind: 'protocol', message })
  const authentication = (step: 'start' | 'respond' | 'verify', name: string): Failure => ({
    kind: 'authentication',
    step,
    name,
  })
  const auth = (reasonCode: number, authenticationMethod = method): Behaviour => ({
    steps: [{ at: 'connect', do: { send: { cmd: 'auth', reasonCode, properties: { authenticationMethod } } } }],
  })
  const challenge: Behaviour = { auth: ({ n }) => (n === 1 ? { challenge: 'a' } : { success: 'b' }) }

  test.each<[string, Behaviour, Authentication['start'], Failure]>([
    [
      'the server refuses',
      { auth: { refuse: 0x87 } },
      undefined,
      { kind: 'refused', protocolVersion: 5, reasonCode: 0x87 },
    ],
    [
      'the server does not know the method',
      { auth: { refuse: 0x8c } },
      undefined,
      { kind: 'refused', protocolVersion: 5, reasonCode: 0x8c },
    ],
    [
      'the server is silent after a challenge',
      { auth: ({ n }) => n === 1 && { challenge: 'a' } },
      () => exchange,
      { kind: 'timeout', phase: 'authentication' },
    ],
    [
      'the application is',
      challenge,
      () => ({ respond: () => new Promise(() => {}) }),
      { kind: 'timeout', phase: 'authentication' },
    ],
    [
      'AUTH has another method',
      auth(0x18, 'OTHER'),
      () => exchange,
      protocol('AUTH with another Authentication Method'),
    ],
    [
      'CONNACK has another method',
      { connack: { properties: { authenticationMethod: 'OTHER' } } },
      () => exchange,
      protocol('CONNACK with another Authentication Method'),
    ],
    ['AUTH says success', auth(0), () => exchange, protocol('AUTH with the reason code 0x00')],
    ['AUTH says re-authenticate', auth(0x19), () => exchange, protocol('AUTH with the reason code 0x19')],
    [
      'AUTH says something else',
      { steps: [{ at: 'connect', do: { bytes: Uint8Array.of(0xf0, 1, 0x44) } }] },
      () => exchange,
      protocol('AUTH with another Authentication Method'),
    ],
    [
      'the CONNACK does not wait for the answer',
      {
        auth: { challenge: 'a' },
        steps: [
          {
            at: 'connect',
            do: (connection) => {
              const properties = { authenticationMethod: method }
              connection.send({ cmd: 'auth', reasonCode: 0x18, properties })
              connection.send({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties })
            },
          },
        ],
      },
      () => exchange,
      protocol('CONNACK before the answer to a challenge'),
    ],
    [
      'two challenges come at a time',
      {
        steps: [
          {
            at: 'connect',
            do: (connection) =>
              [1, 2].map(() =>
                connection.send({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: method } }),
              ),
          },
        ],
      },
      () => exchange,
      protocol('AUTH before the answer to the one before'),
    ],
    [
      'AUTH is malformed',
      { steps: [{ at: 'connect', do: { bytes: Uint8Array.of(0xf1, 0) } }] },
      () => exchange,
      protocol('AUTH with invalid flags (MQTT 5 §2.1.3)'),
    ],
    [
      'the server closes in the middle',
      { steps: [{ at: 'auth', do: 'close' }], auth: { challenge: 'a' } },
      () => exchange,
      { kind: 'closed', beforeConnack: true },
    ],
    [
      'the server has the wrong signature',
      challenge,
      () => ({ ...exchange, verify: () => false }),
      authentication('verify', 'ServerRefusedError'),
    ],
    ['verify throws', challenge, () => ({ ...exchange, verify: wrong }), authentication('verify', 'RangeError')],
    [
      'verify rejects',
      challenge,
      () => ({ ...exchange, verify: async () => wrong() }),
      authentication('verify', 'RangeError'),
    ],
    ['nothing answers a challenge', challenge, () => ({}), authentication('respond', 'InvalidOptionError')],
    ['respond rejects', challenge, () => ({ respond: async () => wrong() }), authentication('respond', 'RangeError')],
    [
      'respond gives a number',
      challenge,
      () => ({ respond: () => 1 as never }),
      authentication('respond', 'InvalidOptionError'),
    ],
    [
      'respond gives too much',
      challenge,
      () => ({ respond: () => 'x'.repeat(65_536) }),
      authentication('respond', 'InvalidOptionError'),
    ],
    ['start throws', {}, wrong, authentication('start', 'RangeError')],
    ['start gives a text', {}, () => 'x' as never, authentication('start', 'InvalidOptionError')],
    ['start gives no function', {}, () => ({ verify: 'x' as never }), authentication('start', 'InvalidOptionError')],
  ])('if %s', async (_, behaviour, start, failure) => {
    const s = await scene(
      behaviour,
      { method, ...(start && { start }) },
      {
        ...(failure.kind === 'timeout' && { timeouts: { authenticationTimeout: 20 } }),
      },
    )
    const error = await s.client.connect().then(String, (thrown: unknown) => thrown)
    expect(s.heard('gaveUp')[0]?.failure).toEqual(failure)
    const isOurs = failure.kind === 'authentication'
    expect(s.errors).toEqual(isOurs ? [['authentication', (error as Error).cause]] : [])
    await s.server.waitFor(() => s.server.openSockets === 0)
    expect(s.server.connections).toHaveLength(isOurs && failure.step === 'start' ? 0 : 1)
  })

  test('for good if the application says that the account is wrong', async () => {
    const start = () => {
      throw new InvalidCredentialsError('unknown user')
    }
    const s = await scene({}, { method, start }, { reconnect: {}, recovery: {} })
    await expect(s.client.connect()).rejects.toThrow('start failed with InvalidCredentialsError')
    expect(s.client.status.state).toBe('failed')
  })

  test.each(['start', 'respond', 'verify'] as const)('on dispose while %s is under way', async (step) => {
    let aborted: AbortSignal | undefined
    let begun = false
    const wait = () => {
      begun = true
      return new Promise<never>(() => {})
    }
    const s = await scene(challenge, {
      method,
      start: ({ signal }) => {
        aborted = signal
        return step === 'start' ? wait() : { ...exchange, [step]: wait }
      },
    })
    const connecting = s.client.connect().catch(String)
    await until(() => begun, step)
    await s.client[Symbol.asyncDispose]()
    await connecting
    expect(aborted?.aborted).toBe(true)
    await s.server.waitFor(() => s.server.openSockets === 0)
    expect(s.errors).toEqual([])
  })
})

test('AUTH without enhanced authentication ends the connection', async () => {
  const server = await serve('mqtt')
  const { client, next } = startClient({ url: server.url, options: { protocolVersion: 5 } })
  await client.connect()
  server.send({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: method } })
  const message = 'AUTH that the client has not asked for'
  expect((await next('connectionInterrupted')).failure).toEqual({ kind: 'protocol', message })
  expect((await server.waitFor('disconnect')).reasonCode).toBe(0x82)
})

describe('a planned renewal', () => {
  const LIFETIME = 10_000

  /** A client whose tokens are numbered, on a clock that moves from one renewal to the next. */
  async function renewals(auth: Behaviour['auth'], authentication: Partial<Authentication> = {}) {
    const clock = createTestClock()
    let issued = 0
    const s = await scene(
      { ...(auth !== undefined && { auth }) },
      { method, ...authentication },
      {
        options: { protocolVersion: 5, authentication: { method, ...authentication }, keepalive: 0, clean: true },
        clock,
        now: clock.now,
        timeouts: { authenticationTimeout: 300 },
        credentials: (): Credentials => ({
          authenticationData: `token ${++issued}`,
          expiresAt: clock.now() + LIFETIME,
        }),
      },
    )
    await s.client.connect()
    return { ...s, clock, due: () => clock.tickAsync(0.9 * LIFETIME) }
  }

  test('passes the new token on the open connection, and messages flow meanwhile', async () => {
    const { client, server, due, heard, next } = await renewals(({ reauthentication }) =>
      reauthentication ? false : { success: undefined },
    )
    const received: string[] = []
    await client.subscribe('in', (message) => void received.push(message.text())).ready
    for (const n of [1, 2]) {
      await due()
      await server.waitFor('auth', { count: n })
      await client.publish('out', `${n}`, { qos: 1 })
      server.publish('in', `${n}`)
      await until(() => received.length === n, 'the message')
      expect(client.status.state).toBe('connected')
      expect(client.isConnected).toBe(true)
      expect(heard('reauthenticated')).toHaveLength(n - 1)
      const renewed = next('reauthenticated')
      // Without the method, as short as an AUTH can be.
      server.kick({ bytes: Uint8Array.of(0xf0, 0) })
      await renewed
    }
    expect(server.received('auth')).toMatchObject(
      [2, 3].map((n) => ({
        reasonCode: 0x19,
        properties: { authenticationMethod: method, authenticationData: Buffer.from(`token ${n}`) },
      })),
    )
    expect(server.connections).toHaveLength(1)
    expect(server.received('subscribe')).toHaveLength(1)
    expect(client.status.counters).toMatchObject({ connects: 1, reauthentications: 2, tokenRefreshes: 3 })
    expect(heard('connectionInterrupted')).toEqual([])
  })

  /** With whether it tries again, and the code of our DISCONNECT, if the server was not the first to end the connection. */
  test.each<[string, Behaviour['auth'], Partial<Authentication>, object, number, readonly number[]]>([
    [
      'refuses it',
      ({ reauthentication }) => (reauthentication ? { refuse: 0x87 } : { success: undefined }),
      {},
      { kind: 'disconnected', reasonCode: 0x87, reauthenticating: true },
      1,
      [],
    ],
    [
      'does not take AUTH',
      ({ reauthentication }) => (reauthentication ? { refuse: 0x82 } : { success: undefined }),
      {},
      { kind: 'disconnected', reasonCode: 0x82, reauthenticating: true },
      0,
      [],
    ],
    [
      'finds AUTH too large',
      ({ reauthentication }) => (reauthentication ? { refuse: 0x95 } : { success: undefined }),
      {},
      { kind: 'disconnected', reasonCode: 0x95, reauthenticating: true },
      0,
      [],
    ],
    [
      'answers something else',
      ({ reauthentication }) => (reauthentication ? false : { success: undefined }),
      {},
      { kind: 'protocol', message: 'AUTH with the reason code 0x19', reauthenticating: true },
      0,
      [0x82],
    ],
    [
      'is silent',
      ({ reauthentication }) => !reauthentication && { success: undefined },
      {},
      { kind: 'timeout', phase: 'authentication' },
      0,
      [0],
    ],
    [
      'is not trusted',
      undefined,
      {
        start: ({ reauthentication, credentials }) => ({
          data: credentials?.authenticationData,
          verify: () => !reauthentication,
        }),
      },
      { kind: 'authentication', step: 'verify', name: 'ServerRefusedError' },
      1,
      [0x80],
    ],
  ])('replaces the connection if the server %s', async (_, auth, authentication, failure, again, goodbye) => {
    const { client, server, due, heard, clock, next } = await renewals(auth, authentication)
    const failed = next('reauthenticationFailed')
    await due()
    await server.waitFor('auth')
    await clock.tickAsync('phase' in failure ? 300 : 0)
    const properties = { authenticationMethod: method }
    if ('message' in failure) server.send({ cmd: 'auth', reasonCode: 0x19, properties })
    expect((await failed).failure).toEqual(failure)
    await server.waitFor('connect', { count: 2 })
    await until(() => client.isConnected, 'the new connection')
    expect(data(server.received('connect'))).toEqual(['token 1', 'token 2'])
    expect(heard('connectionInterrupted')).toEqual([])
    expect(heard('reconnectScheduled')).toEqual([])
    const disconnects = server.received('disconnect').map(({ reasonCode }) => reasonCode)
    expect(disconnects).toEqual(goodbye)

    const renewed = server.waitFor(() => server.received('auth').length + server.received('connect').length === 4)
    await due()
    await renewed
    expect(server.received('auth').length - 1, 'tries again').toBe(again)
  })

  test('replaces the connection with reauthenticate: false', async () => {
    const { server, due } = await renewals(undefined, { reauthenticate: false })
    await due()
    await server.waitFor('connect', { count: 2 })
    expect(server.received('auth')).toEqual([])
  })

  test('answers a challenge, and calls start with the new credentials', async () => {
    const requests: unknown[] = []
    const { client, server, due, next } = await renewals(
      ({ reauthentication, n }) => (reauthentication && n === 1 ? { challenge: 'again' } : { success: undefined }),
      {
        start: ({ reauthentication, credentials }) => {
          requests.push([reauthentication, credentials?.authenticationData])
          return exchange
        },
      },
    )
    const renewed = next('reauthenticated')
    await due()
    await renewed
    expect(requests).toEqual([
      [false, 'token 1'],
      [true, 'token 2'],
    ])
    expect(data(server.received('auth'))).toEqual(['first', 'again'])
    expect(client.status.counters.reauthentications).toBe(1)
  })

  test('is given up on dispose', async () => {
    let signal: AbortSignal | undefined
    const { client, server, due, errors } = await renewals(
      ({ reauthentication }) => !reauthentication && { success: undefined },
      { start: (request) => ((signal = request.signal), {}) },
    )
    await due()
    await server.waitFor('auth')
    await client[Symbol.asyncDispose]()
    expect(signal?.aborted).toBe(true)
    expect(server.received('disconnect').map(({ reasonCode }) => reasonCode)).toEqual([0])
    expect(errors).toEqual([])
  })
})

test('no data of an exchange appears in events, logs, inspection, packets or the status', async () => {
  const secret = 'planted-secret'
  const clock = createTestClock()
  let calls = 0
  const auth = ({ n, reauthentication }: AuthStep): AuthAnswer => {
    if (n === 1) return { challenge: `${secret}-challenge` }
    return reauthentication && ++calls === 2 ? { refuse: 0x87 } : { success: `${secret}-success` }
  }
  const s = await scene(
    { auth },
    { method },
    {
      options: {
        protocolVersion: 5,
        keepalive: 0,
        authentication: {
          method,
          start: ({ credentials }) => ({
            data: credentials?.authenticationData,
            respond: () => `${secret}-answer`,
            verify: () => true,
          }),
        },
      },
      clock,
      now: clock.now,
      credentials: () => ({
        password: `${secret}-password`,
        authenticationData: `${secret}-token`,
        expiresAt: clock.now() + 10_000,
      }),
    },
  )
  const packets: unknown[] = []
  s.client.on('packetsend', (packet) => packets.push(packet))
  s.client.on('packetreceive', (packet) => packets.push(packet))
  await s.client.connect()
  for (const event of ['reauthenticated', 'reauthenticationFailed'] as const) {
    const over = s.next(event)
    await clock.tickAsync(9_000)
    await over
  }
  await until(() => s.client.isConnected, 'the connection')
  expect(packets).toContainEqual(expect.objectContaining({ type: 'auth', reasonCode: 0x19, direction: 'sent' }))
  expect(packets).toContainEqual(expect.objectContaining({ type: 'auth', reasonCode: 0x18, direction: 'received' }))
  const { told, lines, inspected, client } = s
  const seen = [
    told,
    lines,
    packets,
    client.status,
    inspected.map((event) => ('event' in event ? event.event : undefined)),
  ]
  expect(JSON.stringify(seen)).not.toContain(secret)
  expect(JSON.stringify(client.actor.getPersistedSnapshot())).not.toContain(secret)
  expect(data(s.server.received('auth')), 'the search works').toContain(`${secret}-answer`)
})
