import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { describe, expect, onTestFinished, test } from 'vitest'

import { contextOf, instrument } from '../../opentelemetry/index.ts'
import { text, type Message } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { scriptedClient, type ScriptedClientOptions } from '../support/scripted-client.ts'
import { telemetry } from './telemetry.ts'

const SENT = 'messaging.client.sent.messages'
const DURATION = 'messaging.client.operation.duration'
const CONSUMED = 'messaging.client.consumed.messages'

/** An instrumented client. */
async function scene(options: ScriptedClientOptions & { instrumented?: Parameters<typeof instrument>[1] } = {}) {
  const { instrumented, ...rest } = options
  const t = telemetry()
  const s = await scriptedClient(rest)
  const stop = instrument(s.client, { ...t.providers, ...instrumented })
  onTestFinished(stop)
  return { ...t, ...s, stop }
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('publish', () => {
  test.each([0, 1, 2] as const)('has a span, and its context travels with the message, QoS %i', async (qos) => {
    const { client, server, spans, tracer } = await scene()
    await client.connect()
    await tracer.startActiveSpan('work', async (work) => {
      await client.publish('room/1', 'x', { qos, properties: { userProperties: { unit: '°C' } } })
      work.end()
    })
    const [span, work] = spans()
    expect(span).toMatchObject({
      name: 'publish',
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.UNSET },
      links: [],
      parentSpanContext: { spanId: work?.spanContext().spanId },
    })
    expect(span?.attributes).toEqual({
      'messaging.system.name': 'mqtt',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'room/1',
      'mqtt.message.qos': qos,
      'server.address': '127.0.0.1',
      'server.port': server.port,
    })
    await server.waitFor('publish')
    const { traceId, spanId } = span!.spanContext()
    expect(server.received('publish')[0]?.properties?.userProperties).toEqual({
      unit: '°C',
      traceparent: `00-${traceId}-${spanId}-01`,
    })
  })

  test('carries no context on MQTT 3.1.1', async () => {
    const { client, server, spans } = await scene({ version: 4 })
    await client.publish('a', 'before the connection', { qos: 1 }).accepted
    await client.connect()
    await client.publish('a', 'x', { qos: 1 })
    expect(spans()).toHaveLength(2)
    expect(server.received('publish').map(({ properties }) => properties)).toEqual([undefined, undefined])
  })

  test('keeps a context of the application, and links to it', async () => {
    const { client, server, spans } = await scene()
    await client.connect()
    await client.publish('a', 'x', { qos: 1, properties: { userProperties: { traceparent: TRACEPARENT } } })
    expect(server.received('publish')[0]?.properties?.userProperties).toEqual({ traceparent: TRACEPARENT })
    expect(spans()[0]?.links).toMatchObject([{ context: { traceId: TRACEPARENT.slice(3, 35) } }])
  })

  test('is sent without a context if the broker would refuse it for its size', async () => {
    const { client, server } = await scene({ script: { connack: { properties: { maximumPacketSize: 400 } } } })
    await client.connect()
    await client.publish('a', 'x'.repeat(350), { qos: 1 })
    await client.publish('a', 'x', { qos: 1 })
    const has = server.received('publish').map(({ properties }) => properties?.userProperties !== undefined)
    expect(has).toEqual([false, true])
  })

  test('ends its span when it is settled, and counts what was sent', async () => {
    const { client, server, spans, metric } = await scene({
      script: (_connection, n) => ({ connack: { sessionPresent: n > 1 }, puback: n > 1 && 0x10 }),
      outbox: { maxMessages: 1 },
    })
    const waiting = client.publish('a', '', { qos: 1 })
    const refused = client.publish('a', 'too much', { qos: 1 })
    await expect(refused).rejects.toThrow('outbox')
    expect(spans().map(({ attributes, status }) => [attributes['error.type'], status])).toEqual([
      ['OutboxOverflowError', { code: SpanStatusCode.ERROR }],
    ])
    await client.connect()
    await server.waitFor('publish')
    server.current?.close()
    await waiting
    expect(spans()).toHaveLength(2)
    expect(spans()[1]?.attributes['mqtt.reason_code']).toBe(0x10)
    expect(server.received('publish')).toMatchObject([{ dup: false }, { dup: true }])
    expect(await metric(SENT, 'error.type')).toEqual({ '-': 1 })
    expect(await metric(DURATION, 'error.type')).toEqual({ '-': 1, OutboxOverflowError: 1 })
  })

  test('fails with the name of the error', async () => {
    const { client, spans, metric } = await scene({ script: { puback: 0x87 } })
    await client.connect()
    const controller = new AbortController()
    const refused = client.publish('a', '', { qos: 1 })
    expect(await outcomes([refused])).toEqual(['PublishRefusedError'])
    await client.disconnect()
    const aborted = client.publish('a', '', { signal: controller.signal })
    controller.abort()
    expect(await outcomes([aborted])).toEqual(['AbortError'])
    expect(spans().map(({ attributes }) => attributes['error.type'])).toEqual(['PublishRefusedError', 'AbortError'])
    expect(await metric(SENT, 'error.type')).toEqual({ PublishRefusedError: 1 })
  })
})

