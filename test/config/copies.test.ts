import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { Agent } from 'node:http'
import { describe, expect, test } from 'vitest'

import type { Credentials } from '../../src/api/credentials.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from '../../src/api/options.ts'
import { readCredentials } from '../../src/config/client-rules.ts'
import { parseFleetOptions, readFleetClientOptions } from '../../src/config/fleet-options.ts'
import { parseConnectOptions, parseOptions } from '../../src/config/parse-options.ts'
import { InvalidOptionError, ResilientMqttClient } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'

const url = 'mqtt://127.0.0.1:1'
const nothing = () => undefined

/** Objects that the client uses as they are. */
const live = {
  agent: new Agent(),
  key: createPrivateKey(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
  clock: createTestClock(),
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  inspect: { next: nothing },
  gate: { ask: nothing as never },
  store: { open: nothing, batch: nothing, iterator: nothing } as never,
  allow: () => true,
  random: () => 0.5,
  now: () => 1,
  checkServerIdentity: nothing,
  createWebSocket: nothing,
}

/** Each option is given, also in groups. */
type Complete<Options> = { [Name in keyof Options]-?: Required<NonNullable<Options[Name]>> }

/** Options of TLS that have no rule. */
const ofNode = (): object => ({
  checkServerIdentity: live.checkServerIdentity,
  ticketKeys: Uint8Array.of(10),
  ofTomorrow: { a: [1] },
})

/** Every option for connecting, none of them with its default. */
const connectOptions = () =>
  ({
    url: ['mqtt://a:1', 'mqtt://b:2'],
    clientId: 'mine',
    protocolVersion: 5,
    keepalive: 5_000,
    clean: false,
    sessionExpiry: 60_000,
    username: 'me',
    password: Uint8Array.of(1, 2, 3),
    will: {
      topic: 'gone',
      payload: Uint8Array.of(4, 5, 6),
      qos: 1,
      retain: true,
      delay: 1_000,
      properties: { contentType: 'a', correlationData: Uint8Array.of(7), userProperties: { a: ['b', 'c'] } },
    },
    receiveMaximum: 7,
    maximumPacketSize: 1_000,
    topicAliasMaximum: 4,
    autoAssignTopicAlias: true,
    userProperties: { a: 'b', c: ['d', 'e'] },
    authentication: { method: 'TOKEN', start: nothing, reauthenticate: false },
    tls: {
      ca: ['one', Uint8Array.of(8)],
      cert: Uint8Array.of(9),
      key: live.key as never,
      pfx: 'pfx',
      passphrase: 'phrase',
      servername: 'name',
      rejectUnauthorized: false,
      ALPNProtocols: ['mqtt'],
      minVersion: 'TLSv1.3',
      ...ofNode(),
    },
    wsOptions: {
      headers: { Authorization: 'Basic abc' },
      agent: live.agent,
      perMessageDeflate: { level: 9 } as never,
      createWebSocket: live.createWebSocket,
    },
    // `socket` excludes `agent`, and a function is not copied.
  }) satisfies Complete<Omit<ConnectOptions, 'socket'>>

/** Every option of a client, none of them with its default. `servers` and `failover` exclude `url`. */
const clientOptions = () =>
  ({
    name: 'pump',
    url: ['mqtt://c:3'],
    options: connectOptions(),
    credentials: nothing as never,
    refreshBefore: 1_000,
    reconnect: { enabled: false, maxAttempts: 3, initialDelay: 1, multiplier: 3, maxDelay: 9, jitter: 'none' },
    recovery: {
      enabled: false,
      maxAttempts: 3,
      initialDelay: 1,
      multiplier: 3,
      maxDelay: 9,
      jitter: 'none',
      refreshTokenEvery: 1,
      recreateClient: false,
    },
    timeouts: {
      connectTimeout: 1,
      subscribeTimeout: 2,
      refreshTimeout: 3,
      disconnectTimeout: 4,
      probeTimeout: 5,
      ackTimeout: 6,
      birthTimeout: 8,
      stableAfter: 7,
      authenticationTimeout: 9,
    },
    redirect: { allow: live.allow, maxHops: 1 },
    refreshAfterCloses: 2,
    onTakeover: 'retry-later',
    evaluateOptions: 'per-attempt',
    onGiveUp: 'wait',
    birth: nothing,
    outbox: { maxMessages: 5, maxBytes: 6, overflow: 'drop-oldest', rate: { messages: 7, bytes: 8 } },
    inbox: { claimTimeout: 1, maxUnclaimed: 2, stallAfter: 3, maxUnprocessed: 4, maxUnprocessedBytes: 5 },
    subscriptions: { batchSize: 8, onSessionPresent: 'always' },
    quarantine: { after: 1, initialDelay: 2, maxDelay: 3 },
    onMessage: nothing,
    expectTrafficWithin: 9,
    store: live.store,
    responseTopic: 'mine/answers',
    wakeOn: ['online'],
    gate: live.gate,
    logger: live.logger,
    inspect: live.inspect,
    recorder: { file: 'recording.jsonl', maxBytes: 70_000, maxAge: 80_000 },
    clock: live.clock,
    classify: nothing,
    random: live.random,
    now: live.now,
  }) satisfies Complete<Omit<ResilientMqttClientOptions, 'servers' | 'failover' | 'recorder'>> &
    Pick<ResilientMqttClientOptions, 'recorder'>

const credentials = () =>
  ({
    username: 'me',
    password: Uint8Array.of(1, 2),
    url: 'mqtt://d:4',
    authenticationData: Uint8Array.of(3),
    wsHeaders: { Authorization: 'Basic abc' },
    expiresAt: 5,
  }) satisfies Required<Credentials>

const parsers = [
  ['the options of a client', clientOptions, parseOptions],
  ['options for connecting', connectOptions, (given: ConnectOptions) => parseConnectOptions(given, false)],
  ['credentials', credentials, readCredentials],
  ['the options of a fleet', () => ({ maxConnecting: 3, connectRate: 4, shared: shared() }), parseFleetOptions],
  ['the options of a client of a fleet', shared, readFleetClientOptions],
] as const satisfies readonly (readonly [string, () => object, (given: never) => object])[]

type Parse = (given: object) => object

function shared() {
  const { gate: _, ...others } = clientOptions()
  return others
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))

