import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { Lookup } from '../../../cli/doctor/dns.ts'
import { tls as fixture } from '../../../measure/lab/tls-fixture.ts'
import type { Behaviour } from '../../../testing/index.ts'
import { opensslInstalled, TestCa } from '../../support/certificates.ts'
import { type Scheme, serve, trusting } from '../../support/servers.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { diagnose, type Plan } from './diagnose.ts'

const login = { username: 'someone', password: 'opensesame' }

/** A server of TCP or TLS that does what the test says with each connection. */
async function listening(server: Server, scheme: Scheme): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return `${scheme}://127.0.0.1:${port}`
}

const at = (url: string, scheme: Scheme) => url.replace(/^\w+/, scheme)

const script = (behaviour: Behaviour) => ({ script: behaviour })

describe('a broker that is well', () => {
  test.each(['mqtt', 'mqtts', 'ws', 'wss'] as const)('%s', async (scheme) => {
    const server = await serve(scheme)
    const { findings, notChecked, codes } = await diagnose(server.url, { ...trusting, publish: ['a'] })
    expect(findings.filter(({ level }) => level === 'warning' || level === 'fault')).toEqual([])
    expect(notChecked).toEqual([])
    expect(codes).toEqual(
      expect.arrayContaining(['tcp.ok', 'first-bytes.ok', 'mqtt.ok', 'publish.ok', 'packet-size.ok']),
    )
  })

  test('sees no login over a connection that was not verified, and no retained message', async () => {
    const server = await serve('mqtts')
    const { codes } = await diagnose(server.url, { login, publish: ['a'] })
    expect(codes).toContain('tls.self-signed')
    expect(server.received('connect')).toEqual([])
  })

  test('is given the login only in a CONNECT of the versions that are tried', async () => {
    const server = await serve('mqtts')
    const { codes } = await diagnose(server.url, { ...trusting, login, publish: ['a'] })
    expect(codes).toContain('mqtt.anonymous')
    const connects = server.received('connect')
    expect(connects.filter(({ username }) => username === undefined)).toHaveLength(1)
    expect(connects.every(({ clean, will }) => clean === true && will === undefined)).toBe(true)
    expect(new Set(connects.map(({ clientId }) => clientId)).size).toBe(connects.length)
    const publishes = server.received('publish')
    expect(publishes.length).toBeGreaterThan(10)
    expect(publishes.every(({ topic, retain }) => topic === 'a' && !retain)).toBe(true)
  })

  test('gets no message without --publish', async () => {
    const server = await serve('mqtt')
    await diagnose(server.url, { subscribe: ['a/#'] })
    expect(server.received('publish')).toEqual([])
    expect(server.received('unsubscribe')).toHaveLength(1)
  })
})