describe('a received message', () => {
  const properties = { userProperties: { traceparent: TRACEPARENT } }

  test('is processed in a span that continues the trace of its publish', async () => {
    const { client, server, spans, tracer, metric } = await scene()
    await client.connect()
    const values: string[] = []
    const handler = async ({ value }: Message<string>) => {
      await Promise.resolve()
      tracer.startSpan('inside').end()
      values.push(value)
    }
    await client.subscribe('room/+', handler, { qos: 1, codec: text, ack: 'after-handler' }).ready
    server.publish('room/1', 'x', { qos: 1, properties })
    await server.waitFor('puback')
    const [inside, span] = spans()
    expect(values).toEqual(['x'])
    expect(span).toMatchObject({
      name: 'process',
      kind: SpanKind.CONSUMER,
      parentSpanContext: { spanId: TRACEPARENT.slice(36, 52), isRemote: true },
      links: [{ context: { spanId: TRACEPARENT.slice(36, 52) } }],
    })
    expect(span?.attributes).toMatchObject({
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'room/1',
      'messaging.destination.subscription.name': 'room/+',
      'mqtt.message.qos': 1,
    })
    expect(inside).toMatchObject({ name: 'inside', parentSpanContext: { spanId: span?.spanContext().spanId } })
    expect(await metric(CONSUMED, 'error.type')).toEqual({ '-': 1 })
    expect(await metric('messaging.process.duration', 'error.type')).toEqual({ '-': 1 })
  })

  test('begins a trace of its own if it is retained, or has none', async () => {
    const { client, server, spans, tracer } = await scene()
    await tracer.startActiveSpan('startup', async (startup) => {
      await client.connect()
      startup.end()
    })
    await client.subscribe('#', () => {}).ready
    server.publish('old', 'x', { retain: true, properties })
    server.publish('plain', 'x')
    await until(() => spans().length === 3)
    const [, retained, plain] = spans()
    expect(retained?.parentSpanContext).toBeUndefined()
    expect(retained?.links).toMatchObject([{ context: { traceId: TRACEPARENT.slice(3, 35) } }])
    expect(retained?.attributes['mqtt.message.retain']).toBe(true)
    expect(plain).toMatchObject({ links: [] })
    expect(plain?.parentSpanContext).toBeUndefined()
  })

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new RangeError('secret payload')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('secret payload'))],
  ])('that a handler fails to process: it %s', async (_, handler) => {
    const { client, server, errors, spans, metric } = await scene()
    await client.connect()
    await client.subscribe('a', handler).ready
    server.publish('a', 'x')
    await until(() => spans().length === 1)
    expect(errors).toMatchObject([{ message: 'secret payload' }])
    expect(spans()[0]).toMatchObject({ status: { code: SpanStatusCode.ERROR }, events: [] })
    expect(await metric(CONSUMED, 'error.type')).toEqual({ RangeError: 1 })
  })

  test('is processed by a loop until the loop goes on', async () => {
    const { client, server, spans, tracer } = await scene()
    await client.connect()
    const subscription = client.subscribe('a')
    await subscription.ready
    server.publish('a', '1', { properties })
    server.publish('a', '2')
    let n = 0
    for await (const message of subscription) {
      expect(spans().filter(({ name }) => name === 'process')).toHaveLength(n)
      context.with(contextOf(message), () => tracer.startSpan('inside').end())
      if (++n === 2) break
    }
    const found = spans()
    expect(found.map(({ name }) => name)).toEqual(['inside', 'process', 'inside', 'process'])
    expect(found[0]?.parentSpanContext?.spanId).toBe(found[1]?.spanContext().spanId)
    expect(found[1]?.parentSpanContext?.spanId).toBe(TRACEPARENT.slice(36, 52))
  })

  test('that no subscription matches goes to onMessage', async () => {
    const { client, server, spans } = await scene({ onMessage: () => {} })
    await client.connect()
    server.publish('a', 'x')
    await until(() => spans().length === 1)
    expect(spans()[0]?.attributes).not.toHaveProperty('messaging.destination.subscription.name')
  })
})

