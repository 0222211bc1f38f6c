import { describe, expect, test } from 'vitest'

import { describeFailure, InvalidOptionError, ResilientMqttClient } from '../../src/index.ts'
import type { Link } from '../../src/session/link.ts'
import { AckWatch } from '../../src/session/outgoing/ack-watch.ts'
import type { Publication } from '../../src/session/outgoing/publication.ts'
import { createTestClock, type Script, type TestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { publication } from '../support/publication.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions, type ScriptedClientOptions } from '../support/scripted-client.ts'

async function timed({ connect, ...options }: ScriptedClientOptions) {
  const clock = createTestClock()
  const s = await scriptedClient({ clock, now: clock.now, connect: { keepalive: 0, ...connect }, ...options })
  return { clock, ...s }
}

/**
 * Waits for a promise while it lets the delays before attempts pass. The steps are short: a small packet may wait 40 ms of
 * real time in the kernel, while the clock of the test runs on.
 */
async function settling<Value>(clock: TestClock, promise: Promise<Value>): Promise<Value> {
  while (await isPending(promise)) clock.tick(5)
  return await promise
}

/** Lets time pass in small steps, so that packets are answered in between. */
async function pass(clock: TestClock, ms: number, step = 5_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.tick(Math.min(step, ms - passed))
    await turns(10)
  }
}

describe.each(versions)('a missing acknowledgement, MQTT version $version', ({ version }) => {
  describe.each([1, 2] as const)('QoS %i', (qos) => {
    test.each([true, false])(
      'replaces the connection and sends the publish again; session present: %s',
      async (present) => {
        const { clock, server, client } = await timed({ version, script: sessionIs(present, { puback: false }, {}) })
        await client.connect()
        const published = client.publish('a', 'x', { qos })
        await server.waitFor('publish')
        await pass(clock, 55_000)
        expect(server.connections).toHaveLength(1)
        expect(await isPending(published)).toBe(true)
        await pass(clock, 20_000)
        await settling(clock, published)
        expect(client.status.lastFailure).toEqual({ kind: 'timeout', phase: 'ack' })
        expect(client.status.counters.interruptions).toBe(1)
        expect(server.connections).toHaveLength(2)
        const [resent] = server.connections[1]?.received('publish') ?? []
        expect(resent).toMatchObject({ dup: present, ...(present && { messageId: 1 }) })
        expect(server.received('pingreq').length).toBeGreaterThan(0)
      },
    )

    test('is not assumed if the acknowledgement comes with the PINGRESP', async () => {
      const { clock, server, client } = await timed({
        version,
        script: { puback: false, steps: [{ at: 'pingreq', do: 'ignore' }] },
      })
      await client.connect()
      const published = client.publish('a', 'x', { qos })
      const { messageId = 0 } = await server.waitFor('publish')
      await pass(clock, 75_000)
      await server.waitFor('pingreq')
      server.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
      server.send({ cmd: 'pingresp' })
      await published
      await pass(clock, 30_000)
      expect(server.connections).toHaveLength(1)
    })

    test('replaces the connection after `probeTimeout` without a PINGRESP', async () => {
      const { clock, server, client } = await timed({
        version,
        script: sessionIs(true, { puback: false, pingresp: false }, {}),
      })
      await client.connect()
      const published = client.publish('a', 'x', { qos })
      await server.waitFor('publish')
      await pass(clock, 75_000)
      await server.waitFor('pingreq')
      expect(server.connections).toHaveLength(1)
      await pass(clock, 5_000, 1_000)
      await settling(clock, published)
      expect(server.connections).toHaveLength(2)
    })
  })

  test('has the whole timeout again after PUBREC', async () => {
    const { clock, server, client } = await timed({
      version,
      script: sessionIs(true, { puback: false, steps: [{ at: 'pubrel', do: 'ignore' }] }, {}),
    })
    await client.connect()
    const published = client.publish('a', 'x', { qos: 2 })
    const { messageId = 0 } = await server.waitFor('publish')
    await pass(clock, 50_000)
    server.send({ cmd: 'pubrec', messageId })
    await server.waitFor('pubrel')
    await pass(clock, 50_000)
    expect(server.connections).toHaveLength(1)
    await pass(clock, 30_000)
    await settling(clock, published)
    expect(told(server, 2, 'publish', 'pubrel')).toEqual(['pubrel 1'])
  })

  test('is not assumed while the oldest publish keeps being acknowledged', async () => {
    const { clock, server, client } = await timed({ version, script: { puback: false } })
    await client.connect()
    const published = range(20).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    await server.waitFor('publish', { count: 20 })
    for (const id of range(20)) {
      await pass(clock, 30_000)
      server.send({ cmd: 'puback', messageId: id + 1 })
      await turns()
    }
    await Promise.all(published)
    expect(server.connections).toHaveLength(1)
    expect(server.received('pingreq')).toEqual([])
  })

  test('is detected although all other publishes are acknowledged', async () => {
    const lost: Script = (_connection, n) => ({
      connack: { sessionPresent: n > 1 },
      puback: ({ topic }) => (n === 1 && topic === 'lost' ? false : 0),
    })
    const { clock, server, client } = await timed({ version, script: lost })
    await client.connect()
    const published = client.publish('lost', '', { qos: 1 })
    for (let n = 0; n < 20 && (await isPending(published)); n++) {
      void client.publish('a', '', { qos: 1 }).catch(() => {})
      await pass(clock, 5_000)
    }
    await settling(clock, published)
    expect(server.connections).toHaveLength(2)
  })

  test('delays other publishes for a bounded time if Receive Maximum is used up', async () => {
    const { clock, server, client } = await timed({
      version,
      script: (_connection, n) => ({
        connack: { sessionPresent: n > 1, properties: { receiveMaximum: 3 } },
        puback: n > 1 ? 0 : false,
      }),
    })
    await client.connect()
    const published = range(6).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    await pass(clock, 80_000)
    await settling(clock, Promise.all(published))
    expect(server.connections).toHaveLength(2)
  })

  test('leaves no timer once everything is acknowledged or the connection has ended', async () => {
    const { clock, server, client } = await timed({ version, script: sessionIs(true, { puback: false }, {}) })
    await client.connect()
    const before = clock.pending
    const published = client.publish('a', '', { qos: 1 })
    expect(clock.pending).toBe(before + 1)
    await server.waitFor('publish')
    server.kick()
    await settling(clock, published)
    await pass(clock, 120_000)
    expect(server.connections).toHaveLength(2)
    expect(clock.pending).toBeLessThanOrEqual(before)
  })

  test('is not detected with ackTimeout 0', async () => {
    const { clock, server, client } = await timed({ version, script: { puback: false }, timeouts: { ackTimeout: 0 } })
    await client.connect()
    const published = client.publish('a', '', { qos: 1 })
    published.catch(() => {})
    await pass(clock, 600_000, 30_000)
    expect(server.connections).toHaveLength(1)
    expect(await isPending(published)).toBe(true)
  })

  test('leads to growing delays, then to giving up, and leaves no call pending if the broker never acknowledges', async () => {
    const { clock, server, client } = await timed({
      version,
      script: sessionIs(true, { puback: false }),
      reconnect: { initialDelay: 1_000, multiplier: 2, maxDelay: 8_000, jitter: 'none', maxAttempts: 4 },
      recovery: { enabled: false },
    })
    const delays: number[] = []
    client.on('reconnectScheduled', ({ delay }) => delays.push(delay))
    await client.connect()
    // The connection proves itself while no acknowledgement is missing.
    await pass(clock, 40_000)
    const published = outcomes([1, 2].map((qos) => client.publish('a', '', { qos: qos as 1 | 2 })))
    while (client.status.state !== 'failed') await pass(clock, 5_000)
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000])
    expect(await published).toEqual(['ConnectionFailedError', 'ConnectionFailedError'])
    expect(server.connections).toHaveLength(5)
  })

  test('resets the counters when the acknowledgement arrives after all', async () => {
    const { clock, server, client } = await timed({
      version,
      script: sessionIs(true, { puback: false }),
      reconnect: { initialDelay: 1_000, multiplier: 2, maxDelay: 8_000, jitter: 'none', maxAttempts: 4 },
    })
    await client.connect()
    void client.publish('a', '', { qos: 1 }).catch(() => {})
    while (server.connections.length < 2) await pass(clock, 5_000)
    await server.waitFor('publish', { count: 2 })
    await until(() => client.status.state === 'connected')
    await pass(clock, 40_000)
    expect(client.status.attempt).toBe(1)
    server.send({ cmd: 'puback', messageId: 1 })
    await until(() => client.status.attempt === 0)
  })
})