describe('names', () => {
  const refuse = (reasonCode: number) => ({ connack: { reasonCode } })
  test.each([
    ['a wrong password', refuse(0x86), { login }, 'mqtt.refused-0x86', 'the user name or the password is wrong'],
    ['a missing login', refuse(0x87), {}, 'mqtt.refused-0x87', 'wants a login'],
    ['a client id that is not allowed', refuse(0x85), {}, 'mqtt.refused-0x85', '--client-id'],
    [
      'a broker without MQTT 5',
      { connack: ({ protocolVersion }) => ({ reasonCode: protocolVersion === 5 ? 0x84 : 0 }) },
      {},
      'mqtt.version',
      '',
    ],
    [
      'a close before the CONNACK',
      { steps: [{ at: 'connect', do: 'close' }] },
      {},
      'first-bytes.closed',
      'backend is down',
    ],
    ['a reset before the CONNACK', { steps: [{ at: 'connect', do: 'reset' }] }, {}, 'first-bytes.closed', 'resets'],
    [
      'a refused filter',
      { suback: 0x87 },
      { subscribe: ['a/#'] },
      'subscribe.refused',
      'subscription to a/#: not authorized',
    ],
    [
      'a filter that MQTT 3.1.1 refuses',
      { suback: 0x80 },
      { subscribe: ['a/#'], versions: [4] },
      'subscribe.refused',
      '0x80',
    ],
    [
      'a close at SUBSCRIBE',
      { steps: [{ at: 'subscribe', do: 'close' }] },
      { subscribe: ['a/#'] },
      'subscribe.closed',
      'SUBSCRIBE for a/#',
    ],
    ['a refused publish', { puback: 0x87 }, { publish: ['a'] }, 'publish.refused', 'publish to a: not authorized'],
    [
      'a reset at PUBLISH',
      { steps: [{ at: 'publish', do: 'reset' }] },
      { publish: ['a'] },
      'publish.closed',
      'PUBLISH for a',
    ],
    [
      'a DISCONNECT at PUBLISH',
      { steps: [{ at: 'publish', do: { disconnect: { reasonCode: 0x97 } } }] },
      { publish: ['a'] },
      'publish.closed',
      'quota exceeded',
    ],
    [
      'malformed bytes',
      { steps: [{ at: 'subscribe', do: { bytes: Uint8Array.of(0x90, 255, 255, 255, 255) } }] },
      { subscribe: ['a'] },
      'subscribe.closed',
      'Remaining Length',
    ],
  ] satisfies [string, Behaviour, Plan, string, string][])('%s', async (_, behaviour, plan, code, says) => {
    const server = await serve('mqtt', script(behaviour))
    const { codes, faults } = await diagnose(server.url, plan)
    expect(codes).toContain(code)
    expect(faults()).toContain(says)
  })

  test('a limit of the packet size that was not announced', async () => {
    const server = await serve('mqtt', {
      script: {
        steps: [
          {
            at: 'publish',
            do: (connection, { payload }) =>
              payload.length > 5_000
                ? connection.reset()
                : void connection.send({
                    cmd: 'puback',
                    messageId: connection.received('publish').at(-1)?.messageId ?? 1,
                  }),
          },
        ],
      },
    })
    const { codes, observed } = await diagnose(server.url, { publish: ['a'] })
    expect(codes).toContain('packet-size.limit')
    expect(observed.packetSize?.largest).toBeGreaterThan(4_500)
    expect(observed.packetSize?.largest).toBeLessThan(5_100)
  })

  test('nothing above the announced packet size is sent', async () => {
    const server = await serve('mqtt', script({ connack: { properties: { maximumPacketSize: 1_000 } } }))
    const { codes } = await diagnose(server.url, { publish: ['a'] })
    expect(codes).toContain('packet-size.ok')
    const longest = Math.max(...server.received('publish').map(({ payload }) => payload.length))
    expect(longest).toBe(1_000 - 9)
  })
})

describe('a scheme that does not fit', () => {
  test.each([
    ['mqtt', 'mqtts', 'first-bytes.tls', 'mqtts://127.0.0.1'],
    ['ws', 'wss', 'first-bytes.tls', 'wss://127.0.0.1'],
    ['mqtts', 'mqtt', 'first-bytes.mqtt', 'Use the port of the server for MQTT inside TLS'],
    ['wss', 'ws', 'first-bytes.http', 'Use the port of the server for MQTT over WebSocket inside TLS'],
    ['mqtt', 'ws', 'first-bytes.http', 'ws://127.0.0.1'],
    ['mqtts', 'wss', 'first-bytes.http', 'wss://127.0.0.1'],
    ['ws', 'mqtt', 'first-bytes.mqtt', 'mqtt://127.0.0.1'],
    ['wss', 'mqtts', 'first-bytes.mqtt', 'mqtts://127.0.0.1'],
  ] as const)('%s: to a server of %s', async (scheme, spoken, code, says) => {
    const server = await serve(spoken)
    const { codes, faults } = await diagnose(at(server.url, scheme), trusting)
    expect(codes).toContain(code)
    expect(faults()).toContain(says)
    expect(faults().split('\n')).toHaveLength(1)
  })

  test('another protocol', async () => {
    const url = await listening(
      createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
      'mqtt',
    )
    expect((await diagnose(url)).faults()).toContain('“SSH-2.0-OpenSSH_9.2”')
  })

  test('silence, whose waits are bounded and shown', async () => {
    const url = await listening(
      createServer(() => {}),
      'mqtt',
    )
    const { codes, waits } = await diagnose(url, { patience: 150 })
    expect(codes).toContain('first-bytes.silent')
    expect(waits).toContain('the CONNACK')
  })
})