const isLive = (value: unknown) => Object.values<unknown>(live).includes(value)

/** Groups of our options, as opposed to records, whose names are data, and to an option of ws. */
const isGroup = (value: unknown, name: string) =>
  isPlain(value) && !isLive(value) && !['headers', 'wsHeaders', 'userProperties', 'perMessageDeflate'].includes(name)

const inherited = (options: object): object => Object.create(eachGroup(options, inherited)) as object

const gettersOfClass = (options: object): object => {
  const prototype = {}
  for (const [name, value] of Object.entries(eachGroup(options, gettersOfClass))) {
    // Like a getter of a class, it is not enumerable.
    Object.defineProperty(prototype, name, { get: () => value as unknown })
  }
  return Object.create(prototype) as object
}

const eachGroup = (options: object, change: (group: object) => object): object =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, isGroup(value, name) ? change(value as object) : value]),
  )

describe.each([
  ['inherited', inherited],
  ['getters of a class', gettersOfClass],
])('options that are %s count', (_, changed) => {
  // Node knows more options of TLS, and their names are not ours to read from a class.
  const plain = { ...clientOptions(), options: { ...connectOptions(), tls: { servername: 'name', pfx: 'pfx' } } }

  test.each(Object.keys(plain))('%s', (name) => {
    const given = { url, [name]: plain[name as keyof typeof plain] }
    expect(parseOptions(changed(given))).toEqual(parseOptions(given))
    expect(parseOptions(given), 'the value is not the default').not.toEqual(parseOptions({ url }))
  })

  test.each(Object.keys(plain.options))('options.%s', (name) => {
    const given = {
      clientId: 'id',
      protocolVersion: 5 as const,
      [name]: plain.options[name as keyof typeof plain.options],
    }
    expect(parseConnectOptions(changed(given), false)).toEqual(parseConnectOptions(given, false))
  })

  test('in credentials', () => {
    expect(readCredentials(changed(credentials()))).toEqual(readCredentials(credentials()))
  })

  test('in a fleet', () => {
    const { options: _options, ...others } = shared()
    const given = { maxConnecting: 3, connectRate: 4, shared: others }
    expect(parseFleetOptions(changed(given))).toEqual(parseFleetOptions(given))
    expect(readFleetClientOptions(changed(others))).toEqual(readFleetClientOptions(others))
  })
})

