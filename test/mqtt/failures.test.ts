import { createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import type { ConnectOptions } from '../../src/api/options.ts'
import { createTestClock, type Behaviour, type ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { everywhere, serve, trusting, type Scheme, type ProtocolVersion } from '../support/servers.ts'
import { webSocketServer } from '../support/web-socket-server.ts'
import { transportScene } from './transport-scene.ts'

interface Case {
  readonly scheme: Scheme
  readonly version: ProtocolVersion
}

interface Row {
  readonly name: string
  readonly script?: Behaviour
  readonly options?: ConnectOptions
  /** The schemes and versions for which it can happen. @default all */
  readonly on?: (where: Case) => boolean
  /** What the test does to the server before it connects. */
  readonly before?: (server: ScriptedServer) => unknown
  /** What the test does once the connection is open. */
  readonly opened?: (server: ScriptedServer) => unknown
  readonly url?: (server: ScriptedServer) => string
  /** The reason code of our DISCONNECT. */
  readonly breach?: number
  readonly failure: Failure | ((where: Case) => Failure)
}

const text = expect.any(String) as string
const closed: Failure = { kind: 'closed' }
const protocol: Failure = { kind: 'protocol', message: text }
const reset: Failure = { kind: 'socket', code: 'ECONNRESET', message: text }
const closedEarly: Failure = { ...closed, beforeConnack: true }
const webSocketClosedEarly: Failure = { ...closed, beforeConnack: true, webSocket: true }
const resetEarly: Failure = { ...reset, beforeConnack: true }
/** As `resetEarly`, by which handshake was under way. */
const resetAtAccept = ({ scheme }: Case): Failure => {
  if (scheme === 'mqtt') return resetEarly
  return { ...resetEarly, handshake: scheme === 'mqtts' ? 'tls' : 'websocket' }
}
const badOptions: Failure = { kind: 'options', name: 'Error' }

const onV5 = ({ version }: Case) => version === 5
const onV4 = ({ version }: Case) => version === 4
const onWebSocket = ({ scheme }: Case) => scheme.startsWith('ws')
const onTcp = ({ scheme }: Case) => scheme === 'mqtt'
const onTls = ({ scheme }: Case) => scheme === 'mqtts' || scheme === 'wss'

const moved = { reasonCode: 0x9d, reasonString: 'gone', serverReference: 'other:1883' }

const rows: Row[] = [
  // No server answers.
  {
    name: 'refused',
    before: (server) => server.close(),
    failure: { kind: 'socket', code: 'ECONNREFUSED', message: text },
  },
  {
    name: 'DNS',
    url: ({ url }) => url.replace('127.0.0.1', 'nohost.invalid'),
    failure: { kind: 'socket', code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) as string, message: text },
  },
  // Before the CONNECT can be sent. Under TLS and the WebSocket upgrade Node calls a FIN a reset.
  {
    name: 'FIN at accept',
    script: { steps: [{ at: 'accept', do: 'close' }] },
    failure: (where) => (where.scheme === 'mqtt' ? closedEarly : resetAtAccept(where)),
  },
  { name: 'RST at accept', script: { steps: [{ at: 'accept', do: 'reset' }] }, failure: resetAtAccept },
  ...[401, 403, 503].map((status): Row => ({
    name: `WebSocket upgrade ${status}`,
    on: onWebSocket,
    script: { upgradeStatus: status },
    failure: { kind: 'websocket', status, message: text, beforeConnack: true },
  })),
  ...(
    [
      ['503 Busy', ['Retry-After: 20'], { status: 503, retryAfter: 20_000 }],
      [
        '429 Busy',
        ['Retry-After: Sat, 28 Nov 2026 10:00:30 GMT', 'Date: Sat, 28 Nov 2026 10:00:00 GMT'],
        { status: 429, retryAfter: 30_000 },
      ],
      ['503 Busy', ['Retry-After: Sat, 28 Nov 2026 10:00:30 GMT'], { status: 503 }],
      ['503 Busy', ['Retry-After: soon'], { status: 503 }],
      ['502 Bad Gateway', ['Retry-After: 20'], { status: 502 }],
      ['404 Not Found', ['Location: https://a.example/'], { status: 404 }],
      [
        '301 Moved',
        ['Location: https://me:secret@a.example:8443/mqtt?token=abc'],
        { status: 301, location: 'https://a.example:8443' },
      ],
      ['302 Found', ['Location: /login'], { status: 302 }],
      ['302 Found', [], { status: 302 }],
    ] as const
  ).map(([line, headers, failure]): Row => ({
    name: `WebSocket upgrade ${line} ${headers.join(', ')}`,
    on: ({ scheme, version }) => scheme === 'ws' && version === 5,
    script: {
      steps: [
        {
          at: 'accept',
          do: { bytes: Buffer.from([`HTTP/1.1 ${line}`, ...headers, 'Content-Length: 0', '', ''].join('\r\n')) },
        },
      ],
    },
    failure: { kind: 'websocket', message: text, beforeConnack: true, ...failure },
  })),
  {
    name: 'a web server without WebSocket',
    on: ({ scheme }) => scheme === 'ws',
    script: { steps: [{ at: 'accept', do: { bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') } }] },
    failure: { kind: 'websocket', status: 200, message: text, beforeConnack: true },
  },
  {
    name: 'TLS to a server without TLS',
    on: ({ scheme }) => scheme === 'mqtts',
    script: { steps: [{ at: 'accept', do: { bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') } }] },
    failure: { kind: 'tls', code: text, message: text },
  },
  {
    name: 'an untrusted certificate',
    on: onTls,
    options: { tls: {} },
    failure: { kind: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: text },
  },
  {
    name: 'a certificate for another host',
    on: onTls,
    options: { tls: { ...trusting.tls, servername: 'elsewhere.example' } },
    failure: { kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: text },
  },
  // Options that MQTT.js rejects.
  {
    name: 'a property that cannot be encoded',
    on: onV5,
    options: { will: { topic: 'gone', payload: '', properties: { messageExpiryInterval: 'soon' as never } } },
    failure: { kind: 'options', name: 'InvalidOptionError' },
  },
  {
    name: 'a password without a user name',
    on: onV4,
    options: { password: 'secret' },
    failure: { kind: 'options', name: 'InvalidOptionError' },
  },
  {
    name: 'an invalid key',
    on: onTls,
    options: { tls: { cert: 'none', key: 'none' } },
    // Node's https reports it later than its tls.
    failure: ({ scheme }) => (scheme === 'mqtts' ? badOptions : { kind: 'tls', code: text, message: text }),
  },

  // The CONNECT is sent.
  {
    name: 'FIN on CONNECT',
    script: { steps: [{ at: 'connect', do: 'close' }] },
    failure: ({ scheme }) => (scheme.startsWith('ws') ? webSocketClosedEarly : closedEarly),
  },
  {
    name: 'RST on CONNECT',
    script: { steps: [{ at: 'connect', do: 'reset' }] },
    // ws hides the error, and reports a close without a status.
    failure: ({ scheme }) => (scheme.startsWith('ws') ? webSocketClosedEarly : resetEarly),
  },
  {
    name: 'malformed bytes instead of a CONNACK',
    script: { steps: [{ at: 'connect', do: 'malformed' }] },
    failure: protocol,
  },
  {
    name: 'an answer in HTTP',
    on: onTcp,
    script: { steps: [{ at: 'connect', do: { bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') } }] },
    failure: { kind: 'protocol', message: 'HTTP/1.1 400 Bad Request', speaks: 'http' },
  },
  {
    name: 'a TLS alert instead of a CONNACK',
    on: onTcp,
    script: { steps: [{ at: 'connect', do: { bytes: Uint8Array.of(0x15, 3, 1, 0, 2, 2, 40) } }] },
    failure: { kind: 'protocol', message: 'a TLS alert instead of a CONNACK', speaks: 'tls' },
  },
  ...[1, 2, 3, 4, 5].map((reasonCode): Row => ({
    name: `CONNACK ${reasonCode}`,
    on: onV4,
    script: { connack: { reasonCode } },
    failure: { kind: 'refused', protocolVersion: 4, reasonCode },
  })),
  ...[0x80, 0x86, 0x87, 0x88, 0x8a, 0x97].map((reasonCode): Row => ({
    name: `CONNACK 0x${reasonCode.toString(16)}`,
    on: onV5,
    script: { connack: { reasonCode } },
    failure: { kind: 'refused', protocolVersion: 5, reasonCode },
  })),
  // aedes 1.2 answers a CONNECT of MQTT 5 like this.
  ...[1, 5].map((reasonCode): Row => ({
    name: `CONNACK ${reasonCode} of MQTT 3.1.1`,
    on: onV5,
    script: { steps: [{ at: 'connect', do: { bytes: Uint8Array.of(0x20, 2, 0, reasonCode) } }] },
    failure: { kind: 'refused', protocolVersion: 4, reasonCode },
  })),
  {
    name: 'CONNACK with a code that MQTT 5 does not have',
    on: onV5,
    script: { connack: { reasonCode: 0xc5 } },
    failure: { kind: 'refused', protocolVersion: 5, reasonCode: 0xc5 },
  },
  {
    name: 'CONNACK with a reason string and a server reference',
    on: onV5,
    script: {
      connack: { reasonCode: 0x9d, properties: { reasonString: 'gone', serverReference: 'other:1883' } },
    },
    failure: { kind: 'refused', protocolVersion: 5, ...moved },
  },
  ...(['connect', 'connack'] as const).map((at): Row => ({
    name: `WebSocket close code at ${at}`,
    on: onWebSocket,
    script: { steps: [{ at, do: { close: 4_401, reason: 'expired' } }] },
    failure: {
      kind: 'websocket',
      closeCode: 4_401,
      message: expect.stringContaining('4401 expired') as string,
      ...(at === 'connect' && { beforeConnack: true }),
    },
  })),
  ...[1_000, 1_001].map((close): Row => ({
    name: `WebSocket close code ${close}, which says nothing`,
    on: onWebSocket,
    script: { steps: [{ at: 'connack', do: { close } }] },
    failure: closed,
  })),

  // The connection is open.
  { name: 'FIN with the CONNACK', script: { steps: [{ at: 'connack', do: 'close' }] }, failure: closed },
  { name: 'FIN later', opened: (server) => server.kick('close'), failure: closed },
  {
    name: 'RST later',
    opened: (server) => server.kick('reset'),
    failure: ({ scheme }) => (scheme.startsWith('ws') ? closed : reset),
  },
  { name: 'the server dies', opened: (server) => server.close(), failure: closed },
  { name: 'malformed bytes', opened: (server) => server.kick('malformed'), failure: protocol },
  {
    name: 'malformed bytes with the CONNACK',
    script: { steps: [{ at: 'connack', do: 'malformed' }] },
    failure: protocol,
  },
  ...(
    [
      ['PUBLISH of QoS 1, cut off', [0x32, 3, 0, 1, 0x61], 'PUBLISH with a length beyond its end (MQTT 5 §4.13.1)'],
      ['PUBLISH of QoS 2, cut off', [0x34, 3, 0, 1, 0x61], 'PUBLISH with a length beyond its end (MQTT 5 §4.13.1)'],
      [
        'PUBLISH of QoS 1 with the packet identifier 0',
        [0x32, 6, 0, 1, 0x61, 0, 0, 0],
        'PUBLISH with the Packet Identifier 0 (MQTT 5 §2.2.1)',
      ],
      ['PUBREL, cut off', [0x62, 1, 0], 'PUBREL with a length beyond its end (MQTT 5 §4.13.1)'],
      ['PUBREL with the packet identifier 0', [0x62, 2, 0, 0], 'PUBREL with the Packet Identifier 0 (MQTT 5 §2.2.1)'],
      ['PINGRESP with flags', [0xd1, 0], 'PINGRESP with invalid flags (MQTT 5 §2.1.3)'],
      ['PUBACK with the packet identifier 0', [0x40, 2, 0, 0], 'PUBACK with the Packet Identifier 0 (MQTT 5 §2.2.1)'],
    ] as const
  ).map(([name, bytes, message]): Row => ({
    name,
    opened: (server) => server.kick({ bytes: Uint8Array.from(bytes) }),
    breach: 0x81,
    failure: { kind: 'protocol', message },
  })),
  {
    name: 'a second CONNACK',
    opened: (server) => server.send({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false }),
    failure: protocol,
  },
  {
    name: 'an unsolicited AUTH',
    on: onV5,
    opened: (server) => server.send({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'x' } }),
    breach: 0x82,
    failure: protocol,
  },
  ...[true, false].flatMap((close): Row[] => [
    {
      name: `DISCONNECT, ${close ? 'then it closes' : 'and it does not close'}`,
      on: onV5,
      opened: (server) => server.kick({ disconnect: moved, close }),
      failure: { kind: 'disconnected', ...moved },
    },
    {
      name: `DISCONNECT with the CONNACK, ${close ? 'then it closes' : 'and it does not close'}`,
      // Over WebSocket the scripted server's Close frame would overtake the DISCONNECT.
      on: (where) => onV5(where) && !(close && onWebSocket(where)),
      script: { steps: [{ at: 'connack', do: { disconnect: { reasonCode: 0x8e }, close } }] },
      failure: { kind: 'disconnected', reasonCode: 0x8e },
    },
  ]),
  {
    name: 'DISCONNECT without a reason',
    on: onV5,
    opened: (server) => server.kick({ disconnect: {} }),
    failure: { kind: 'disconnected', reasonCode: 0 },
  },
  {
    name: 'DISCONNECT with a code that MQTT 5 does not have',
    on: onV5,
    opened: (server) => server.kick({ bytes: Uint8Array.of(0xe0, 7, 0xc5, 5, 0x1f, 0, 2, 0x6e, 0x6f) }),
    failure: { kind: 'disconnected', reasonCode: 0xc5, reasonString: 'no' },
  },
  {
    name: 'DISCONNECT in parts',
    on: onV5,
    opened: async (server) => {
      for (const byte of [0xe0, 2, 0x8b, 0]) {
        server.kick({ bytes: Uint8Array.of(byte) })
        await turns(3)
      }
    },
    failure: { kind: 'disconnected', reasonCode: 0x8b },
  },
  // The first failure counts.
  {
    name: 'DISCONNECT, then malformed bytes and a close',
    on: onV5,
    opened: async (server) => {
      server.kick({ disconnect: { reasonCode: 0x98 }, close: false })
      await turns(10)
      server.kick('malformed')
      server.kick('close')
    },
    failure: { kind: 'disconnected', reasonCode: 0x98 },
  },
  {
    name: 'malformed bytes, DISCONNECT and a close in one chunk',
    opened: (server) => {
      server.kick('malformed')
      server.kick({ disconnect: { reasonCode: 0x98 } })
    },
    failure: protocol,
  },
]

const cases = rows.flatMap((row) =>
  everywhere.filter((where) => row.on?.(where) ?? true).map((where) => ({ ...row, ...where })),
)

test.each(cases)('reports one failure: $name on $scheme, MQTT $version', async (row) => {
  const { scheme, version, script = {}, options } = row
  const server = await serve(scheme, { script })
  const url = row.url?.(server) ?? server.url
  await row.before?.(server)
  const scene = transportScene({ url, options: { ...trusting, ...options, protocolVersion: version } })
  scene.start()
  if (row.opened) {
    await scene.waitFor('transport.opened')
    await row.opened(server)
  }
  expect(await scene.failure()).toEqual(typeof row.failure === 'function' ? row.failure(row) : row.failure)

  // The transport releases the socket without a command, and reports nothing more.
  await settled(server)
  const terminal = scene.told.filter(({ type }) => type !== 'transport.opened')
  expect(terminal).toHaveLength(1)
  expect(scene.told.at(-1)).toBe(terminal[0])
  // Only a breach that the client itself finds is reported to the server, on MQTT 5 (§4.13.1).
  const told = row.version === 5 && row.breach !== undefined ? [row.breach] : []
  expect(server.received('disconnect').map(({ reasonCode }) => reasonCode)).toEqual(told)
})

test.each(everywhere)('times out by the machine’s clock without a CONNACK on $scheme, MQTT $version', async (where) => {
  for (const script of [{ connack: false }, { steps: [{ at: 'accept', do: 'ignore' }] }] satisfies Behaviour[]) {
    const server = await serve(where.scheme, { script })
    const scene = transportScene({ url: server.url, options: { ...trusting, protocolVersion: where.version } })
    scene.start()
    await server.waitFor(() => server.openSockets === 1)
    if ('connack' in script) await server.waitFor('connect')
    await turns()
    expect(scene.told).toEqual([])
    scene.stop()
    await settled(server)
    expect(scene.told).toEqual([])
  }
})

test.each(everywhere)(
  'reports one failure after 1.5 × keep alive on a half-open connection on $scheme, MQTT $version',
  async (where) => {
    const clock = createTestClock()
    const server = await serve(where.scheme, { script: { pingresp: false } })
    const options: ConnectOptions = { ...trusting, protocolVersion: where.version, keepalive: 20_000 }
    const scene = transportScene({ url: server.url, options, clock })
    scene.start()
    await scene.waitFor('transport.opened')
    clock.tick(20_000)
    await server.waitFor('pingreq')
    clock.tick(9_999)
    expect(scene.failures()).toEqual([])
    clock.tick(1)
    expect(scene.failures()).toEqual([{ kind: 'keepalive' }])
    await settled(server)
    expect(scene.failures()).toHaveLength(1)
    expect(clock.pending).toBe(0)
  },
)

test.each(everywhere)('keeps a connection that answers on $scheme, MQTT $version', async (where) => {
  const clock = createTestClock()
  const server = await serve(where.scheme)
  const options: ConnectOptions = { ...trusting, protocolVersion: where.version, keepalive: 20_000 }
  const scene = transportScene({ url: server.url, options, clock })
  scene.start()
  await scene.waitFor('transport.opened')
  for (let count = 1; count <= 5; count++) {
    clock.tick(20_000)
    await server.waitFor('pingreq', { count })
    // It arrives after the PINGRESP.
    server.publish('behind', '')
    await until(() => scene.received.length === count, 'the PINGRESP')
  }
  expect(scene.failures()).toEqual([])
})

describe('a probe', () => {
  test.each(everywhere)('fails without an answer on $scheme, MQTT $version', async (where) => {
    const clock = createTestClock()
    const server = await serve(where.scheme, { script: { pingresp: false } })
    const scene = transportScene({ url: server.url, options: { ...trusting, protocolVersion: where.version }, clock })
    scene.start()
    await scene.waitFor('transport.opened')
    scene.send('PROBE')
    scene.send('PROBE')
    await server.waitFor('pingreq')
    clock.tick(4_999)
    expect(scene.failures()).toEqual([])
    clock.tick(1)
    expect(scene.failures()).toEqual([{ kind: 'timeout', phase: 'probe' }])
    await settled(server)
    expect(server.received('pingreq')).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test('is satisfied by any packet', async () => {
    const clock = createTestClock()
    const server = await serve('mqtt', { script: { pingresp: false } })
    const scene = transportScene({ url: server.url, options: { keepalive: 0 }, clock })
    scene.start()
    await scene.waitFor('transport.opened')
    scene.send('PROBE')
    await server.waitFor('pingreq')
    expect(clock.pending).toBe(1)
    server.publish('alive', '')
    await until(() => clock.pending === 0, 'the sign of life')
    clock.tick(60_000)
    expect(scene.failures()).toEqual([])
  })

  test('does nothing before the connection is open', async () => {
    const clock = createTestClock()
    const server = await serve('mqtt', { script: { connack: false } })
    const scene = transportScene({ url: server.url, clock })
    scene.start()
    scene.send('PROBE')
    await server.waitFor('connect')
    scene.send('PROBE')
    expect(clock.pending).toBe(0)
    expect(scene.told).toEqual([])
  })
})

describe('a drop', () => {
  test.each(everywhere)(
    'cuts the connection without a DISCONNECT on $scheme, MQTT $version',
    async ({ scheme, version }) => {
      const clock = createTestClock()
      const server = await serve(scheme)
      const scene = transportScene({ url: server.url, options: { ...trusting, protocolVersion: version }, clock })
      scene.start()
      await scene.waitFor('transport.opened')
      scene.send('DROP')
      scene.send('DROP')
      expect(await scene.failure()).toEqual({ kind: 'socket', code: 'ECONNABORTED', message: 'dropped on request' })
      await settled(server)
      expect(server.received('disconnect')).toEqual([])
      expect(scene.failures()).toHaveLength(1)
      expect(clock.pending).toBe(0)
    },
  )

  test('does nothing before the connection is open and after it has closed', async () => {
    const server = await serve('mqtt', { script: { connack: false } })
    const scene = transportScene({ url: server.url })
    scene.start()
    scene.send('DROP')
    await server.waitFor('connect')
    scene.send('DROP')
    await turns()
    expect(server.openSockets).toBe(1)
    scene.send('CLOSE')
    await scene.waitFor('transport.closed')
    scene.send('DROP')
    expect(scene.told).toEqual([{ type: 'transport.closed' }])
  })
})

test('reports one failure for an invalid WebSocket frame, without waiting for the peer to close', async () => {
  const peer = await webSocketServer((socket) => socket.write(Uint8Array.of(0xff, 0xff, 0xff)))
  const scene = transportScene({ url: peer.url })
  scene.start()
  expect(await scene.failure()).toEqual({ kind: 'websocket', message: text, beforeConnack: true })
  await peer.closed
  expect(scene.failures()).toHaveLength(1)
})

test('reports nothing for a TCP server that only listens, until the machine stops the attempt', async () => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket.on('close', () => sockets.delete(socket))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const scene = transportScene({ url: `wss://127.0.0.1:${port}` })
  scene.start()
  await new Promise((resolve) => server.once('connection', resolve))
  scene.stop()
  for (const socket of sockets) socket.resume()
  await new Promise<void>((resolve) => {
    if (sockets.size === 0) resolve()
    for (const socket of sockets) socket.once('close', () => resolve())
  })
  expect(scene.told).toEqual([])
})

/** Waits until the server has no open sockets and all pending work is done. */
async function settled(server: ScriptedServer): Promise<void> {
  if (server.connections.length > 0) await server.waitFor(() => server.openSockets === 0)
  await turns(10)
}
