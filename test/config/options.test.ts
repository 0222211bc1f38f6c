import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'

import { createConnectionMachine, ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

type Bad = { readonly [K in keyof ResilientMqttClientOptions]?: unknown }

const url = 'mqtt://127.0.0.1:1'
const duration = 'must be milliseconds between 0 and 2147483647'
const count = 'must be a whole number of at least 0, or Infinity'
const boolean = 'must be true or false'
const noUrl = 'must be a string with a URL, such as mqtt://localhost:1883'
const noHost = 'must have a host, such as mqtt://localhost:1883'
const fourMethods = 'must have the methods debug(), info(), warn(), error()'

const durations = [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', null].map(
  (value) => [value, String(value)] as const,
)
const shown = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Options, then the message. */
const table: [Bad, string][] = [
  [{}, 'url must be given, unless servers, options or credentials provide it'],
  [{ url: '' }, `url ${noUrl}`],
  [
    { username: 'me', password: 'pass' } as Bad,
    'username is not an option of the client: did you mean options.username?',
  ],
  [
    { rejectUnauthorized: false } as Bad,
    'rejectUnauthorized is not an option of the client: did you mean options.tls.rejectUnauthorized?',
  ],
  [{ reconnectPeriod: 1_000 } as Bad, 'reconnectPeriod is not an option of the client: see reconnect'],
  [
    { connectTimeout: 1_000 } as Bad,
    'connectTimeout is not an option of the client: did you mean timeouts.connectTimeout?',
  ],
  [{ recconect: {} } as Bad, 'recconect is not an option of the client: did you mean reconnect?'],
  [{ options: { authentication: 'JWT' } }, 'options.authentication must be an object'],
  [{ options: { authentication: {}, protocolVersion: 5 } }, 'options.authentication.method must be given'],
  [
    { options: { authentication: { method: 1 }, protocolVersion: 5 } },
    'options.authentication.method must be a string, got 1',
  ],
  ...[undefined, 4, 'auto'].map((protocolVersion): [Bad, string] => [
    { options: { authentication: { method: 'JWT' }, ...(protocolVersion && { protocolVersion }) } },
    `options.authentication needs protocolVersion: 5, because MQTT 3.1.1 has no AUTH${protocolVersion ? `, got ${JSON.stringify(protocolVersion)}` : ''}`,
  ]),
  [
    { options: { authentication: { method: 'JWT', start: 'x' }, protocolVersion: 5 } },
    'options.authentication.start must be a function, got "x"',
  ],
  [
    { options: { authentication: { method: 'JWT', respond: () => {} } } },
    'options.authentication.respond is not an option of options.authentication',
  ],
  [
    { options: { authenticationMethod: 'JWT' } },
    'options.authenticationMethod is not an option of options: see options.authentication.method',
  ],
  [{ url: 'localhost' }, `url ${noUrl}`],
  [{ url: 1883 }, 'url must be a string with a URL, or a list of at least one'],
  [{ url: new URL('mqtt://a:planted@b') }, 'url must be a string with a URL, or a list of at least one'],
  [{ url: [] }, 'url must be a string with a URL, or a list of at least one'],
  [{ url: [url, 'nowhere'] }, `url ${noUrl}`],
  [{ url: 'mqtt:localhost' }, `url ${noHost}`],
  [{ url: 'mqtt://' }, `url ${noHost}`],
  [{ url: 'https://example.org' }, 'url must begin with mqtt:, mqtts:, ws: or wss:, got "https:"'],
  [
    { url: 'mqtt+unix:///run/mqtt.sock' },
    'url must begin with mqtt:, mqtts:, ws: or wss: (for a Unix socket, see options.socket), got "mqtt+unix:"',
  ],
  [{ url: 'localhost:1883' }, 'url must begin with mqtt:, mqtts:, ws: or wss:, got "localhost:1883"'],
  [{ url: 'b.example:8883' }, 'url must begin with mqtt:, mqtts:, ws: or wss:, got "b.example:8883"'],

  ...(['reconnect', 'recovery'] as const).flatMap((tier): [Bad, string][] => [
    [{ [tier]: { enabled: 'yes' } }, `${tier}.enabled ${boolean}, got "yes"`],
    [{ [tier]: { maxAttempts: -1 } }, `${tier}.maxAttempts ${count}, got -1`],
    [{ [tier]: { maxAttempts: 1.5 } }, `${tier}.maxAttempts ${count}, got 1.5`],
    [{ [tier]: { maxAttempts: '3' } }, `${tier}.maxAttempts ${count}, got "3"`],
    [{ [tier]: { multiplier: 0.5 } }, `${tier}.multiplier must be at least 1, got 0.5`],
    [{ [tier]: { multiplier: '2' } }, `${tier}.multiplier must be at least 1, got "2"`],
    [{ [tier]: { multiplier: Number.NaN } }, `${tier}.multiplier must be at least 1, got NaN`],
    [
      { [tier]: { jitter: 'some' } },
      `${tier}.jitter must be one of "none", "equal", "full", "decorrelated", got "some"`,
    ],
    [
      { [tier]: { initialDelay: 500, maxDelay: 100 } },
      `${tier}.maxDelay must be at least ${tier}.initialDelay (500), got 100`,
    ],
    ...durations.flatMap(([value]): [Bad, string][] => [
      [{ [tier]: { initialDelay: value } }, `${tier}.initialDelay ${duration}, got ${shown(value)}`],
      [{ [tier]: { maxDelay: value } }, `${tier}.maxDelay ${duration}, got ${shown(value)}`],
    ]),
  ]),
  [{ recovery: { refreshTokenEvery: -1 } }, `recovery.refreshTokenEvery ${count}, got -1`],
  [{ recovery: { recreateClient: 1 } }, `recovery.recreateClient ${boolean}, got 1`],

  ...[
    'connectTimeout',
    'subscribeTimeout',
    'refreshTimeout',
    'disconnectTimeout',
    'probeTimeout',
    'stableAfter',
  ].flatMap((name) =>
    durations.map(([value]): [Bad, string] => [
      { timeouts: { [name]: value } },
      `timeouts.${name} ${duration}, got ${shown(value)}`,
    ]),
  ),
  ...(['reconnect', 'recovery', 'timeouts', 'redirect', 'outbox', 'subscriptions'] as const).flatMap((group) =>
    [null, 'some', 1, []].map((value): [Bad, string] => [
      { [group]: value },
      `${group} must be an object, got ${Array.isArray(value) ? 'an array' : shown(value)}`,
    ]),
  ),
  [{ expectTrafficWithin: -1 }, `expectTrafficWithin ${duration}, got -1`],
  [{ refreshBefore: -1 }, `refreshBefore ${duration}, got -1`],
  [{ redirect: { maxHops: -1 } }, `redirect.maxHops ${count}, got -1`],
  [{ redirect: { allow: 'all' } }, 'redirect.allow must be one of "own-hosts", "any", "none", got "all"'],
  [{ onTakeover: 'fight' }, 'onTakeover must be one of "fail", "retry-later", got "fight"'],
  [{ outbox: { maxMessages: -1 } }, `outbox.maxMessages ${count}, got -1`],
  [{ outbox: { maxBytes: 0.5 } }, `outbox.maxBytes ${count}, got 0.5`],
  [
    { outbox: { overflow: 'drop' } },
    'outbox.overflow must be one of "reject", "drop-oldest", "drop-newest", got "drop"',
  ],
  [{ subscriptions: { batchSize: 0 } }, 'subscriptions.batchSize must be a whole number between 1 and 65535, got 0'],
  [
    { subscriptions: { onSessionPresent: 'no' } },
    'subscriptions.onSessionPresent must be one of "skip", "always", got "no"',
  ],
  [{ options: { socket: 'unix:///tmp/sock' } }, 'options.socket must be a function, got "unix:///tmp/sock"'],
  [
    { options: { socket: () => {}, wsOptions: { agent: {} } } },
    'options.socket must not be given together with wsOptions.agent',
  ],
  ...([true, 'online', ['online', 'offline']] as const).map((value): [Bad, string] => [
    { wakeOn: value },
    `wakeOn must be false, or a list of online, visibilitychange, resume, pageshow, sleep, got ${Array.isArray(value) ? 'an array' : shown(value)}`,
  ]),
  [{ responseTopic: 'a/#' }, 'responseTopic must not contain wildcards, got "a/#"'],
  ...(['classify', 'random', 'now'] as const).map((name): [Bad, string] => [
    { [name]: {} },
    `${name} must be a function, got an object`,
  ]),
  [{ credentials: { username: 'me', password: 'pass' } }, 'credentials must be a function that returns credentials'],
  [{ logger: {} }, `logger ${fourMethods}, got an object`],
  [{ logger: 'console' }, `logger ${fourMethods}, got "console"`],
  [{ clock: Date }, 'clock must have the methods setTimeout(), clearTimeout(), got a function'],
  [{ inspect: {} }, 'inspect must have the methods next(), got an object'],

  ...[null, 'mqtt://me:pass@host', []].map((options): [Bad, string] => [
    { options },
    'options must be an object, or a function that returns one',
  ]),
  [{ options: { url: 'nowhere' } }, `options.url ${noUrl}`],
  [{ options: { clientId: 7 } }, 'options.clientId must be a string, got 7'],
  [{ options: { clean: 'no' } }, `options.clean ${boolean}, got "no"`],
  [
    { options: { clean: false } },
    'options.clientId must be given with clean: false, so that the broker finds the session again, unless there is a store',
  ],
  [
    { options: { userProperties: 'a=b' } },
    'options.userProperties must be strings, or lists of strings, of at most 65535 bytes',
  ],
  [{ options: { protocolVersion: 3 } }, 'options.protocolVersion must be one of 4, 5, "auto", got 3'],
  [{ options: { protocolVersion: '5' } }, 'options.protocolVersion must be one of 4, 5, "auto", got "5"'],
  ...[60, -1, Number.NaN, 65_536_000, '60000'].map((keepalive): [Bad, string] => [
    { options: { keepalive } },
    `options.keepalive is in milliseconds: it must be 0, or between 1000 and 65535000, got ${shown(keepalive)}`,
  ]),
  [{ options: { sessionExpiry: -1 } }, 'options.sessionExpiry must be at least 0, or Infinity, got -1'],
  [{ options: { receiveMaximum: 0 } }, 'options.receiveMaximum must be a whole number between 1 and 65535, got 0'],
  [
    { options: { maximumPacketSize: 0 } },
    'options.maximumPacketSize must be a whole number between 1 and 4294967295, got 0',
  ],
  [{ options: { username: 7 } }, 'options.username must be a string'],
  [{ options: { tls: 'x' } }, 'options.tls must be an object'],
  [{ options: { wsOptions: [] } }, 'options.wsOptions must be an object'],
  [{ options: { will: 'gone' } }, 'options.will must be an object'],
  [
    { options: { will: { topic: 'a', payload: '', properties: { contentType: 7 } } } },
    'options.will.properties.contentType must be a string of at most 65535 bytes',
  ],
  [{ options: { will: { payload: '' } } }, 'options.will.topic must be a string of at least 1 character'],
  [{ options: { will: { topic: 'a/+', payload: '' } } }, 'options.will.topic must not contain wildcards, got "a/+"'],
  [{ options: { will: { topic: 'a', payload: 7 } } }, 'options.will.payload must be a string or a Uint8Array'],
  [{ options: { will: { topic: 'a', payload: '', qos: 3 } } }, 'options.will.qos must be one of 0, 1, 2, got 3'],
  ...[-1, 4_294_967_295_001, Number.POSITIVE_INFINITY].map((delay): [Bad, string] => [
    { options: { will: { topic: 'a', payload: '', delay } } },
    `options.will.delay must be milliseconds between 0 and 4294967295000, got ${delay}`,
  ]),
]

test.each(table.map(([options, message]) => ({ options, message })))('$message', ({ options, message }) => {
  const timer = vi.spyOn(globalThis, 'setTimeout')
  const given =
    Object.keys(options).some((key) => key === 'url') || message.startsWith('url must be given') ? {} : { url }
  const create = () => new ResilientMqttClient({ ...given, ...options } as ResilientMqttClientOptions)
  expect(create).toThrow(
    expect.objectContaining({ name: 'InvalidOptionError', code: 'INVALID_OPTION', message }) as Error,
  )
  expect(timer).not.toHaveBeenCalled()
  timer.mockRestore()
})

test.for([undefined, null, 'mqtt://me:planted@host', []])('rejects %j instead of options', (options) => {
  for (const create of [(given: never) => new ResilientMqttClient(given), createConnectionMachine]) {
    expect(() => create(options as never)).toThrow(
      expect.objectContaining({
        name: 'InvalidOptionError',
        message: 'url must be passed in an object: { url }',
        value: undefined,
      }) as Error,
    )
  }
})

test('checks the options of a connection machine too', () => {
  expect(() => createConnectionMachine({ url, refreshBefore: -1 })).toThrow('refreshBefore')
})

test('an error quotes neither passwords nor URLs', () => {
  const secrets: Bad[] = [
    { options: 'mqtt://me:planted@host' },
    { options: ['planted'] },
    { options: { username: ['planted'] } },
    { options: { userProperties: 'planted' } },
    { options: { userProperties: { token: { planted: 'planted' } } } },
    { options: { tls: 'planted' } },
    { options: { wsOptions: 'planted' } },
    { options: { will: 'planted' } },
    { options: { will: { topic: 'a', payload: '', properties: { correlationData: 'planted' } } } },
    { credentials: { username: 'me', password: 'planted' } },
    { credentials: 'planted' },
    { password: 'planted' } as Bad,
    { url: 'nowhere://me:planted@host' },
    { url: 'me:planted@host' },
    { url: '//me:planted@host' },
    { url: ['mqtt://me:planted@'] },
    { options: { password: { planted: 'planted' } } },
    { options: { will: { topic: 'a', payload: ['planted'] } } },
    // URLs and secrets in the wrong place.
    { reconnect: 'mqtt://me:planted@host' },
    { reconnect: ['mqtt://me:planted@host'] },
    { onTakeover: 'mqtts://me:planted@host' },
    { onTakeover: { password: 'planted' } },
    { timeouts: { ackTimeout: 'password=planted' } },
    { timeouts: { ackTimeout: { password: 'planted' } } },
    { redirect: { allow: 'wss://host/?token=planted' } },
    { options: { clientId: ['mqtt://me:planted@host'] } },
    { options: { keepalive: 'mqtt://me:planted@host' } },
    { options: { will: { topic: 'mqtt://me:planted@host/+', payload: '' } } },
    { responseTopic: 'mqtt://me:planted@host/#' },
  ]
  for (const options of secrets) {
    const create = () => new ResilientMqttClient({ url, ...options } as ResilientMqttClientOptions)
    expect(create).toThrow(expect.objectContaining({ name: 'InvalidOptionError' }) as Error)
    expect(thrownBy(create)).not.toContain('planted')
  }
})

/** Everything that a logger could write. */
function thrownBy(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return inspect(error, { depth: 5 })
  }
  throw new Error('It returned')
}

