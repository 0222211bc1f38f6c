import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { UsageError } from '../../cli/command.ts'
import { connectionFlags, refusedConnectionFlags, type ConnectionValues } from '../../cli/connection-flags.ts'
import { readConnection, type ConnectionExtras } from '../../cli/connection.ts'
import { parseCommandLine } from '../../cli/parse-command-line.ts'
import { tls as credentials } from '../../measure/lab/tls-fixture.ts'
import { sharedFolder, temporaryFolder } from '../support/temporary-folder.ts'

const command = { options: connectionFlags, refused: refusedConnectionFlags, run: () => 0 }
const nowhere = { XDG_CONFIG_HOME: '/nowhere' }

function read(args: readonly string[], env: Readonly<Record<string, string>> = nowhere, extras?: ConnectionExtras) {
  const { values } = parseCommandLine(args, command)
  return readConnection(values as ConnectionValues, { env: { ...nowhere, ...env } }, extras)
}

const folder = sharedFolder()
const CERT = String(credentials.cert)
const KEY = String(credentials.key)
const ca = file('ca.pem', CERT)
const cert = file('cert.pem', CERT)
const key = file('key.pem', KEY)
const password = file('password', 'secret\n\n')

/** Writes a file for the tests. @returns its path */
function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('flags', () => {
  test.each<[readonly string[], object]>([
    [['--url', 'mqtt://a'], { url: 'mqtt://a' }],
    [['-L', 'wss://a/mqtt'], { url: 'wss://a/mqtt' }],
    [['-h', 'a'], { url: 'mqtt://a' }],
    [['-h', 'a', '-p', '1884'], { url: 'mqtt://a:1884' }],
    [['-h', 'a', '-p', '8883'], { url: 'mqtts://a:8883' }],
    [['-h', '::1'], { url: 'mqtt://[::1]' }],
    [['-h', 'a', '--cafile', ca], { url: 'mqtts://a', options: { tls: { ca: CERT } } }],
    [['-h', 'a', '--cert', cert, '--key', key], { url: 'mqtts://a', options: { tls: { cert: CERT, key: KEY } } }],
    [['-h', 'a', '--insecure'], { url: 'mqtts://a', options: { tls: { rejectUnauthorized: false } } }],
    [['-L', 'mqtts://a', '--servername', 'b'], { url: 'mqtts://a', options: { tls: { servername: 'b' } } }],
    [
      ['-h', 'a', '-u', 'me', '--password-file', password],
      { url: 'mqtt://a', options: { username: 'me', password: 'secret' } },
    ],
    [['-h', 'a', '-i', 'x', '-k', '30'], { url: 'mqtt://a', options: { clientId: 'x', keepalive: 30_000 } }],
    [['-h', 'a', '--id', 'x', '-k', '2m'], { url: 'mqtt://a', options: { clientId: 'x', keepalive: 120_000 } }],
    [['-h', 'a', '-V', '5'], { url: 'mqtt://a', options: { protocolVersion: 5 } }],
    [['-h', 'a', '-V', 'mqttv311'], { url: 'mqtt://a', options: { protocolVersion: 4 } }],
    [['-h', 'a', '--protocol', '3.1.1'], { url: 'mqtt://a', options: { protocolVersion: 4 } }],
    [
      ['-h', 'a', '--will-topic', 'w', '--will-payload', 'gone', '--will-qos', '1', '--will-retain'],
      { url: 'mqtt://a', options: { will: { topic: 'w', payload: 'gone', qos: 1, retain: true } } },
    ],
  ])('%j', (args, expected) => {
    expect(read(args).options).toEqual({
      ...expected,
      options: { protocolVersion: 'auto', ...(expected as { options?: object }).options },
    })
  })

  test.each<[readonly string[], string]>([
    [[], 'the URL of the broker is missing: give --url, or set MQTT_URL'],
    [['--url', 'broker'], '--url has no scheme: a URL is, for example, mqtt://broker'],
    [['--url', 'http://a'], '--url must begin with mqtt:, mqtts:, ws: or wss:'],
    [['--url', 'mqtt://a', '-h', 'b'], '--host and the URL exclude each other'],
    [['-p', '1883'], '--port needs --host'],
    [['-h', 'a', '-p', '0'], "--port must be a whole number between 1 and 65535, got '0'"],
    [['-h', 'a/b'], '--host must be the name or the address of a host'],
    [['-h', 'a', '-V', '3.1'], "--protocol must be one of 3.1.1, 5, auto, got '3.1'"],
    [['-h', 'a', '-k', 'often'], "--keepalive must be a duration such as 30 (seconds), 500ms or 5m, got 'often'"],
    [['-h', 'a', '-k', '10ms'], "--keepalive must be 0, or between 1s and 65535s, got '10ms'"],
    [['-h', 'a', '--will-payload', 'x'], '--will-payload needs --will-topic'],
    [['-h', 'a', '--will-topic', 'a/#'], '--will-topic must not contain wildcards'],
    [['-h', 'a', '--will-topic', 'a', '--will-qos', '3'], "--will-qos must be one of 0, 1, 2, got '3'"],
    [['-h', 'a', '--ca', '/nowhere/ca.pem'], '--ca: ENOENT'],
    [['-h', 'a', '--cert', cert], '--cert needs --key, which may be the same file'],
    [['-h', 'a', '--key', key], '--key needs --cert, which may be the same file'],
    [['-h', 'a', '--cert', password, '--key', password], '--cert, --key: not PEM files that belong together: '],
    [['-L', 'mqtt://a', '--ca', ca], '--ca needs mqtts:, because mqtt: has no TLS'],
    [['-L', 'ws://a', '--insecure'], '--insecure needs wss:, because ws: has no TLS'],
    [['-h', 'a', '--password-file', password], '--password-file needs --username, or a user name in the URL'],
    [['-h', 'a', '-u', 'me', '--password-file', '/nowhere/password'], '--password-file: ENOENT'],
    [['-h', 'a', '-P', 'secret'], 'a password is never an argument'],
    [['-h', 'a', '--config', '/nowhere/config.json'], '--config: ENOENT'],
  ])('%j is wrong', (args, message) => {
    const error = errorOf(() => read(args))
    expect(error).toContain(message)
    expect(error).not.toContain('secret')
  })

  test('--insecure warns', () => {
    expect(read(['-h', 'a', '--insecure']).warnings).toEqual([expect.stringContaining('is not verified')])
    expect(read(['-h', 'a']).warnings).toEqual([])
  })
})

