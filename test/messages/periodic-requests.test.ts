import { describe, expect, test } from 'vitest'

import type { PeriodicRequestOptions } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, sessionIs, told, versions, type Version } from '../support/scripted-client.ts'

async function periodic(version: Version, options: Partial<PeriodicRequestOptions> = {}) {
  const clock = createTestClock()
  const it = await scriptedClient({ version, clock, now: clock.now, random: () => 0.5, script: sessionIs(true) })
  const log: string[] = []
  const start = () =>
    it.client.startPeriodicRequests({
      topic: 'ask',
      payload: () => `${clock.now()}`,
      interval: 10_000,
      onResponse: (message) => log.push(`response ${message.text()}`),
      onTimeout: () => log.push('timeout'),
      ...options,
    })
  /** The payloads of the requests so far. */
  const asked = () => it.server.received('publish').map(({ payload }) => payload.toString())
  /** Lets time pass in steps, so that the server sees each packet. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.tick(1_000)
      await turns()
    }
  }
  return { ...it, clock, log, start, asked, pass }
}

describe.each(versions)('periodic requests, MQTT version $version', ({ version }) => {
  test('are sent at once when ready, then at each interval, and can be paused, resumed and stopped', async () => {
    const { client, start, asked, pass } = await periodic(version)
    const handle = start()
    expect(client.outbox.size).toBe(0)
    await client.connect()
    await until(() => asked().length === 1)
    for (const n of [2, 3]) {
      await pass(9_000)
      expect(asked()).toHaveLength(n - 1)
      await pass(1_000)
      await until(() => asked().length === n)
    }
    expect(asked()).toEqual(['0', '10000', '20000'])
    handle.pause()
    await pass(30_000)
    expect(asked()).toHaveLength(3)
    handle.resume()
    await until(() => asked().length === 4)
    handle.stop()
    await pass(30_000)
    expect(asked()).toHaveLength(4)
  })

  test('stop with the connection, resume automatically, and never enter the outbox', async () => {
    const { server, client, start, asked, clock, pass } = await periodic(version)
    start()
    await client.connect()
    await until(() => asked().length === 1)
    await server.close()
    await until(() => client.status.state === 'reconnecting')
    await pass(60_000)
    expect(asked()).toHaveLength(1)
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
    await server.listen()
    await until(() => (clock.tick(1), asked().length === 2))
    expect(client.isConnected).toBe(true)
  })

  test('report each matching response, or a timeout', async () => {
    const response = {
      filter: 'answer/+',
      timeout: 3_000,
      match: (message: { text(): string }) => message.text() !== 'no',
    }
    const { server, client, start, asked, pass, log } = await periodic(version, { response })
    start()
    await client.connect()
    await until(() => asked().length === 1)
    server.publish('answer/1', 'no')
    server.publish('answer/1', 'yes')
    server.publish('answer/1', 'once more')
    await until(() => log.length === 1)
    await pass(14_000)
    expect(asked()).toHaveLength(2)
    expect(log).toEqual(['response yes', 'timeout'])
    server.publish('answer/1', 'late')
    await pass(7_000)
    expect(log).toEqual(['response yes', 'timeout'])
    expect(asked()).toHaveLength(3)
  })

  test('wait for the SUBACK of the response filter', async () => {
    const { server, client, start, asked } = await periodic(version, { response: { filter: 'answer' } })
    await client.connect()
    server.current!.behaviour = { suback: false }
    client.subscribe('other', () => {})
    start()
    const other = await server.waitFor('subscribe')
    await turns()
    server.send({ cmd: 'suback', messageId: other.messageId ?? 0, granted: [0] })
    const { messageId = 0 } = await server.waitFor('subscribe', { count: 2 })
    await turns()
    expect(asked()).toEqual([])
    server.send({ cmd: 'suback', messageId, granted: [0] })
    await until(() => asked().length === 1)
  })

  test('ignore a response that arrives after a pause', async () => {
    const { server, client, start, asked, log } = await periodic(version, { response: { filter: 'answer' } })
    const handle = start()
    await client.connect()
    await until(() => asked().length === 1)
    handle.pause()
    server.publish('answer', 'late')
    server.publish('other', '', { qos: 1 })
    await server.waitFor('puback')
    expect(log).toEqual([])
  })

  test.each([
    ['a payload that throws', { payload: () => fail() }],
    ['an invalid payload', { payload: () => 5 as unknown as string }],
    ['a payload that rejects', { payload: () => Promise.reject(new Error('no payload')) }],
  ])('report %s, and continue with the next request', async (_what, options) => {
    const { client, start, asked, pass, errors } = await periodic(version, options)
    start()
    await client.connect()
    await until(() => errors.length === 1)
    await pass(10_000)
    expect(errors).toHaveLength(2)
    expect(asked()).toEqual([])
    expect(client.isConnected).toBe(true)
  })

  test('report errors of a handler', async () => {
    const { server, client, start, asked, errors } = await periodic(version, {
      response: { filter: 'answer' },
      onResponse: () => fail(),
    })
    start()
    await client.connect()
    await until(() => asked().length === 1)
    server.publish('answer', '')
    await until(() => errors.length === 1)
    expect(errors).toEqual([new Error('no payload')])
  })

  test('are not sent again after a lost session, QoS 1', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({ version, clock, now: clock.now, script: [{ puback: false }, {}] })
    client.startPeriodicRequests({ topic: 'ask', payload: 'once', interval: 100_000, qos: 1 })
    await client.connect()
    await server.waitFor('publish')
    server.kick()
    await until(() => (clock.tick(1), server.received('publish').length === 2))
    await client.publish('a', 'last', { qos: 1 })
    expect(told(server, 2, 'publish').map((line) => line.split(' ')[1])).toEqual(['once', 'last'])
  })

  test('overtake an outbox that drains slowly', async () => {
    const { server, client, start, asked } = await periodic(version)
    void client.publish('a', 'x'.repeat(500_000)).catch(() => {})
    for (let i = 0; i < 20; i++) void client.publish('a', 'x'.repeat(500_000)).catch(() => {})
    start()
    await client.connect()
    await server.waitFor('publish', { count: 21 })
    await until(() => client.outbox.size === 0)
    expect(asked().length).toBeGreaterThanOrEqual(21)
  })
})

function fail(): never {
  throw new Error('no payload')
}
