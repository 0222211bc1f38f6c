import { describe, expect, onTestFinished, test } from 'vitest'

import { InvalidOptionError } from '../../src/index.ts'
import { connectVisualizer, createVisualizer, type VisualizerConnection } from '../../visualizer/index.ts'
import { parseConnectOptions, parseVisualizerOptions } from '../../visualizer/options.ts'
import { parseOrigin } from '../../visualizer/origin.ts'

/** What is wrong with options of each entry, in its words. Without a value if that may be a secret. */
const wrong: readonly (readonly [entry: 'create' | 'connect' | 'both', options: unknown, message: string])[] = [
  ['both', { allowCommands: 'false' }, 'allowCommands must be true or false, got "false"'],
  ['both', { allowCommands: 1 }, 'allowCommands must be true or false, got 1'],
  ['both', { allowCommands: null }, 'allowCommands must be true or false, got null'],
  ['both', { allowCommand: true }, ': did you mean allowCommands?'],
  ['both', { allowcommands: true }, ': did you mean allowCommands?'],
  ['both', { name: 7 }, 'name must be a name, got 7'],
  ['both', { name: '' }, 'name must be a name, got ""'],
  ['both', { hide: 'password' }, 'hide must be a function, got "password"'],
  ['both', { hide: null }, 'hide must be a function, got null'],
  ['both', { colour: 'red' }, 'colour is not an option of '],
  ['both', null, 'must be an object, got null'],
  ['both', 7878, 'must be an object, got 7878'],
  ['create', { port: -1 }, 'port must be a whole number between 0 and 65535, got -1'],
  ['create', { port: '7878' }, 'port must be a whole number between 0 and 65535, got "7878"'],
  ['create', { port: null }, 'port must be a whole number between 0 and 65535, got null'],
  ['create', { host: '' }, 'host must be a host name or an address, without a scheme and a port, got ""'],
  ['create', { host: 'http://localhost' }, 'host must be a host name or an address'],
  ['create', { host: 'localhost:80' }, 'host must be a host name or an address'],
  ['create', { history: 1.5 }, 'history must be a whole number between 0 and 100000, got 1.5'],
  ['create', { histroy: 5 }, 'histroy is not an option of createVisualizer: did you mean history?'],
  ['create', { token: 'planted' }, 'token must be a string of at least 16 characters, and at most 1024'],
  ['create', { token: '\uD800'.repeat(16) }, 'token must be a string of at least 16 characters, and at most 1024'],
  ['create', { token: null }, 'token must be a string of at least 16 characters, and at most 1024'],
  ['create', { origins: null }, 'origins must be an array of origins, got null'],
  [
    'create',
    { origins: 'http://localhost:51730' },
    'origins must be an array of origins, got "http://localhost:51730"',
  ],
  ['create', { origins: ['http://localhost', null] }, 'origins[1] must be an origin'],
  ['create', { origins: ['*'] }, 'origins[0] must be an origin'],
  ['create', { origins: ['localhost:5173'] }, 'origins[0] must be an origin'],
  ['create', { origins: ['null'] }, 'origins[0] must be an origin'],
  ['create', { origins: ['http://localhost:5173/app'] }, 'origins[0] must be an origin'],
  ['create', { origin: ['http://localhost'] }, 'origin is not an option of createVisualizer: did you mean origins?'],
  ['create', { buffer: 5 }, 'buffer is not an option of createVisualizer'],
  ['connect', { buffer: 0 }, 'buffer must be a whole number of at least 1, got 0'],
  ['connect', { buffer: '5' }, 'buffer must be a whole number of at least 1, got "5"'],
  ['connect', { buffers: 5 }, 'buffers is not an option of connectVisualizer: did you mean buffer?'],
  ['connect', { origins: ['http://localhost'] }, 'origins is not an option of connectVisualizer'],
]

const of = (entry: 'create' | 'connect') =>
  wrong.flatMap(([each, options, message]) => (each === entry || each === 'both' ? [{ options, message }] : []))

describe('a wrong option is told, and nothing is done', () => {
  test.each(of('create'))('createVisualizer($options)', async ({ options, message }) => {
    const error = await createVisualizer(options as object).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).not.toContain('planted')
  })

  test.each(of('connect'))('connectVisualizer($options)', ({ options, message }) => {
    const connect = (): VisualizerConnection => {
      const connection = connectVisualizer('http://127.0.0.1:1/?token=planted', options as object)
      onTestFinished(() => connection.close())
      return connection
    }
    expect(connect).toThrow(InvalidOptionError)
    expect(connect).toThrow(message)
  })

  test.each([
    [null, 'null'],
    [7, '7'],
    ['', '""'],
  ])('connectVisualizer to %j, which cannot contain the token', (url, value) => {
    expect(() => connectVisualizer(url as string)).toThrow(
      expect.objectContaining({
        message: `url must be a string with an http:, https:, ws: or wss: URL, got ${value}`,
        value: url,
      }),
    )
  })

  test.each([undefined, 'planted', 'ftp://planted', '/?token=planted', Symbol('planted')])(
    'connectVisualizer to %s',
    (url) => {
      let error: unknown
      try {
        connectVisualizer(url as string).close()
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(InvalidOptionError)
      expect((error as Error).message).toBe('url must be a string with an http:, https:, ws: or wss: URL')
    },
  )
})

describe('options that are left out', () => {
  test('have a default, as those that are undefined', () => {
    const expected = {
      port: 0,
      host: '127.0.0.1',
      token: undefined,
      history: 10_000,
      name: 'this process',
      allowCommands: false,
      hide: undefined,
      origins: [],
    }
    expect(parseVisualizerOptions({})).toEqual(expected)
    const none = Object.fromEntries(Object.keys(expected).map((name) => [name, undefined]))
    expect(parseVisualizerOptions(none)).toEqual(expected)
  })

  test('of a connection too', () => {
    const expected = { buffer: 2_000, allowCommands: false, hide: undefined, name: expect.stringMatching(/./) }
    expect(parseConnectOptions({})).toEqual(expected)
  })

  test('what is given is taken', () => {
    const hide = () => true
    const given = { port: 7_878, host: '::1', token: 'x'.repeat(16), history: 0, name: 'me', allowCommands: true, hide }
    expect(parseVisualizerOptions({ ...given, origins: ['HTTP://LocalHost:5173/'] })).toEqual({
      ...given,
      origins: ['http://localhost:5173'],
    })
    const reported = { buffer: 1, name: 'me', allowCommands: true, hide }
    expect(parseConnectOptions(reported)).toEqual(reported)
  })
})

describe('an origin', () => {
  test.each<[string, string | undefined]>([
    ['http://localhost:5173', 'http://localhost:5173'],
    ['http://localhost:5173/', 'http://localhost:5173'],
    ['HTTPS://Example.COM:443', 'https://example.com'],
    ['http://[::1]:80', 'http://[::1]'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://ABCdef', 'chrome-extension://abcdef'],
    ['http://localhost:5173/app', undefined],
    ['http://localhost:5173?a', undefined],
    ['http://localhost:5173#a', undefined],
    ['http://me@localhost:5173', undefined],
    ['http://localhost:5173 http://localhost:5174', undefined],
    ['http://*.example.com', undefined],
    ['file:///home/me', undefined],
    ['data:text/html,hello', undefined],
    ['localhost', undefined],
    ['null', undefined],
    ['*', undefined],
    ['', undefined],
  ])('%s', (text, origin) => {
    expect(parseOrigin(text)).toBe(origin)
    if (origin !== undefined) expect(parseOrigin(origin)).toBe(origin)
  })
})