test('inherited names in a record count', () => {
  const record = Object.create({ a: 'b' }) as Record<string, string>
  const parsed = parseConnectOptions({ userProperties: record, wsOptions: { headers: record } }, false)
  expect(parsed).toMatchObject({ userProperties: { a: 'b' }, wsOptions: { headers: { a: 'b' } } })
})

// Node throws on them.
test('headers that are undefined are left out', () => {
  const headers = { a: 'b', c: undefined } as never
  const parsed = [parseConnectOptions({ wsOptions: { headers } }, false).wsOptions?.headers]
  expect(
    [...parsed, readCredentials({ wsHeaders: headers }).wsHeaders].map((each) => Object.entries(each ?? {})),
  ).toEqual([[['a', 'b']], [['a', 'b']]])
})

test.each(parsers)('%s are frozen, deeply', (_, options, parse) => {
  const open: string[] = []
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || isLive(value)) return
    if (!Object.isFrozen(value)) open.push(path)
    for (const [name, each] of Object.entries(value)) visit(each, `${path}.${name}`)
  }
  visit((parse as Parse)(options()), 'config')
  expect(open).toEqual([])
})

test.each(parsers)('%s are copied: later changes have no effect', (_, options, parse) => {
  const given = options()
  const parsed = (parse as Parse)(given)
  destroy(given)
  expect(parsed).toEqual((parse as Parse)(options()))
})

/** Changes everything that can be changed. */
function destroy(value: unknown): void {
  if (ArrayBuffer.isView(value)) new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(255)
  if (isLive(value) || !(isPlain(value) || Array.isArray(value))) return
  for (const each of Object.values(value)) destroy(each)
  if (Array.isArray(value)) value.splice(0, value.length, 'changed')
  else for (const name of Object.keys(value)) value[name] = 'changed'
}

test('what is not data is used as it is', () => {
  const config = parseOptions(clientOptions())
  const { clock, logger, gate, store, inspect, random, now, redirect } = config
  expect({ clock, logger, gate, store, inspect, random, now, allow: redirect.allow }).toEqual({
    clock: expect.toSatisfy((value) => value === live.clock),
    logger: expect.toSatisfy((value) => value === live.logger),
    gate: expect.toSatisfy((value) => value === live.gate),
    store: expect.toSatisfy((value) => value === live.store),
    inspect: expect.toSatisfy((value) => value === live.inspect),
    random: live.random,
    now: live.now,
    allow: live.allow,
  })
  const { tls, wsOptions } = parseConnectOptions(connectOptions(), false)
  expect(wsOptions?.agent).toBe(live.agent)
  expect(tls?.key).toBe(live.key)
  expect(tls).toHaveProperty('checkServerIdentity', live.checkServerIdentity)
})

describe('each option is read once', () => {
  test.each(parsers)('%s', (_, options, parse) => {
    const reads: string[] = []
    ;(parse as Parse)(counted(options(), '', reads))
    expect(reads.length).toBeGreaterThan(1)
    expect(reads.toSorted()).toEqual([...new Set(reads)].toSorted())
  })

  test('so a getter cannot pass the check and then return something else', () => {
    let calls = 0
    const outbox = {
      get maxMessages() {
        return calls++ === 0 ? 5 : Number.NaN
      },
    }
    expect(parseOptions({ url, outbox }).outbox.maxMessages).toBe(5)
  })
})

/** Notes each reading of a property. */
function counted(options: object, path: string, reads: string[]): object {
  const nested = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      isPlain(value) && !isLive(value) ? counted(value, `${path}${name}.`, reads) : value,
    ]),
  )
  return new Proxy(nested, {
    get: (target, name, receiver) => {
      if (name in target) reads.push(path + String(name))
      return Reflect.get(target, name, receiver) as unknown
    },
  })
}

