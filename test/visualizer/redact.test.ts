import { describe, expect, test } from 'vitest'
import { createActor, createMachine } from 'xstate'

import { noServer } from '../../machines/connection/servers.ts'
import type { TransportInput } from '../../machines/connection/types.ts'
import { Redactor } from '../../visualizer/record/redact.ts'

class Account {
  readonly password = 'planted-secret'
}

const circular: Record<string, unknown> = { name: 'loop' }
circular.self = circular

describe('what is shown', () => {
  test.each<[string, unknown, unknown]>([
    ['plain values', { a: 1, b: 'text', c: true, d: null }, { a: 1, b: 'text', c: true, d: null }],
    [
      'what JSON has no word for',
      [Infinity, Number.NaN, 10n, undefined, Symbol('s')],
      ['Infinity', 'NaN', '10n', null, '[symbol]'],
    ],
    ['functions as their names', { allow: function allowAll() {} }, { allow: 'ƒ allowAll' }],
    ['instances as their class', { account: new Account() }, { account: '[Account]' }],
    ['bytes as their size', { data: Buffer.from('planted-secret') }, { data: '[Buffer 14 bytes]' }],
    ['dates', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['collections as their size', { map: new Map([['a', 1]]) }, { map: '[Map of 1]' }],
    ['an error as its class', { failure: new TypeError('planted-secret') }, { failure: '[TypeError]' }],
    [
      'numbers of what is counted',
      { tokenRefreshes: 3, refreshTokenEvery: 3 },
      { tokenRefreshes: 3, refreshTokenEvery: 3 },
    ],
    [
      'the state of credentials',
      { credentials: { status: 'fresh', expiresAt: 5 } },
      { credentials: { status: 'fresh', expiresAt: 5 } },
    ],
    ['a key of the keyboard', { key: 'Enter' }, { key: 'Enter' }],
    ['a client id that is a UUID', '7d444840-9dc0-11d1-b245-5ffdce74fad2', '7d444840-9dc0-11d1-b245-5ffdce74fad2'],
    ['a topic filter', 'devices/+/telemetry/temperature-sensor-12', 'devices/+/telemetry/temperature-sensor-12'],
    ['an address', 'connect ECONNREFUSED 127.0.0.1:1883', 'connect ECONNREFUSED 127.0.0.1:1883'],
  ])('%s', (_what, value, shown) => {
    expect(new Redactor().show(value)).toEqual(shown)
  })

  test.each<[string, unknown]>([
    ['by its name', { password: 'planted-secret' }],
    [
      'by a compound name',
      { mqttAccessToken: 'planted-secret', 'X-Api-Key': 'planted-secret', DB_PASSWORD: 'planted-secret' },
    ],
    ['as a number', { pin: 271_828 }],
    ['in an object with such a name', { credentials: { value: 'planted-secret' } }],
    ['in a list', { tokens: ['planted-secret', 'planted-secret'] }],
    ['in headers', { headers: { Authorization: 'Bearer planted-secret', 'X-Custom': 'planted-secret' } }],
    ['as a payload', { payload: 'planted-secret' }],
    ['in the query of a URL', 'wss://host/mqtt?X-Amz-Signature=planted-secret&a=planted-secret'],
    ['as the user of a URL', 'mqtts://planted-secret:planted-secret@host:8883/path'],
    ['in the fragment of a URL', 'see https://host/cb#id_token=planted-secret'],
    ['as a header line', 'got 401 for Authorization: Bearer planted-secret'],
    ['in a sentence', 'login failed: password="planted-secret" is wrong'],
    ['as a JWT', 'eyJhbGciOiJIUzI1NiJ9.planted-secret.planted-secret'],
    ['as PEM', '-----BEGIN PRIVATE KEY-----\nplanted-secret\n-----END PRIVATE KEY-----'],
    ['in an instance', { account: new Account() }],
    ['in the message of an error', { failure: new Error('planted-secret') }],
    ['in the fields of a map', new Map([['password', 'planted-secret']])],
    ['as bytes', { bytes: new TextEncoder().encode('planted-secret') }],
    [
      'behind a getter that throws',
      {
        get token(): string {
          throw new Error('planted-secret')
        },
      },
    ],
    ['learned later in the same value', { note: 'uses planted-secret', password: 'planted-secret' }],
    ['as the name of a field', { password: 'planted-secret', ofSecret: { 'planted-secret': 1 } }],
    ['as SharedAccessSignature', 'SharedAccessSignature sr=hub&sig=planted-secret&se=1'],
  ])('hides a secret %s', (_where, value) => {
    const shown = JSON.stringify(new Redactor().show(value))
    expect(shown).not.toContain('planted-secret')
    expect(shown).not.toContain('271828')
  })

  test('hides what looks random', () => {
    expect(new Redactor().show('key 9a8B7c6D5e4F3a2B1c0D9e8F7a6B5c4D')).toBe('key [redacted]')
  })

  test('hides what it was asked to hide, also if that throws', () => {
    const hide = (name: string) => {
      if (name === 'odd') throw new Error('no')
      return name === 'address'
    }
    expect(new Redactor(hide).show({ address: 'Elm Street', odd: 1, name: 'lamp' })).toEqual({
      address: '[redacted]',
      odd: '[redacted]',
      name: 'lamp',
    })
  })

  test('shows actors as references', () => {
    const ref = createActor(createMachine({}), { id: 'child' })
    expect(new Redactor().show({ ref })).toEqual({ ref: { xstate$$type: 1, id: 'child', sessionId: ref.sessionId } })
  })

  test('takes no prototype from what it shows', () => {
    const shown = new Redactor().show(JSON.parse('{"__proto__":{"polluted":true}}')) as object
    expect(Object.getPrototypeOf(shown)).toBe(Object.prototype)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('bounds', () => {
  test.each<[string, unknown]>([
    ['a circle', circular],
    ['a long text', 'x'.repeat(10_000_000)],
    ['a long list', Array.from({ length: 1_000_000 }, (_, index) => index)],
    [
      'a wide object',
      Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 'x'.repeat(1_000)])),
    ],
    ['a deep object', deep(10_000)],
    ['a big buffer', Buffer.alloc(50_000_000)],
    [
      'lists of lists',
      Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => ({ text: 'x'.repeat(300) }))),
    ],
  ])('%s becomes less than 100 KB', (_what, value) => {
    const shown = JSON.stringify(new Redactor().show(value))
    expect(shown.length).toBeLessThan(100_000)
  })

  // A pattern that is quadratic in the length of these texts takes minutes: the test then times out.
  test.each<[string, string]>([
    ['one that looks random', 'aB3'.repeat(400_000)],
    ['one of signs', '=&?:;'.repeat(400_000)],
    ['many schemes', 'a://'.repeat(400_000)],
    ['many keys', 'password='.repeat(200_000)],
    ['spaces', `token${' '.repeat(1_600_000)}`],
  ])('no text makes a pattern slow: %s', (_what, text) => {
    expect(() => new Redactor().show(text)).not.toThrow()
  })
})

