import { expect, test } from 'vitest'

import { createTestClock, type Behaviour } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { everywhere, serve, trusting, startServer } from '../support/servers.ts'

const holes: [string, Behaviour][] = [
  ['accepts but never answers', { steps: [{ at: 'accept', do: 'ignore' }] }],
  ['no CONNACK', { connack: false }],
]
const blackHoles = holes.flatMap(([name, script]) => everywhere.map((where) => ({ name, script, ...where })))

test.each(blackHoles)('black hole ($name) on $scheme, MQTT $version', async ({ script, scheme, version }) => {
  const clock = createTestClock()
  const server = await serve(scheme, { script })
  const options = { ...trusting, protocolVersion: version } as const
  const { client, heard } = startClient({ ...once, url: server.url, clock, options })
  const failed = rejection(client.connect())
  await server.waitFor(() => (script.connack === false ? server.received('connect').length : server.openSockets) === 1)
  clock.tick(29_999)
  expect(client.status.state).toBe('connecting')
  clock.tick(1)
  expect(await failed).toMatchObject({ failure: { kind: 'timeout', phase: 'connect' } })
  await server.waitFor(() => server.openSockets === 0)
  expect(heard('gaveUp')).toHaveLength(1)
  // The state `failed` lasts for a moment, so that it can be observed.
  clock.tick(1)
  expect(clock.pending).toBe(0)
})

test.each([['at once', 'connack', 5]] as const)(
  'backs off and finally gives up if the connection closes %s after its CONNACK',
  async (_, at, maxAttempts) => {
    const clock = createTestClock()
    const server = await startServer({ script: { steps: [{ at, do: 'close' }] } })
    const { client, heard, next } = startClient({
      url: server.url,
      clock,
      reconnect: { maxAttempts, jitter: 'none' },
      recovery: { enabled: false },
    })
    client.subscribe('a', () => {})
    const failed = rejection(client.connect())
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const { delay } = await next('reconnectScheduled', attempt)
      clock.tick(delay)
    }
    expect(await failed).toMatchObject({ failure: { kind: 'closed' } })
    const delays = [1_000, 2_000, 4_000, 8_000, 16_000].slice(0, maxAttempts)
    expect(heard('reconnectScheduled').map(({ delay }) => delay)).toEqual(delays)
    expect(heard('connected')).toEqual([])
    const connects = maxAttempts + 1
    expect(client.status.counters).toMatchObject({ connects, interruptions: connects, failedAttempts: 0 })
  },
)

const taken = { reasonCode: 0x8e, reasonString: 'another one' }

test('gives up by default after a session takeover', async () => {
  const server = await startServer()
  const { client, heard, next } = startClient({ url: server.url, options: { protocolVersion: 5 } })
  await client.connect()
  server.kick({ disconnect: taken })
  expect(await next('gaveUp', 1)).toEqual({ failure: { kind: 'disconnected', ...taken }, attempts: 0, cycles: 0 })
  expect(heard('reconnectScheduled')).toEqual([])
  expect(client.status.state).toBe('failed')
  await server.waitFor(() => server.openSockets === 0)
})

test('reconnects much later after a session takeover with onTakeover: retry-later', async () => {
  const clock = createTestClock()
  const server = await startServer()
  const { client, next } = startClient({
    url: server.url,
    clock,
    onTakeover: 'retry-later',
    reconnect: { maxDelay: 90_000, jitter: 'none' },
    options: { protocolVersion: 5, keepalive: 0 },
  })
  await client.connect()
  server.kick({ disconnect: taken })
  expect(await next('reconnectScheduled', 1)).toMatchObject({ attempt: 1, delay: 90_000 })
  clock.tick(90_000)
  await next('connectionResumed', 1)
})

test.each([
  [4, 3, 'server unavailable'],
  [5, 0x88, 'server unavailable'],
  [5, 0x89, 'server busy'],
] as const)(
  'MQTT %i: a CONNACK with the code %i is followed by a retry, and the log says: %s',
  async (protocolVersion, reasonCode, words) => {
    const server = await startServer({ script: [{ connack: { reasonCode } }, {}] })
    const clock = createTestClock()
    const { client, next, lines } = startClient({ url: server.url, clock, options: { protocolVersion } })
    const connected = client.connect()
    const { delay, failure } = await next('reconnectScheduled', 1)
    expect(failure).toEqual({ kind: 'refused', protocolVersion, reasonCode })
    expect(lines.some(({ message }) => message.endsWith(`connection refused: ${words}`))).toBe(true)
    clock.tick(delay)
    await connected
  },
)

test('ends the connection after a DISCONNECT even if the server does not close it', async () => {
  const server = await startServer({ script: [{}, {}] })
  const clock = createTestClock()
  const { client, next } = startClient({ url: server.url, clock, options: { protocolVersion: 5 } })
  await client.connect()
  server.kick({ disconnect: { reasonCode: 0x8b }, close: false })
  const { delay } = await next('reconnectScheduled', 1)
  await server.waitFor(() => server.openSockets === 0)
  expect(client.isConnected).toBe(false)
  clock.tick(delay)
  await next('connectionResumed', 1)
  await until(() => server.openSockets === 1, 'one socket')
})