describe('a WebSocket', () => {
  test.each([
    [401, 'websocket.unauthorized'],
    [403, 'websocket.unauthorized'],
    [502, 'websocket.backend'],
    [503, 'websocket.backend'],
  ])('refused with %i', async (upgradeStatus, code) => {
    const server = await serve('ws', script({ upgradeStatus }))
    expect((await diagnose(server.url)).codes).toContain(code)
  })

  test.each([
    ['closes', '', 'it closes the connection'],
    ['is not HTTP', 'SSH-2.0\r\n\r\n', 'the answer is not HTTP'],
  ])('whose upgrade %s, though pages are served', async (_, answer, reason) => {
    const server = createHttpServer((_request, response) => response.end('hello'))
    server.on('upgrade', (_request, socket) => socket.end(answer))
    const { codes, faults } = await diagnose(await listening(server, 'ws'))
    expect(codes).toContain('websocket.no-answer')
    expect(faults()).toContain(`does not answer the WebSocket upgrade: ${reason}`)
  })

  test('on another path', async () => {
    const server = createHttpServer((_request, response) => response.writeHead(404).end())
    server.on('upgrade', (request, socket) => {
      const isRight = request.url === '/ws'
      const head = isRight ? '101 Switching Protocols\r\nSec-WebSocket-Protocol: mqtt' : '404 Not Found'
      socket.end(`HTTP/1.1 ${head}\r\nConnection: ${isRight ? 'Upgrade' : 'close'}\r\nUpgrade: websocket\r\n\r\n`)
    })
    const url = await listening(server, 'ws')
    const { codes, faults, observed } = await diagnose(`${url}/mqtt?token=opensesame`)
    expect(codes).toContain('websocket.path')
    expect(faults()).toContain('Use the path /ws')
    expect(JSON.stringify(observed) + faults()).not.toContain('opensesame')
  })

  test('without the subprotocol, and with a clock that differs', async () => {
    const server = createHttpServer()
    server.on('upgrade', (_request, socket) => {
      const head = `Connection: Upgrade\r\nUpgrade: websocket\r\nDate: ${new Date(Date.now() - 7_200_000).toUTCString()}`
      socket.end(`HTTP/1.1 101 Switching Protocols\r\n${head}\r\n\r\n`)
    })
    const url = await listening(server, 'ws')
    expect((await diagnose(url)).codes).toEqual(expect.arrayContaining(['websocket.subprotocol', 'clock.wrong']))
  })
})