describe('environment variables', () => {
  test.each<[readonly string[], Readonly<Record<string, string>>, object]>([
    [[], { MQTT_URL: 'mqtt://a' }, { url: 'mqtt://a' }],
    [['--url', 'mqtt://b'], { MQTT_URL: 'mqtt://a' }, { url: 'mqtt://b' }],
    [['-h', 'b'], { MQTT_URL: 'mqtt://a' }, { url: 'mqtt://b' }],
    [[], { MQTT_URL: 'mqtt://me:secret@a' }, { url: 'mqtt://me:secret@a' }],
    [['-h', 'a'], { MQTT_USERNAME: 'me', MQTT_PASSWORD: 'p' }, { options: { username: 'me', password: 'p' } }],
    [['-h', 'a'], { MQTT_PASSWORD: 'p' }, { options: { protocolVersion: 'auto' } }],
    [['-h', 'a', '-u', 'me'], { MQTT_PASSWORD: 'p' }, { options: { username: 'me', password: 'p' } }],
    [
      ['-h', 'a', '-u', 'me', '--password-file', password],
      { MQTT_PASSWORD: 'p' },
      { options: { username: 'me', password: 'secret' } },
    ],
    [['-h', 'a'], { MQTT_CLIENT_ID: 'x', MQTT_PROTOCOL: '5' }, { options: { clientId: 'x', protocolVersion: 5 } }],
    [['-h', 'a', '-i', 'y'], { MQTT_CLIENT_ID: 'x' }, { options: { clientId: 'y' } }],
    [['-h', 'a'], { MQTT_CLIENT_ID: '' }, { options: { protocolVersion: 'auto' } }],
  ])('%j with %j', (args, env, expected) => {
    expect(read(args, env).options).toMatchObject(expected)
  })

  test.each([
    [{ MQTT_URL: 'http://a' }, 'MQTT_URL must begin with mqtt:'],
    [{ MQTT_URL: 'mqtts://a', MQTT_CA: '/nowhere' }, 'MQTT_CA: ENOENT'],
    [{ MQTT_URL: 'mqtt://a', MQTT_PROTOCOL: '6' }, "MQTT_PROTOCOL must be one of 3.1.1, 5, auto, got '6'"],
    [{ MQTT_URL: 'mqtt://a', XSTATE_MQTT_CONFIG: '/nowhere/c.json' }, '/nowhere/c.json: ENOENT'],
  ])('%j is wrong', (env, message) => {
    expect(errorOf(() => read([], env))).toContain(message)
  })
})