test.each([
  'login token=planted-secret',
  { password: 'x', url: 'wss://u:p@h/?q#f', a: 'Bearer planted-secret' },
  'x'.repeat(400),
])('what was shown before is shown the same again: %j', (value) => {
  const shown = new Redactor().show(value)
  expect(new Redactor().show(shown)).toEqual(shown)
})

describe('what may be a secret as such', () => {
  test.each<[unknown, unknown]>([
    ['planted-secret', '[string]'],
    [271_828, '[number]'],
    [
      { expiresAt: 5, token: 'planted-secret', note: 'planted-secret' },
      { expiresAt: 5, token: '[redacted]', note: '[string]' },
    ],
    [['planted-secret'], ['[string]']],
    [undefined, null],
  ])('has its shape shown: %j', (value, shown) => {
    expect(new Redactor().shape(value)).toEqual(shown)
  })

  test('is known from then on', () => {
    const redactor = new Redactor()
    redactor.shape('planted-secret')
    expect(redactor.show({ greeting: 'hello planted-secret!' })).toEqual({ greeting: 'hello [redacted]!' })
  })

  test('a frozen object that was shown before is looked at again', () => {
    const redactor = new Redactor()
    const frozen = Object.freeze({ a: { b: 1, c: { d: 2 } }, note: 'planted-secret' })
    redactor.show({ frozen })
    redactor.shape('planted-secret')
    expect(JSON.stringify(redactor.show({ frozen }))).not.toContain('planted-secret')
  })

  test('an error has a name and a code', () => {
    const error = Object.assign(new RangeError('planted-secret'), { code: 'E_RANGE' })
    expect(new Redactor().error(error)).toEqual({ name: 'RangeError', code: 'E_RANGE' })
    expect(new Redactor().error('planted-secret')).toEqual({ name: 'string' })
    expect(new Redactor().error({ name: 'planted secret', message: 'planted-secret' })).toEqual({ name: 'Object' })
  })
})