describe('the time until a probe', () => {
  function watch() {
    const clock = createTestClock()
    const sent = publication('a', { qos: 2 })
    const failures: unknown[] = []
    const link = {
      flushed: true,
      ping: () => new Promise(() => {}),
      fail: (failure: unknown) => failures.push(failure),
    }
    const state = { oldest: sent as Publication | undefined }
    const acks = new AckWatch({
      clock,
      ackTimeout: 60_000,
      probeTimeout: 5_000,
      oldest: () => state.oldest,
      onAcknowledging: () => {},
    })
    acks.reset(link as unknown as Link)
    sent.phase = 'sent'
    acks.sent()
    return { clock, sent, failures, link, state, acks }
  }

  test('is between the timeout and a quarter more', () => {
    const { clock, failures } = watch()
    clock.tick(60_000 + 15_000 + 5_000 - 1)
    expect(failures).toEqual([])
    clock.tick(1)
    expect(failures).toEqual([{ kind: 'timeout', phase: 'ack' }])
    clock.tick(600_000)
    expect(failures).toHaveLength(1)
  })

  test('does not run while bytes wait for the socket', () => {
    const { clock, failures, link } = watch()
    link.flushed = false
    clock.tick(600_000)
    expect(failures).toEqual([])
    link.flushed = true
    clock.tick(60_000)
    expect(failures).toEqual([])
    clock.tick(30_000)
    expect(failures).toHaveLength(1)
  })

  test('runs once the socket has the packet, even while later bytes wait', () => {
    const { clock, failures, link, acks } = watch()
    link.flushed = false
    clock.tick(20_000)
    acks.drained()
    clock.tick(90_000)
    expect(failures).toHaveLength(1)
  })

  test('starts again for the next oldest publish, and after progress', () => {
    const { clock, failures, sent, state } = watch()
    clock.tick(70_000)
    sent.phase = 'released'
    clock.tick(60_000)
    expect(failures).toEqual([])
    state.oldest = undefined
    clock.tick(600_000)
    expect(failures).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('ends with its connection', () => {
    const { clock, failures, acks } = watch()
    clock.tick(76_000)
    acks.reset(undefined)
    expect(clock.pending).toBe(0)
    clock.tick(600_000)
    expect(failures).toEqual([])
  })
})

test('is described in words, and rejects invalid values', () => {
  expect(describeFailure({ kind: 'timeout', phase: 'ack' })).toBe('no acknowledgement of a publish in time')
  const options = { url: 'mqtt://localhost', timeouts: { ackTimeout: -1 } }
  expect(() => new ResilientMqttClient(options)).toThrow(InvalidOptionError)
})