test('a trace spans two clients', async () => {
  const one = await scene()
  const two = await scriptedClient()
  onTestFinished(instrument(two.client, one.providers))
  await Promise.all([one.client.connect(), two.client.connect()])
  const active: (string | undefined)[] = []
  await two.client.subscribe('a', () => active.push(trace.getActiveSpan()?.spanContext().traceId)).ready
  await one.client.publish('a', 'x', { qos: 1 })
  // What a broker does.
  const { topic, payload, properties } = await one.server.waitFor('publish')
  two.server.publish(topic, payload, {
    ...(properties && { properties: { userProperties: properties.userProperties! } }),
  })
  await until(() => one.spans().length === 2)
  const [sent, processed] = one.spans()
  expect(processed?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId)
  expect(active).toEqual([sent?.spanContext().traceId])
})

test('a template stands for topics, in names and metrics', async () => {
  const destinationTemplate = (topic: string) => (topic.startsWith('room/') ? 'room/{id}' : undefined)
  const { client, spans, metric } = await scene({
    instrumented: { destinationTemplate, attributes: { 'mqtt.client.name': 'rooms' } },
  })
  await client.connect()
  await Promise.all(['room/1', 'room/2', 'other'].map((topic) => client.publish(topic, 'x', { qos: 1 })))
  expect(spans().map(({ name }) => name)).toEqual(['publish room/{id}', 'publish room/{id}', 'publish'])
  expect(await metric(SENT, 'messaging.destination.template', 'mqtt.client.name')).toEqual({
    'room/{id} rooms': 2,
    '- rooms': 1,
  })
  expect(await metric(SENT, 'messaging.destination.name')).toEqual({ '-': 1 })
})

test('nothing secret appears', async () => {
  const { client, server, spans, points } = await scene({
    connect: { username: 'SECRET-user', password: 'SECRET-password' },
  })
  await client.connect()
  await client.subscribe('a', () => Promise.reject(new Error('SECRET-error'))).ready
  await client.publish('a', 'SECRET-payload', { qos: 1, properties: { userProperties: { key: 'SECRET-property' } } })
  server.publish('a', 'SECRET-payload')
  await until(() => spans().length === 2)
  const shown = spans().map(({ name, attributes, events, status, links }) => ({
    name,
    attributes,
    events,
    status,
    links,
  }))
  expect(JSON.stringify([shown, await points()])).not.toContain('SECRET')
})
