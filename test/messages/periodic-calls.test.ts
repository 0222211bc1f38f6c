import { describe, expect, onTestFinished, test } from 'vitest'

import type { PeriodicRequestOptions } from '../../src/index.ts'
import { deferred } from '../../src/shared/wait.ts'
import { createTestClock, type Script } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const INTERVAL = 50
const LONGEST = 30_000

async function periodic(options: Partial<PeriodicRequestOptions>, script: Script = {}, protocolVersion: 4 | 5 = 5) {
  const clock = createTestClock()
  const server = await startServer({ script })
  const { client } = startClient({ url: server.url, clock, now: clock.now, options: { protocolVersion, keepalive: 0 } })
  // Without a connection, disconnect() has nothing to drain.
  onTestFinished(() => server.close())
  const errors: unknown[] = []
  const log: string[] = []
  client.on('error', ({ error, source }) => errors.push([(error as Error).name, source]))
  await client.connect()
  const handle = client.startPeriodicRequests({
    topic: 'ask',
    payload: '?',
    interval: INTERVAL,
    onResponse: (message) => log.push(message.text()),
    onTimeout: () => log.push('timeout'),
    ...options,
  })
  /** Lets time pass in steps, so that due work is done in between. */
  const pass = async (ms: number, step = INTERVAL) => {
    for (let passed = 0; passed < ms; passed += step) {
      clock.tick(step)
      await turns()
    }
  }
  const asked = () => server.received('publish').map(({ payload }) => payload.toString())
  return { server, client, handle, errors, log, pass, asked }
}

/** Payloads that resolve when the test says so. */
function byHand() {
  const made: ((payload: string) => void)[] = []
  const payload = () => {
    const { promise, resolve } = deferred<string>()
    made.push(resolve)
    return promise
  }
  return { made, payload }
}

const response = { filter: 'answer', timeout: INTERVAL / 2 }

describe('two requests are never under way at the same time', () => {
  test.each<[string, Partial<PeriodicRequestOptions>]>([
    ['without a response', {}],
    ['with a response', { response }],
  ])('a slow payload is created once, and sent: %s', async (_, options) => {
    const { made, payload } = byHand()
    const { pass, asked, errors, log } = await periodic({ payload, ...options })
    await until(() => made.length === 1)
    await pass(8 * INTERVAL)
    expect(made).toHaveLength(1)
    made[0]?.('first')
    await until(() => asked().length === 1)
    await pass(2 * INTERVAL)
    expect(made).toHaveLength(2)
    expect(asked()).toEqual(['first'])
    expect(errors).toEqual([])
    expect(log).toEqual(options.response ? ['timeout'] : [])
  })

  test.each([1, 2] as const)('not even without an acknowledgement, QoS %d', async (qos) => {
    const { server, client, pass, asked } = await periodic({ qos }, { puback: false })
    await until(() => asked().length === 1)
    await pass(8 * INTERVAL)
    expect(client.outbox.inFlight).toBe(1)
    const { messageId = 0 } = await server.waitFor('publish')
    if (qos === 1) server.send({ cmd: 'puback', messageId })
    else server.send({ cmd: 'pubrec', messageId, reasonCode: 0x80 })
    await until(() => client.outbox.inFlight === 0)
    await pass(INTERVAL)
    await until(() => asked().length === 2)
  })

  test('not while the response filter waits for a SUBACK, and none is sent when that comes too late', async () => {
    let made = 0
    const payload = () => String(++made)
    const { server, handle, pass, asked, errors } = await periodic({ payload, response }, { suback: false })
    const { messageId = 0 } = await server.waitFor('subscribe')
    await pass(LONGEST, 1_000)
    await pass(INTERVAL)
    expect(errors).toEqual([['TimeoutError', 'the periodic request to ask']])
    server.send({ cmd: 'suback', messageId, granted: [0] })
    await until(() => asked().length === 1)
    expect(made).toBe(1)
    handle.stop()
  })
})

describe('a request that does not end', () => {
  test('is given up and reported, not sent when its payload comes late, and followed by the next', async () => {
    const { made, payload } = byHand()
    const { pass, asked, errors, log } = await periodic({ payload })
    await until(() => made.length === 1)
    await pass(LONGEST - 1_000, 1_000)
    expect(errors).toEqual([])
    await pass(1_000 + INTERVAL)
    expect(errors).toEqual([['TimeoutError', 'the periodic request to ask']])
    expect(made).toHaveLength(2)
    made[0]?.('late')
    made[1]?.('fresh')
    await until(() => asked().length > 0)
    expect(asked()).toEqual(['fresh'])
    expect(log).toEqual([])
  })

  test('is reported if it is not acknowledged', async () => {
    const { pass, asked, errors } = await periodic({ qos: 1 }, { puback: false })
    await until(() => asked().length === 1)
    await pass(LONGEST + 1_000, 1_000)
    expect(errors).toEqual([['TimeoutError', 'the periodic request to ask']])
    await until(() => asked().length === 2)
  })

  test.each(['pause', 'stop'] as const)('ends with %s() without a report', async (end) => {
    const { made, payload } = byHand()
    const { handle, pass, asked, errors } = await periodic({ payload })
    await until(() => made.length === 1)
    handle[end]()
    made[0]?.('late')
    await pass(2 * LONGEST, 1_000)
    expect(asked()).toEqual([])
    expect(errors).toEqual([])
  })

  test('does not take the next response when it fails late', async () => {
    const { server, client, pass, asked, log } = await periodic({ qos: 1, response }, { puback: false })
    await until(() => asked().length === 1)
    await pass(INTERVAL)
    await until(() => asked().length === 2)
    const [{ messageId = 0 } = {}] = server.received('publish')
    server.send({ cmd: 'puback', messageId, reasonCode: 0x87 })
    await until(() => client.outbox.inFlight === 1)
    await turns()
    server.publish('answer', 'second')
    await until(() => log.length === 2)
    expect(log).toEqual(['timeout', 'second'])
  })
})

test.each([4, 5] as const)('ignores a retained message as its response, MQTT version %d', async (version) => {
  const { server, pass, asked, log } = await periodic({ response }, {}, version)
  await until(() => asked().length === 1)
  expect(server.received('subscribe')[0]?.subscriptions[0]?.rh).toBe(version === 5 ? 2 : undefined)
  server.publish('answer', 'of yesterday', { retain: true })
  await turns()
  await pass(INTERVAL)
  expect(log).toEqual(['timeout'])
  await until(() => asked().length === 2)
  server.publish('answer', 'of today')
  await until(() => log.length === 2)
  expect(log).toEqual(['timeout', 'of today'])
})