describe('a user name in the URL', () => {
  const flag = ['--url', 'mqtt://m%C3%BC@a']
  const inUrl = file('in-url.json', { url: 'mqtt://mü@a', options: { password: 'p' } })
  const asOption = file('as-option.json', { url: 'mqtt://a', options: { username: 'you', password: 'p' } })
  const same = file('same.json', { servers: ['mqtt://mü@a', 'mqtt://mü@b'], options: { password: 'p' } })
  const different = file('different.json', { servers: ['mqtt://mü@a', 'mqtt://you@b'], options: { password: 'p' } })

  test.each<[readonly string[], Readonly<Record<string, string>>, object]>([
    [flag, {}, {}],
    [flag, { MQTT_PASSWORD: 'secret' }, { password: 'secret' }],
    [[...flag, '--password-file', password], { MQTT_PASSWORD: 'p' }, { password: 'secret' }],
    [flag, { MQTT_PASSWORD_FILE: password }, { password: 'secret' }],
    [flag, { MQTT_PASSWORD: 'secret', MQTT_USERNAME: 'you' }, { password: 'secret' }],
    [[...flag, '-u', 'you'], { MQTT_PASSWORD: 'secret' }, { username: 'you', password: 'secret' }],
    [[], { MQTT_URL: 'mqtt://me@a', MQTT_PASSWORD: 'secret' }, { password: 'secret' }],
    [[], { MQTT_URL: 'mqtt://me:p@a', MQTT_PASSWORD: 'secret' }, { password: 'secret' }],
    [[], { MQTT_URL: 'mqtt://me@a', MQTT_USERNAME: 'you', MQTT_PASSWORD: 'x' }, { username: 'you', password: 'x' }],
    [['--config', inUrl], {}, { password: 'p' }],
    [['--config', inUrl], { MQTT_PASSWORD: 'secret' }, { password: 'secret' }],
    [['--config', same], {}, { password: 'p' }],
    [['--config', different], { MQTT_PASSWORD: 'secret' }, { password: 'p' }],
    [['--config', different], {}, { password: 'p' }],
    [[...flag, '--config', inUrl], {}, { password: 'p' }],
    [['--url', 'mqtt://a', '--config', inUrl], {}, { username: 'mü', password: 'p' }],
    [['--url', 'mqtt://b', '--config', inUrl], { MQTT_PASSWORD: 'secret' }, {}],
    [[...flag, '--config', asOption], {}, {}],
    [[...flag, '--config', asOption], { MQTT_PASSWORD: 'secret' }, { password: 'secret' }],
  ])('%j with %j', (args, env, expected) => {
    const { protocolVersion: _, ...login } = read(args, env).options.options
    expect(login).toEqual(expected)
  })

  test('a wrong encoding is named', () => {
    expect(errorOf(() => read(['--url', 'mqtt://%zz@a'], { MQTT_PASSWORD: 'secret' }))).toContain('--url')
  })
})

