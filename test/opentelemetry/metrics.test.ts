import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { instrument } from '../../opentelemetry/index.ts'
import { createFleet, InvalidOptionError, ResilientMqttClient } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { scriptedClient, type ScriptedClientOptions } from '../support/scripted-client.ts'
import { startServer } from '../support/servers.ts'
import { telemetry } from './telemetry.ts'

async function scene(options: ScriptedClientOptions = {}) {
  const t = telemetry()
  const s = await scriptedClient(options)
  const stop = instrument(s.client, t.providers)
  onTestFinished(stop)
  return { ...t, ...s, stop }
}

const SENT = 'messaging.client.sent.messages'

test('the docs have all metrics, with their units', async () => {
  const { client, points, server, spans } = await scene()
  await client.connect()
  await client.subscribe('a', () => {}).ready
  await client.publish('a', 'x', { qos: 1 })
  server.publish('a', 'x')
  await until(() => spans().length === 2)
  const page = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `((?:mqtt|messaging)\.[\w.]+)` \| [\w ]+ \| `([^`]+)` \|/gm)]
  const found = new Map((await points()).map(({ name, unit }) => [name, unit]))
  expect(Object.fromEntries(documented.map(([, name, unit]) => [name, unit]))).toEqual(Object.fromEntries(found))
})

test('they follow the status of a client', async () => {
  const clock = createTestClock({ now: 1e12 })
  const { client, server, metric } = await scene({
    clock,
    now: clock.now,
    connect: { keepalive: 0 },
    script: [{ connack: { reasonCode: 0x89 } }, { connack: { properties: { receiveMaximum: 7 } }, puback: false }],
    reconnect: { initialDelay: 1_000, maxDelay: 1_000, jitter: 'none' },
  })
  const waiting = client.publish('a', 'xyz', { qos: 1 })
  void client.publish('a', 'xyz')
  clock.tick(5_000)
  expect(await metric('mqtt.client.count', 'mqtt.client.state')).toMatchObject({ idle: 1, connected: 0 })
  expect(await metric('mqtt.client.outbox.messages')).toEqual({ all: 2 })
  expect(await metric('mqtt.client.outbox.size')).toEqual({ all: 8 })
  expect(await metric('mqtt.client.outbox.age')).toEqual({ all: 5 })
  expect(await metric('mqtt.client.ready')).toEqual({ all: 0 })

  const connecting = client.connect()
  await until(() => client.status.state === 'reconnecting')
  expect(await metric('mqtt.client.reconnect.attempt')).toEqual({ all: 1 })
  client.wake()
  await connecting
  await server.waitFor('publish', { count: 2 })
  expect(await metric('mqtt.client.count', 'mqtt.client.state')).toMatchObject({ idle: 0, connected: 1 })
  expect(await metric('mqtt.client.ready')).toEqual({ all: 1 })
  expect(await metric('mqtt.client.live')).toEqual({ all: 1 })
  expect(await metric('mqtt.client.connection.attempts', 'mqtt.outcome')).toEqual({ success: 1, failure: 1 })
  expect(await metric('mqtt.client.inflight.messages')).toEqual({ all: 1 })
  expect(await metric('mqtt.client.inflight.limit')).toEqual({ all: 7 })
  expect(await metric('mqtt.client.outbox.age')).toEqual({ all: 0 })
  const { sent: transmit, received: receive } = client.status.traffic
  expect(await metric('mqtt.client.network.io', 'network.io.direction')).toEqual({ transmit, receive })
  await client.subscribe('a', () => {}).ready
  expect(await metric('mqtt.client.subscriptions', 'mqtt.subscription.state')).toMatchObject({ held: 1, pending: 0 })
  expect((await metric('mqtt.client.state.duration', 'mqtt.client.state'))['connected']).toBeGreaterThan(0)
  await client.disconnect({ drainTimeout: 0 })
  await expect(waiting).rejects.toThrow('disconnect')
})

test('clients with the same attributes add up', async () => {
  const { client, providers, metric } = await scene()
  const [other, named] = [await scriptedClient(), await scriptedClient()]
  const stopOther = instrument(other.client, providers)
  onTestFinished(instrument(named.client, { ...providers, attributes: { role: 'named' } }))
  await Promise.all([client.connect(), other.client.connect()])
  const attempts = () => metric('mqtt.client.connection.attempts', 'role', 'mqtt.outcome')
  expect(await attempts()).toMatchObject({ '- success': 2, 'named success': 0 })
  expect(await metric('mqtt.client.ready', 'role')).toEqual({ '-': 2, named: 0 })
  // Counters do not fall, and nothing is counted twice.
  stopOther()
  expect(await attempts()).toMatchObject({ '- success': 2 })
  expect(await metric('mqtt.client.ready', 'role')).toEqual({ '-': 1, named: 0 })
  onTestFinished(instrument(other.client, providers))
  expect(await attempts()).toMatchObject({ '- success': 2 })
})

test('a fleet has the metrics of all its clients, also of those that come and go', async () => {
  const { providers, metric, spans } = telemetry()
  const server = await startServer()
  await using fleet = createFleet({ shared: { url: server.url, options: { protocolVersion: 5 } } })
  const first = fleet.createClient()
  const stop = instrument(fleet, providers)
  const second = fleet.createClient()
  await Promise.all([first.connect(), second.connect()])
  await second.publish('a', 'x')
  expect(spans()).toHaveLength(1)
  expect(await metric('mqtt.client.count', 'mqtt.client.state')).toMatchObject({ connected: 2 })
  await first[Symbol.asyncDispose]()
  expect(await metric('mqtt.client.count', 'mqtt.client.state')).toMatchObject({ connected: 1, disconnected: 0 })
  expect(await metric('mqtt.client.connection.attempts', 'mqtt.outcome')).toMatchObject({ success: 2 })
  expect(() => instrument(second, providers)).toThrow('must not be instrumented already')
  stop()
  await fleet.createClient().connect()
  await second.publish('a', 'x')
  expect(spans()).toHaveLength(1)
})

test('a client has no spans and no figures any more after stop()', async () => {
  const { client, server, stop, spans, metric, providers } = await scene({ script: { puback: false } })
  await client.connect()
  const pending = client.publish('a', 'x', { qos: 1 })
  await server.waitFor('publish')
  stop()
  stop()
  await client.publish('a', 'x')
  await server.waitFor('publish', { count: 2 })
  expect(server.received('publish').map(({ properties }) => properties !== undefined)).toEqual([true, false])
  expect(spans()).toEqual([])
  server.send({ cmd: 'puback', messageId: 1 })
  await pending
  expect(spans()).toHaveLength(1)
  expect(await metric(SENT)).toEqual({ all: 1 })
  expect(await metric('mqtt.client.ready')).toEqual({ all: 0 })
  const { all: bytes } = await metric('mqtt.client.network.io')
  await client.publish('a', 'x')
  expect(await metric('mqtt.client.network.io')).toEqual({ all: bytes })
  onTestFinished(instrument(client, providers))
  expect(await metric('mqtt.client.ready')).toEqual({ all: 1 })
})

const broken = () => {
  throw new Error('broken')
}

describe('errors of the SDK and of functions of the application do not reach the client:', () => {
  const { tracerProvider, meterProvider } = {
    tracerProvider: (span: object) => ({ getTracer: () => ({ startSpan: () => span, startActiveSpan: broken }) }),
    meterProvider: (recorder: object) => ({
      getMeter: () => new Proxy({}, { get: () => () => recorder }),
    }),
  }
  test.each<[string, object]>([
    ['startSpan', { tracerProvider: { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) } }],
    [
      'a span',
      {
        tracerProvider: tracerProvider({
          spanContext: broken,
          setAttribute: broken,
          setAttributes: broken,
          setStatus: broken,
          end: broken,
        }),
      },
    ],
    ['an instrument', { meterProvider: meterProvider({ add: broken, record: broken }) }],
    ['the propagator', { propagator: { inject: broken, extract: broken, fields: broken } }],
    ...['x\0', '\ud800', 'x'.repeat(70_000), 5].map((value): [string, object] => [
      `a propagator that injects ${JSON.stringify(value).slice(0, 10)}`,
      {
        propagator: {
          inject: (_: unknown, carrier: object) => Object.assign(carrier, { value }),
          extract: broken,
          fields: broken,
        },
      },
    ]),
    ['destinationTemplate', { destinationTemplate: broken }],
    ['destinationTemplate, with no text', { destinationTemplate: () => 5 }],
  ])('%s', async (_, options) => {
    const { providers } = telemetry()
    const { client, server, errors } = await scriptedClient()
    const stop = instrument(client, { ...providers, ...options })
    await client.connect()
    const handler = vi.fn()
    await client.subscribe('a', handler).ready
    const userProperties = { key: 'value' }
    await client.publish('a', 'x', { qos: 1, properties: { userProperties } })
    expect(server.received('publish')[0]?.properties?.userProperties).toMatchObject(userProperties)
    expect(server.received('publish')[0]?.properties?.userProperties).not.toHaveProperty('value')
    server.publish('a', 'x', { properties: { userProperties } })
    await until(() => handler.mock.calls.length === 1)
    expect(errors).toEqual([])
    stop()
  })
})

describe('rejects', () => {
  const client = () => new ResilientMqttClient({ url: 'mqtt://localhost' })
  test.each<[string, () => unknown, string]>([
    ['another object', () => instrument({} as never), 'target must be a ResilientMqttClient or a Fleet'],
    ['nothing', () => instrument(undefined as never), 'target must be a ResilientMqttClient or a Fleet'],
    ['a set of clients', () => instrument({ clients: new Set() } as never), 'target must be'],
    ['an unknown option', () => instrument(client(), { tracer: {} } as never), 'tracer is not an option of instrument'],
    [
      'a provider that is none',
      () => instrument(client(), { tracerProvider: {} as never }),
      'tracerProvider must have',
    ],
    ['attributes', () => instrument(client(), { attributes: 5 as never }), 'attributes must be an object'],
    ['a wrong attribute', () => instrument(client(), { attributes: { a: 5n } as never }), 'attributes.a must be'],
    [
      'a fleet without clients for the second time',
      () => {
        const fleet = createFleet()
        instrument(fleet)
        return instrument(fleet)
      },
      'must not be instrumented already',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidOptionError)
    expect(call).toThrow(message)
  })

  test('a provider that throws, and leaves nothing behind', async () => {
    const { providers } = telemetry()
    const one = client()
    const meterProvider = { getMeter: broken }
    expect(() => instrument(one, { ...providers, meterProvider })).toThrow('broken')
    instrument(one, providers)()
  })
})