describe('TLS', () => {
  const secure = (options: TlsOptions) =>
    listening(
      createTlsServer(options, (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => socket.end())
      }),
      'mqtts',
    )

  test('a version that is too old', async () => {
    const url = await secure({ ...fixture, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect((await diagnose(url, trusting)).faults()).toContain('speaks TLSv1.1 and nothing newer')
  })

  test('a proxy whose backend is down is not taken for one that wants a client certificate', async () => {
    const url = await listening(
      createTlsServer(fixture, (socket) => socket.on('error', () => {}).end()),
      'mqtts',
    )
    const { codes } = await diagnose(url, trusting)
    expect(codes).toEqual(expect.arrayContaining(['tls.no-certificate-wanted', 'first-bytes.closed']))
  })

  describe.skipIf(!opensslInstalled)('with a CA of its own', () => {
    const ca = () => new TestCa(temporaryFolder())

    test('names what is wrong with a certificate', async () => {
      const issuer = ca()
      const url = await secure(issuer.issue('old', { altName: 'DNS:other.test', expired: true }))
      const trusted = await diagnose(url, { tls: { ca: issuer.cert } })
      expect(trusted.codes).toEqual(expect.arrayContaining(['tls.expired', 'tls.wrong-name']))
      expect(trusted.faults()).toContain('not for 127.0.0.1. It is for other.test')
      const unknown = await diagnose(url, { patience: 500 })
      expect(unknown.codes).toEqual(expect.arrayContaining(['tls.unknown-ca', 'tls.expired', 'tls.wrong-name']))
      expect(trusted.codes).not.toContain('tls.unknown-ca')
    })

    // Node does not say why it ends TLS 1.3, where its wish for a certificate is encrypted.
    test.each([
      ['TLSv1.2', 'tls.certificate-refused'],
      ['TLSv1.3', 'tls.closed'],
    ] as const)('a client certificate, %s', async (version, refused) => {
      const [issuer, other] = [ca(), ca()]
      const options = {
        ...issuer.issue('server'),
        ca: issuer.cert,
        requestCert: true,
        minVersion: version,
        maxVersion: version,
      }
      const url = await secure(options)
      const none = await diagnose(url, { tls: { ca: issuer.cert } })
      expect(none.codes).toContain('tls.certificate-wanted')
      const wrong = await diagnose(url, { tls: { ca: issuer.cert, ...other.issue('me') } })
      expect(wrong.codes).toContain(refused)
      const server = await secure({ ...options, rejectUnauthorized: false })
      const right = await diagnose(server, { tls: { ca: issuer.cert, ...issuer.issue('me') }, patience: 300 })
      expect(right.findings.map(({ text }) => text)).toContain('The server accepts the client certificate.')
    })
  })
})

describe('DNS', () => {
  test('each address is tried', async () => {
    const server = await serve('mqtt')
    const lookup = async (_host: string, family: 4 | 6) => ({
      addresses: family === 4 ? ['127.0.0.1', '127.0.0.2'] : [],
      time: 1,
    })
    const { codes } = await diagnose(server.url.replace('127.0.0.1', 'broker.test'), { lookup })
    expect(codes).toEqual(expect.arrayContaining(['dns.ok', 'tcp.ok', 'tcp.some-refused', 'mqtt.ok']))
  })

  test('a name server that never answers is not waited for', async () => {
    const signals: AbortSignal[] = []
    const lookup: Lookup = (_host, _family, signal) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const { codes, notChecked } = await diagnose('mqtt://broker.test', { lookup, patience: 20 })
    expect(codes).toEqual(['dns.timeout'])
    expect(notChecked).toContain('tcp')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('the system is asked as the client asks it', async () => {
    const server = await serve('mqtt')
    const { observed } = await diagnose(server.url.replace('127.0.0.1', 'localhost'))
    expect(observed.dns?.[0]).toMatchObject({ family: 4, addresses: ['127.0.0.1'] })
  })
})

test('Ctrl-C ends it at once, with what is known', async () => {
  const url = await listening(
    createServer(() => {}),
    'mqtt',
  )
  const controller = new AbortController()
  const { isInterrupted, codes, notChecked } = await diagnose(url, {
    patience: 60_000,
    signal: controller.signal,
    waits: (what) => what === 'an answer in MQTT' && controller.abort(),
  })
  expect(isInterrupted).toBe(true)
  expect(codes).toContain('tcp.ok')
  expect(notChecked).toContain('mqtt')
})

test('the idle timeout is measured beside the other checks, below the keep alive of the broker', async () => {
  const server = await serve('mqtt', script({ connack: { properties: { serverKeepAlive: 1 } } }))
  const { observed, codes } = await diagnose(server.url, { idle: true })
  expect(codes).toContain('idle.ok')
  expect(observed.idle).toMatchObject({ survived: 1_000, limit: 1_000 })
  expect(server.received('connect').filter(({ keepalive }) => keepalive === 0).length).toBe(8)
})
