import { generate } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import { ResilientMqttClient, type ConnectOptions } from '../../src/index.ts'
import { withoutUserName } from '../../src/mqtt/password-alone.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const error = (message: string) => expect.objectContaining({ name: 'InvalidOptionError', message }) as Error
const rule = 'needs a user name with the password, unless the protocol is MQTT 5'

describe('a password without a user name', () => {
  test.each([
    ['text', 'sécret'],
    ['bytes', Buffer.from([0, 1, 255])],
    ['a long one', 'x'.repeat(60_000)],
    ['an empty one', ''],
  ])('goes to a broker of MQTT 5 as it is: %s', async (_, password) => {
    const will = { topic: 'gone', payload: 'x' }
    const server = await startServer()
    const { client } = startClient({
      url: server.url,
      options: { protocolVersion: 5, clientId: 'me', password, will, userProperties: { a: '1' } },
    })
    await client.connect()
    await client.publish('a', 'x', { qos: 1 })
    const [connect] = server.received('connect')
    expect(connect).toMatchObject({
      clientId: 'me',
      will: { topic: 'gone' },
      properties: { userProperties: { a: '1' } },
    })
    expect(connect?.username).toBeUndefined()
    expect(connect?.password).toEqual(Buffer.from(password))
    expect(server.received('connect')).toHaveLength(1)
  })

  test('works from credentials and after a reconnect', async () => {
    const server = await startServer()
    const { client, next } = startClient({
      url: server.url,
      reconnect: { initialDelay: 0, maxDelay: 0 },
      options: { protocolVersion: 5 },
      credentials: () => ({ password: 'token' }),
    })
    await client.connect()
    server.current?.reset()
    await next('connected', 2)
    expect(server.received('connect').map(({ username, password }) => [username, String(password)])).toEqual([
      [undefined, 'token'],
      [undefined, 'token'],
    ])
  })

  test('an empty user name counts as a user name', async () => {
    const server = await startServer()
    const { client } = startClient({
      url: server.url,
      options: { protocolVersion: 5, username: '', password: 'secret' },
    })
    await client.connect()
    expect(server.received('connect')[0]).toMatchObject({ username: '', password: Buffer.from('secret') })
  })

  const refused: [string, { readonly url?: string; readonly options?: ConnectOptions }, string][] = [
    ['in the options', { options: { password: 'planted' } }, `options.password ${rule}`],
    [
      'in the options, of MQTT 3.1.1',
      { options: { protocolVersion: 4, password: 'planted' } },
      `options.password ${rule}`,
    ],
    ['in the URL', { url: 'mqtt://:planted@127.0.0.1:1' }, `url ${rule}`],
  ]
  test.each(refused)('is rejected on MQTT 3.1.1: %s', (_, options, message) => {
    expect(() => new ResilientMqttClient({ url: 'mqtt://127.0.0.1:1', ...options })).toThrow(error(message))
  })

  test('is rejected on MQTT 3.1.1 from credentials', async () => {
    const server = await startServer()
    const { client } = startClient({
      url: server.url,
      reconnect: { enabled: false },
      recovery: { enabled: false },
      credentials: () => ({ password: 'planted' }),
    })
    expect(await rejection(client.connect())).toMatchObject({
      name: 'ConnectionFailedError',
      cause: error(`credentials.password ${rule}`),
    })
    expect(server.connections).toHaveLength(0)
  })
})

test.each(['mqtt://%ff@a', 'mqtt://a%00@b', 'mqtt://a:%zz@b'])('%s has no user name and password in UTF-8', (url) => {
  const rejected = error('url must have a user name and password in percent-encoded UTF-8')
  expect(() => new ResilientMqttClient({ url })).toThrow(rejected)
})

test('the remaining length may become a byte shorter', () => {
  const fixed = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 0 } as const
  const lengths = Array.from({ length: 20 }, (_, i) => {
    const password = Buffer.alloc(95 + i)
    const packet = withoutUserName(generate({ ...fixed, clientId: 'me', username: '', password }), password)
    const isShort = (packet[1] ?? 0) < 128
    const remaining = isShort ? (packet[1] ?? 0) : (packet[1] ?? 0) - 128 + 128 * (packet[2] ?? 0)
    expect(remaining).toBe(packet.length - (isShort ? 2 : 3))
    return isShort
  })
  expect(new Set(lengths)).toEqual(new Set([true, false]))
})