describe('good options', () => {
  const good: [string, Bad][] = [
    ['a list of servers', { url: ['mqtt://a', 'mqtts://b:1', 'ws://c/mqtt', 'wss://[::1]:443/'] }],
    ['zero delays', { reconnect: { initialDelay: 0, maxDelay: 0 }, timeouts: { stableAfter: 0 } }],
    ['unlimited attempts', { reconnect: { maxAttempts: Infinity }, recovery: { maxAttempts: Infinity } }],
    ['jitter by a function', { reconnect: { jitter: (ceiling: number) => ceiling } }],
    ['the longest will delay', { options: { will: { topic: 'a', payload: '', delay: 4_294_967_295_000 } } }],
    ['the longest delay', { timeouts: { connectTimeout: 2 ** 31 - 1 } }],
    ['an observer as inspector', { inspect: { next: () => {} } }],
    ['a password of bytes', { options: { username: 'me', password: new Uint8Array(3) } }],
    ['undefined everywhere', { reconnect: undefined, timeouts: undefined, options: undefined, logger: undefined }],
  ]
  test.each(good)('%s', async (_, options) => {
    await using client = new ResilientMqttClient({ url, ...options } as ResilientMqttClientOptions)
    expect(client.status.state).toBe('idle')
  })

  test('are neither changed nor frozen', async () => {
    const server = await startServer()
    const options = {
      url: server.url,
      reconnect: { initialDelay: 5 },
      recovery: {},
      timeouts: {},
      options: {
        username: 'me',
        password: 'pass',
        will: { topic: 'a', payload: '' },
        tls: {},
        wsOptions: { headers: {} },
      },
    }
    const before = structuredClone(options)
    const { client } = startClient(options)
    await client.connect()
    await client.disconnect()
    expect(options).toEqual(before)
    expect(Object.isFrozen(options.reconnect)).toBe(false)
  })

  test('undefined means the default, also for nested options', async () => {
    const clock = createTestClock()
    const server = await startServer({ script: { connack: { reasonCode: 3 } } })
    const none = { enabled: undefined, initialDelay: undefined, multiplier: undefined, maxDelay: undefined }
    const options = {
      url: server.url,
      clock,
      random: () => 1,
      reconnect: { ...none, maxAttempts: undefined, jitter: undefined },
      recovery: { ...none, refreshTokenEvery: undefined, recreateClient: undefined },
      timeouts: { connectTimeout: undefined, disconnectTimeout: undefined, stableAfter: undefined },
      outbox: { maxMessages: undefined, maxBytes: undefined, overflow: undefined },
      redirect: { allow: undefined, maxHops: undefined },
      options: { keepalive: undefined, clean: undefined, protocolVersion: undefined, will: undefined },
    }
    const { client, next } = startClient(options as unknown as ResilientMqttClientOptions)
    const connected = rejection(client.connect())
    expect(await next('reconnectScheduled', 1)).toMatchObject({ delay: 1_000 })
    clock.tick(1_000)
    expect(await next('reconnectScheduled', 2)).toMatchObject({ delay: 2_000 })
    const published = client.publish('a', 'x')
    expect(client.outbox.size).toBe(1)
    await Promise.all([client.disconnect(), rejection(published), connected])
  })
})
