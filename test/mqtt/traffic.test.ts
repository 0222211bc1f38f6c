import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import { Line } from '../../src/mqtt/line.ts'
import { trafficOf } from '../../src/mqtt/traffic.ts'
import { webSocketFactory } from '../../src/mqtt/web-socket.ts'
import { until } from '../support/event-loop.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { serve, startServer, trusting } from '../support/servers.ts'

const LARGE = Buffer.alloc(8_000_000)

/** Two ends of one connection. */
async function connected(scheme: 'mqtt' | 'mqtts'): Promise<{ ours: Socket; theirs: Socket }> {
  const server = scheme === 'mqtt' ? createServer() : createTlsServer(tls)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, scheme === 'mqtt' ? 'connection' : 'secureConnection')
  const ours = scheme === 'mqtt' ? connect(port, '127.0.0.1') : connectTls({ port, ca: tls.cert })
  const [theirs] = (await accepted) as [Socket]
  onTestFinished(() => {
    ours.destroy()
    theirs.destroy()
    server.close()
  })
  return { ours, theirs }
}

test.each(['mqtt', 'mqtts'] as const)('sees what the network takes of one large write on %s', async (scheme) => {
  const { ours, theirs } = await connected(scheme)
  theirs.pause()
  ours.write(LARGE)
  await until(() => trafficOf(ours, 0).isWaiting)
  const before = trafficOf(ours, 0)
  expect(before.arrived).toBe(0)
  theirs.resume()
  await until(() => trafficOf(ours, 0).taken > before.taken)
  await until(() => !trafficOf(ours, 0).isWaiting)
  theirs.write('answer')
  await until(() => trafficOf(ours, 0).arrived > 0)
})

test('is given the socket below a WebSocket of Node', async () => {
  const server = await startServer({ transport: 'ws' })
  const sockets: Socket[] = []
  const create = webSocketFactory({
    onSocket: (socket) => sockets.push(socket as Socket),
    onClose: () => {},
    onRefused: () => {},
  })
  const socket = create(server.url.replace('mqtt:', 'ws:'), ['mqtt'], {} as never) as WebSocket
  onTestFinished(() => socket.close())
  await until(() => sockets[0] && trafficOf(sockets[0], 0).arrived > 0)
  expect(sockets).toHaveLength(1)
})

test('counts what a stream of JavaScript has buffered', () => {
  const stream = new PassThrough()
  stream.write(new Uint8Array(100_000))
  expect(trafficOf(stream, 300_000)).toEqual({ arrived: 0, taken: 200_000, isWaiting: true })
})

test('counts what a WebSocket of a browser has buffered', () => {
  expect(trafficOf({ bufferedAmount: 300 }, 1_000)).toEqual({ arrived: 0, taken: 700, isWaiting: true })
  expect(trafficOf({ bufferedAmount: 0 }, 1_000)).toEqual({ arrived: 0, taken: 1_000, isWaiting: false })
})

describe('the status', () => {
  test.each(['mqtt', 'mqtts'] as const)(
    'has the bytes of all packets on %s, and of all connections',
    async (scheme) => {
      const server = await serve(scheme)
      const { client, next } = startClient({ url: server.url, ...atOnce, options: { ...trusting } })
      let sent = 0
      let received = 0
      client.on('packetsend', ({ size }) => (sent += size))
      client.on('packetreceive', ({ size }) => (received += size))
      expect(client.status.traffic).toEqual({ sent: 0, received: 0 })
      await client.connect()
      server.connections[0]?.close()
      await next('connectionResumed')
      await client.subscribe('a/#', () => {}).ready
      await client.publish('a', 'x'.repeat(1_000), { qos: 1 })
      expect(client.status.traffic).toEqual({ sent, received })
      await client.disconnect()
      expect(client.status.traffic.received).toBe(received)
    },
  )

  test('has what passes where the socket does not count', () => {
    const line = new Line(
      () => 0,
      () => ({ bufferedAmount: 0 }),
    )
    line.sent(7)
    line.heard(5)
    expect(line.bytes).toEqual({ sent: 7, received: 5 })
  })
})