describe('an option that cannot be read', () => {
  const failing = (name: string) =>
    Object.defineProperty({}, name, {
      enumerable: true,
      get: () => {
        throw new TypeError('planted')
      },
    })
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }
  const refusing = (trap: 'ownKeys' | 'get' | 'has' | 'getPrototypeOf') =>
    new Proxy(
      { a: 1 },
      {
        [trap]: () => {
          throw new TypeError('planted')
        },
      },
    )
  const table: [string, () => object, string][] = [
    ['a getter of the client', () => failing('url'), 'url cannot be read'],
    ['a getter of an unknown option', () => failing('odd'), 'odd cannot be read'],
    ['a getter of a group', () => ({ outbox: failing('maxMessages') }), 'outbox.maxMessages cannot be read'],
    [
      'a getter of a nested group',
      () => ({ options: { will: failing('topic') } }),
      'options.will.topic cannot be read',
    ],
    [
      'a getter of a record',
      () => ({ options: { userProperties: failing('a') } }),
      'options.userProperties cannot be read',
    ],
    ['a getter of a header', () => ({ options: { wsOptions: { headers: failing('a') } } }), 'headers cannot be read'],
    ['a getter of TLS', () => ({ options: { tls: failing('ofTomorrow') } }), 'options.tls.ofTomorrow cannot be read'],
    ['revoked options', () => revoked(), 'url must be passed in an object'],
    ['a revoked group', () => ({ outbox: revoked() }), 'outbox must be an object, got an object'],
    ['revoked options for connecting', () => ({ options: revoked() }), 'options must be an object, or a function'],
    ['a revoked value', () => ({ timeouts: { ackTimeout: revoked() } }), 'timeouts.ackTimeout must be milliseconds'],
    ['a revoked URL', () => ({ url: revoked() }), 'url '],
    ...(['ownKeys', 'get', 'has'] as const).map((trap): [string, () => object, string] => [
      `a proxy that refuses ${trap}`,
      () => ({ outbox: refusing(trap) }),
      'outbox',
    ]),
  ]

  test.each(table)('%s', (_, options, message) => {
    const create = () => new ResilientMqttClient(options() as ResilientMqttClientOptions)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(message)
  })

  test('keeps the error of the application as the cause', () => {
    const parse = () => parseOptions({ url, outbox: failing('maxMessages') as object })
    expect(parse).toThrow(expect.objectContaining({ cause: new TypeError('planted') }) as Error)
  })

  test.each(['publish', 'subscribe', 'request', 'startPeriodicRequests', 'connect', 'disconnect', 'waitFor'] as const)(
    'in %s',
    async (call) => {
      await using client = new ResilientMqttClient({ url })
      const calls: Record<typeof call, (options: never) => unknown> = {
        publish: (options) => client.publish('a', 'x', options),
        subscribe: (options) => client.subscribe('a', nothing, options),
        request: (options) => client.request('a', 'x', options),
        startPeriodicRequests: (options) => client.startPeriodicRequests(options),
        connect: (options) => client.connect(options),
        disconnect: (options) => client.disconnect(options),
        waitFor: (options) => client.waitFor('connected', options),
      }
      for (const options of [failing('signal'), failing('qos'), refusing('ownKeys'), refusing('getPrototypeOf')]) {
        const called = (async () => calls[call](options as never))()
        await expect(called).rejects.toBeInstanceOf(InvalidOptionError)
      }
      await expect((async () => calls[call](revoked() as never))()).rejects.toThrow('must be an object, got an object')
    },
  )
})

describe('options of calls that are inherited, or getters of a class, count', () => {
  test.each([
    ['inherited', inherited],
    ['getters of a class', gettersOfClass],
  ])('%s', async (_, changed) => {
    await using client = new ResilientMqttClient({ url })
    const call = (options: object) => changed(options) as never
    await expect(client.publish('a', 'x', call({ qos: 7 }))).rejects.toThrow('qos must be 0, 1 or 2, got 7')
    expect(() => client.subscribe('a', nothing, call({ retry: { maxAttempts: -1 } }))).toThrow('retry.maxAttempts')
    await expect(client.request('a', 'x', call({ timeout: -1 }))).rejects.toThrow('timeout')
    await expect(client.waitFor('connected', call({ timeout: 'x' }))).rejects.toThrow('timeout')
    await expect(client.disconnect(call({ outbox: 'x' }))).rejects.toThrow('outbox')
  })
})
