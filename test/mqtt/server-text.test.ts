import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import type { ConnectOptions } from '../../src/api/options.ts'
import { serverReference } from '../../src/mqtt/server-reference.ts'
import { hostOf } from '../../src/mqtt/server-url.ts'
import { safeText } from '../../src/shared/safe-text.ts'
import type { Behaviour, ScriptedServer } from '../../testing/index.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { scriptedClient } from '../support/scripted-client.ts'
import { everywhere, serve, trusting, type Scheme, type ProtocolVersion } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

describe('text from the server', () => {
  test.each([
    ['plain', 'go away', 'go away'],
    ['empty', '', ''],
    ['of several lines', 'one\r\ntwo\n\n\tthree\n', 'one two three'],
    ['with escape sequences', '\u001B[31mred\u009B0m', '[31mred 0m'],
    ['with line separators', 'one\u2028two\u2029three', 'one two three'],
    ['that turns the direction of writing', 'user\u202Efdp.exe\u2066', 'user fdp.exe'],
    ['with half of a surrogate pair', 'a\uD83Db', 'a b'],
    ['with a whole one', 'done 👍🏽', 'done 👍🏽'],
    ['with a password', 'bad login: password=planted-secret', 'bad login: password=[redacted]'],
    ['with a token on another line', 'Bearer\nplanted-secret', 'Bearer [redacted]'],
    ['of 256 characters', 'é'.repeat(256), 'é'.repeat(256)],
    ['of 257 characters', 'ab '.repeat(85) + 'ab', `${'ab '.repeat(85)}…`],
    ['of 256 characters that are 512 code units', '👍'.repeat(256), '👍'.repeat(256)],
    ['of 257 of them', '👍'.repeat(257), `${'👍'.repeat(255)}…`],
    ['of 65,535 bytes', 'no '.repeat(21_845), `${'no '.repeat(85)}…`],
  ])('%s', (_what, text, expected) => {
    expect(safeText(text)).toBe(expected)
    expect(safeText(safeText(text))).toBe(expected)
  })

  test('a secret at the length limit is hidden completely', () => {
    const text = `${'no '.repeat(80)}password=planted-secret`
    expect(safeText(text)).not.toContain('plant')
  })
})

describe('a Server Reference', () => {
  test.each([
    ['other:1883', 'other:1883', 'other:1883'],
    ['other.example.com third', 'other.example.com third', 'other.example.com'],
    ['a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6.example.com', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6.example.com', undefined],
    ['[::1]:1883', '[::1]:1883', '[::1]:1883'],
    ['mqtts://host:8883/path', 'mqtts://host:8883/path', 'host:8883'],
    ['wss://host/mqtt?sig=planted-secret', 'wss://host/mqtt?[redacted]', 'host'],
    ['wss://host/mqtt#planted-secret other', 'wss://host/mqtt#[redacted] other', 'host'],
    ['host\u0000\n', 'host', 'host'],
  ])('%s', (given, shown, host) => {
    expect(serverReference(given)).toBe(shown)
    expect(hostOf(serverReference(given))).toBe(host ?? given)
  })

  test.each(['me:planted-secret@host', 'mqtt://me:planted-secret@host:1883', `${'x'.repeat(300)}.example.com`])(
    'is not followed: %s',
    (given) => {
      expect(serverReference(given)).not.toContain('planted-secret')
      expect(Array.from(serverReference(given)).length).toBeLessThanOrEqual(256)
      expect(hostOf(serverReference(given))).toBeUndefined()
    },
  )
})

const wild = `no\u001B[2J entry, password=planted-secret ${'no '.repeat(300)}`

/** The requirements for every shown text of a server. */
function expectHarmless(shown: unknown): void {
  const text = JSON.stringify(shown)
  expect(text).toContain('entry, password=[redacted] no')
  expect(text).not.toContain('planted')
  expect(text).not.toContain('\\u001b')
  expect(text.length).toBeLessThan(500)
}

describe('text from the server enters the machine only redacted', () => {
  interface Way {
    readonly what: string
    readonly kind: Failure['kind']
    readonly on: (scheme: Scheme, version: ProtocolVersion) => boolean
    readonly script?: Behaviour
    readonly opened?: (server: ScriptedServer) => void
  }
  const properties = { reasonString: wild }
  const ways: readonly Way[] = [
    {
      what: 'the reason string of a CONNACK',
      kind: 'refused',
      on: (_scheme, version) => version === 5,
      script: { connack: { reasonCode: 0x8a, properties } },
    },
    {
      what: 'the reason string of a DISCONNECT',
      kind: 'disconnected',
      on: (_scheme, version) => version === 5,
      opened: (server) => server.kick({ disconnect: { reasonCode: 0x98, reasonString: wild }, close: false }),
    },
    {
      what: 'the reason of a WebSocket close frame, which has at most 123 bytes',
      kind: 'websocket',
      on: (scheme) => scheme.startsWith('ws'),
      opened: (server) => server.kick({ close: 4_401, reason: wild.slice(0, 120) }),
    },
  ]
  const rows = ways.flatMap(({ what, ...way }) =>
    everywhere
      .filter(({ scheme, version }) => way.on(scheme, version))
      .map(({ scheme, version }) => ({ what, scheme, version, ...way })),
  )

  test.each(rows)('$what, $scheme, MQTT $version', async ({ scheme, version, kind, script = {}, opened }) => {
    const server = await serve(scheme, { script })
    const options: ConnectOptions = { ...trusting, protocolVersion: version }
    const attempt = transportScene({ url: server.url, options })
    attempt.start()
    if (opened) {
      await attempt.waitFor('transport.opened')
      opened(server)
    }
    const failure = await attempt.failure()
    expect(failure.kind).toBe(kind)
    expectHarmless(failure)
  })
})

describe('text from the server enters errors only redacted', () => {
  test('the reason string of a CONNACK', async () => {
    const server = await serve('mqtt', {
      script: { connack: { reasonCode: 0x8a, properties: { reasonString: wild } } },
    })
    const { client } = startClient({ url: server.url, options: { protocolVersion: 5 } })
    expectHarmless((await rejection(client.connect())).message)
  })

  test.each(['puback', 'pubrec'] as const)('the reason string of a %s', async (cmd) => {
    const { server, client } = await scriptedClient({ script: { puback: false } })
    await client.connect()
    const refused = rejection(client.publish('a', '', { qos: cmd === 'puback' ? 1 : 2 }))
    const { messageId = 0 } = await server.waitFor('publish')
    server.send({ cmd, messageId, reasonCode: 0x87, properties: { reasonString: wild } })
    const error = await refused
    expectHarmless(error.message)
    expectHarmless((error as { reasonString?: string }).reasonString)
  })
})