test('the states of a machine are told to the last, but not without end', () => {
  const value = (depth: number) => JSON.parse('{"a":'.repeat(depth) + '"b"' + '}'.repeat(depth)) as unknown
  expect(new Redactor().state(value(60))).toEqual(value(60))
  expect(JSON.stringify(new Redactor().state(value(5_000))).length).toBeLessThan(1_000)
})

test('the input of the library’s transport is shown: its servers and failures are no secrets', () => {
  const redactor = new Redactor()
  const server = { ...noServer, redirect: 'other.example:1883', current: 'mqtts://a.example:8883' }
  const failure = { kind: 'socket', message: 'connect ECONNREFUSED 10.0.0.1' } as const
  const input = { attempt: 1, cycle: 0, generation: 1, server, servers: [], failure, replaces: false }
  redactor.event({ type: 'xstate.init', input: { ...input } satisfies TransportInput })
  expect(redactor.show({ server, failure })).toMatchObject({ server: { redirect: server.redirect }, failure })
  // Any other input is hidden.
  redactor.event({ type: 'xstate.init', input: { ...input, more: 'planted-secret' } })
  expect(redactor.show({ a: failure.message, b: 'planted-secret' })).toEqual({ a: '[redacted]', b: '[redacted]' })
})

test('what an actor is called is no secret because it is in an input, too', () => {
  const redactor = new Redactor()
  redactor.named('periodic.1')
  redactor.event({ type: 'xstate.init', input: { id: 'periodic.1', key: 'planted-secret' } })
  expect(redactor.show(['periodic.1', 'planted-secret'])).toEqual(['periodic.1', '[redacted]'])
  redactor.show({ password: 'periodic.1' })
  expect(redactor.text('periodic.1'), 'but under such a name').toBe('[redacted]')
})

describe('events', () => {
  test.each<[object, unknown]>([
    [
      { type: 'xstate.init', input: { url: 'planted-secret', n: 1 } },
      { type: 'xstate.init', input: { url: '[string]', n: 1 } },
    ],
    [
      { type: 'xstate.done.actor.x', output: 'planted-secret' },
      { type: 'xstate.done.actor.x', output: '[string]' },
    ],
    [
      { type: 'xstate.promise.resolve', data: 'planted-secret' },
      { type: 'xstate.promise.resolve', data: '[string]' },
    ],
    [
      { type: 'xstate.promise.reject', data: new Error('planted-secret') },
      { type: 'xstate.promise.reject', data: { name: 'Error' } },
    ],
    [
      { type: 'xstate.observable.next', data: { price: 1, text: 'planted-secret' } },
      { type: 'xstate.observable.next', data: { price: 1, text: '[string]' } },
    ],
    [
      { type: 'xstate.error.actor.x', error: new Error('planted-secret') },
      { type: 'xstate.error.actor.x', error: { name: 'Error' } },
    ],
    [
      { type: 'xstate.snapshot.x', snapshot: { output: 'planted-secret' } },
      { type: 'xstate.snapshot.x', snapshot: '[snapshot]' },
    ],
    [
      { type: 'MESSAGE', topic: 'a/b', payload: Buffer.from('planted-secret') },
      { type: 'MESSAGE', topic: 'a/b', payload: '[redacted]' },
    ],
    [
      { type: 'LOGIN', user: { password: 'planted-secret' } },
      { type: 'LOGIN', user: { password: '[redacted]' } },
    ],
  ])('%j', (event, shown) => {
    expect(new Redactor().event(event)).toEqual(shown)
  })
})

function deep(depth: number): object {
  let value: object = {}
  for (let level = 0; level < depth; level += 1) value = { value }
  return value
}