describe('a config file', () => {
  const config = {
    url: 'mqtts://a',
    reconnect: { maxAttempts: 'Infinity' },
    options: {
      username: 'me',
      password: { file: 'password' },
      keepalive: 30_000,
      tls: { ca: { file: 'ca.pem' }, cert: { file: 'cert.pem' }, key: { file: 'key.pem' } },
    },
  }
  const path = file('config.json', config)
  const tls = { ca: CERT, cert: CERT, key: KEY }

  test('has options of the client, with files and Infinity', () => {
    expect(read(['--config', path]).options).toEqual({
      url: 'mqtts://a',
      reconnect: { maxAttempts: Number.POSITIVE_INFINITY },
      options: { protocolVersion: 'auto', username: 'me', password: 'secret', keepalive: 30_000, tls },
    })
  })

  test('has the file of a recorder', () => {
    const recorded = file('recorded.json', { recorder: { file: 'x.jsonl' } })
    expect(read(['-h', 'a', '--config', recorded]).options).toMatchObject({ recorder: { file: 'x.jsonl' } })
  })

  test('is found by the variable, and in the folder for configuration', () => {
    expect(read([], { XSTATE_MQTT_CONFIG: path }).brokers).toEqual(['mqtts://a'])
    const home = temporaryFolder()
    mkdirSync(join(home, 'config'))
    writeFileSync(join(home, 'config', 'xstate-mqtt.json'), JSON.stringify({ url: 'mqtt://b' }))
    expect(read([], { XDG_CONFIG_HOME: join(home, 'config') }).brokers).toEqual(['mqtt://b'])
  })

  test('flags and variables come before it', () => {
    const { options } = read(['--config', path, '-k', '10'], { MQTT_CLIENT_ID: 'x' })
    expect(options.options).toMatchObject({ keepalive: 10_000, clientId: 'x', username: 'me', password: 'secret' })
  })

  test('the password is not used for another user', () => {
    expect(read(['--config', path, '-u', 'you']).options.options).not.toHaveProperty('password')
  })

  test('another broker does not get the login', () => {
    const { options, warnings } = read(['--config', path, '--url', 'mqtts://b'])
    expect(options).toEqual({
      url: 'mqtts://b',
      reconnect: { maxAttempts: Number.POSITIVE_INFINITY },
      options: { protocolVersion: 'auto', keepalive: 30_000, tls: { ca: CERT } },
    })
    expect(warnings).toEqual([`the login in ${path} is not used: it is for mqtts://a`])
  })

  test('several servers are replaced by a single one', () => {
    const several = { servers: ['mqtt://a', { url: 'mqtt://b' }], failover: { coolDown: 1_000 } }
    const args = ['--config', file('several.json', several)]
    expect(read(args).brokers).toEqual(['mqtt://a', 'mqtt://b'])
    expect(read(args).options.failover).toEqual({ coolDown: 1_000 })
    const { url, ...others } = read([...args, '-h', 'b']).options
    expect(url).toBe('mqtt://b')
    expect(Object.keys(others)).toEqual(['options'])
  })

  test.each([
    ['{ "options": {\n "password": "secret" "username": "me" } }', ' is not JSON, see line 2'],
    ['secret', ' is not JSON'],
    ['[]', ' must be a JSON object with options of the client'],
    [{ urls: 'mqtt://a' }, ': urls is not an option of the client: did you mean url?'],
    [{ options: 'secret' }, ': options must be an object'],
    [{ options: { keepalive: 30 } }, ': options.keepalive is in milliseconds'],
    [{ reconnect: { maxAttempts: 'many' } }, ': reconnect.maxAttempts must be'],
    [{ options: { tls: { ca: { file: 'nowhere.pem' } } } }, ': options.tls.ca: ENOENT'],
  ])('%j is wrong', (content, message) => {
    const wrong = file('wrong.json', content)
    const error = errorOf(() => read(['--config', wrong]))
    expect(error).toContain(wrong + message)
    expect(error).not.toContain('secret')
  })
})

function errorOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
  throw new Error('it did not throw')
}
