import { describe, expect, test } from 'vitest'

import { turns } from '../support/event-loop.ts'
import { objectingBroker, clockedClient, type Objection, type ClockedClient } from '../support/objecting-broker.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { recordingLogger } from '../support/recording-logger.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

/** How long the broker is sick, in hours. */
const hours = 3

/**
 * How a broker objects: by a reason code (MQTT 5 only), by closing, or, like mosquitto on MQTT 3.1.1, by a reset.
 */
const objections = [
  { how: 'a reset', version: 4, minds: 'reset' },
  { how: 'DISCONNECT 0x90', version: 5, minds: { disconnect: { reasonCode: 0x90 } } },
  { how: 'closing', version: 4, minds: 'close' },
  { how: 'closing', version: 5, minds: 'close' },
] satisfies readonly { how: string; version: 4 | 5; minds: Objection }[]

const isBad = (name: string) => name.startsWith('bad')

/** Keeps the broker busy with a valid publish every five seconds. */
function traffic({ client, clock }: Pick<ClockedClient, 'client' | 'clock'>) {
  let next = 0
  return () => {
    if (clock.now() < next) return
    next = clock.now() + 5_000
    void client.publish('traffic', '', { qos: 1 }).catch(() => {})
  }
}

describe.each(objections)('a broker that objects by $how, version $version', ({ version, minds: how }) => {
  describe.each([true, false])('session present: %s', (present) => {
    test.each([1, 2] as const)(
      'a publish of QoS %i: others are sent at once, and it is finally proven to be poison',
      async (qos) => {
        const script = objectingBroker({ publish: isBad, how, present })
        const { server, client, until, clock, connect } = await clockedClient({ version, script })
        const topics = range(400).map((i) => (i === 200 ? 'bad' : 'good'))
        const settled: string[] = []
        const bad: string[] = []
        for (const [i, topic] of topics.entries()) {
          void client.publish(topic, `${i}`, { qos }).then(
            () => settled.push(`${i}`),
            (error: Error) => bad.push(error.name),
          )
        }
        await connect()
        await until(() => settled.length === 399, 30_000)
        expect(settled).toEqual(
          range(400)
            .filter((i) => i !== 200)
            .map(String),
        )
        expect(bad).toEqual([])
        await until(() => client.status.outbox.suspended === 1, 5_000)
        expect(server.connections.length).toBeLessThanOrEqual(8)

        const busy = traffic({ client, clock })
        await until(() => (busy(), bad.length > 0), 400_000)
        expect(bad).toEqual(['PoisonPacketError'])
        expect(clock.now()).toBeGreaterThan(120_000)
        await until(() => client.outbox.size + client.outbox.inFlight === 0)
        expect(client.outbox).toEqual({
          size: 0,
          bytes: 0,
          waitingSince: null,
          inFlight: 0,
          suspended: 0,
          quarantined: 0,
          rate: null,
        })
      },
    )

    test('a subscription: the others are held, and it is suspended, visible and restored automatically', async () => {
      let sick = true
      const script = objectingBroker({ subscribe: (filters) => sick && filters.some(isBad), how, present })
      const { client, until, clock, connect } = await clockedClient({ version, script })
      const events: string[] = []
      client.on('subscriptionSuspended', ({ filter }) => events.push(`suspended ${filter}`))
      client.on('subscriptionResumed', ({ filter }) => events.push(`resumed ${filter}`))
      client.on('subscriptionFailed', ({ filter }) => events.push(`failed ${filter}`))
      const filters = range(100).map((i) => (i === 37 ? 'bad' : `good/${i}`))
      const ready = filters.map((filter) => client.subscribe(filter, () => {}).ready)
      await connect()
      expect(client.status.subscriptions).toEqual({ wanted: 100, held: 99, refused: 0, suspended: 1, paused: 0 })
      expect(await outcomes(ready.filter((_, i) => i !== 37))).toEqual(range(99).map(() => 'done'))
      await until(() => clock.now() > 600_000)
      expect(client.status).toMatchObject({ state: 'connected', subscriptions: { held: 99, suspended: 1 } })
      expect(new Set(events)).toEqual(new Set(['suspended bad']))
      sick = false
      await until(() => client.status.subscriptions.held === 100, 900_000)
      expect(await outcomes(ready)).toEqual(range(100).map(() => 'done'))
      expect(events.at(-1)).toBe('resumed bad')
    })
  })

  test('a SUBSCRIBE that is too large is split until all filters are held, also on the next connection', async () => {
    const script = objectingBroker({ subscribe: (filters) => filters.length > 30, how, present: false })
    const { server, client, until, connect } = await clockedClient({ version, script })
    for (const i of range(100)) client.subscribe(`f/${i}`, () => {})
    await connect()
    expect(client.status.subscriptions).toMatchObject({ held: 100, suspended: 0 })
    const connections = server.connections.length
    expect(connections).toBeLessThanOrEqual(4)
    server.kick()
    await until(() => client.status.counters.connects > connections && client.status.subscriptions.held === 100)
    await turns(50)
    expect(server.connections.length).toBe(connections + 1)
  })
})

describe('many poisonous packets with the default policies', () => {
  const policies = { reconnect: {}, random: () => 0.5 } as const

  const mixtures = [
    { count: 10, every: 1, present: true },
    { count: 10, every: 20, present: false },
    { count: 3, every: 10, present: true },
    { count: 30, every: 10, present: true },
  ]

  test.each(mixtures)(
    '$count publishes, one in $every, session present $present: the client never gives up, and the others flow',
    async ({ count, every, present }) => {
      const script = objectingBroker({ publish: isBad, present })
      const { server, client, until, clock, connect } = await clockedClient({ ...policies, script })
      const bad: string[] = []
      const good: string[] = []
      const failed: string[] = []
      client.on('stateChanged', ({ to }) => to === 'failed' && failed.push(to))
      for (const i of range(count * every)) {
        const isOne = i % every === 0
        client.publish(isOne ? 'bad' : 'good', '', { qos: 1 }).then(
          () => good.push(''),
          (error: Error) => (isOne ? bad : failed).push(error.name),
        )
      }
      await connect()
      await until(() => good.length === count * (every - 1), 180_000)
      // Rarely enough that all of them can be tried without a publish in between.
      let next = 0
      let sent = 0
      await until(() => {
        if (clock.now() < next) return clock.now() >= 3_600_000
        next = clock.now() + 10_000
        sent++
        client.publish('good', '', { qos: 1 }).then(
          () => good.push(''),
          (error: Error) => failed.push(error.name),
        )
        return false
      })
      expect(failed).toEqual([])
      expect(client.status.counters.cycles).toBe(0)
      expect(server.connections.length).toBeLessThan(3 * count + 60)
      expect(good.length).toBeGreaterThan(count * (every - 1) + sent - 15)
      expect(bad.length).toBeGreaterThanOrEqual(3)
      expect(new Set(bad)).toEqual(new Set(['PoisonPacketError']))
    },
    30_000,
  )

  test('30 subscriptions among 300: the others are held, and the client never gives up', async () => {
    const script = objectingBroker({ subscribe: (filters) => filters.some(isBad) })
    const { server, client, until, clock } = await clockedClient({ ...policies, script })
    const failed: string[] = []
    client.on('stateChanged', ({ to }) => to === 'failed' && failed.push(to))
    for (const i of range(300)) client.subscribe(i % 10 === 3 ? `bad/${i}` : `good/${i}`, () => {})
    void client.connect().catch(() => failed.push('connect'))
    await until(() => failed.length > 0 || client.status.subscriptions.held === 270, 600_000)
    // One of them may be being tried at any moment.
    const allSuspended = () => client.status.subscriptions.suspended === 30
    await until(() => failed.length > 0 || (clock.now() > 3_600_000 && allSuspended()))
    expect(failed).toEqual([])
    expect(client.status.subscriptions).toMatchObject({ held: 270, suspended: 30 })
    expect(server.connections.length).toBeLessThan(200)
  }, 30_000)
})

describe.each(versions)('a faulty broker, version $version', ({ version }) => {
  test.each([1, 3, 20])('closes on SUBSCRIBE for 30 s: %i filters are restored soon after', async (count) => {
    let sick = true
    const { server, client, until, clock } = await clockedClient({
      version,
      script: objectingBroker({ subscribe: () => sick }),
    })
    const connected: number[] = []
    client.on('connected', () => connected.push(client.status.subscriptions.suspended))
    const got: string[] = []
    for (const i of range(count)) client.subscribe(`f/${i}`, ({ topic }) => void got.push(topic))
    void client.connect()
    await until(() => clock.now() >= 30_000)
    expect(client.status).toMatchObject({ state: 'connected', subscriptions: { wanted: count, suspended: count } })
    expect(connected.every((suspended) => suspended === count)).toBe(true)
    // Publishes meanwhile succeed.
    expect(await outcomes([client.publish('a', '', { qos: 1 })])).toEqual(['done'])
    sick = false
    expect(await until(() => client.status.subscriptions.held === count)).toBeLessThanOrEqual(30_000)
    server.publish('f/0', '')
    await until(() => got.length > 0)
  })

  test.each([1, 2] as const)(
    'closes on PUBLISH of QoS %i for ten minutes: nothing is lost or out of order',
    async (qos) => {
      let sick = true
      const { server, client, until, clock, connect } = await clockedClient({
        version,
        script: objectingBroker({ publish: () => sick }),
      })
      client.subscribe('a', () => {})
      await connect()
      const published = outcomes(range(50).map((i) => client.publish('a', `${i}`, { qos })))
      await until(() => clock.now() >= 600_000)
      expect(server.connections.length, 'no storm').toBeLessThan(60)
      expect(client.outbox.size + client.outbox.inFlight).toBe(50)
      sick = false
      const from = server.received('publish').length
      await until(() => client.outbox.size + client.outbox.inFlight === 0, 300_000)
      expect(await published).toEqual(range(50).map(() => 'done'))
      const delivered = server
        .received('publish')
        .slice(from)
        .map(({ payload }) => Number(payload.toString()))
      expect([...new Set(delivered)]).toEqual(range(50))
    },
  )

  test(`closes on everything for ${hours} h: everything is restored`, async () => {
    let sick = true
    const script = objectingBroker({ publish: () => sick, subscribe: () => sick })
    const { client, until, clock } = await clockedClient({ version, script })
    const outcome: string[] = []
    client.on('subscriptionFailed', () => outcome.push('failed'))
    for (const i of range(5)) client.subscribe(`f/${i}`, () => {})
    const published = range(5).map((i) => client.publish(`t/${i}`, '', { qos: 1 }))
    const settled = outcomes(published).then((all) => outcome.push(...all))
    void client.connect()
    await until(() => clock.now() >= hours * 3_600_000, 2 * hours * 3_600_000)
    expect(outcome).toEqual([])
    sick = false
    await until(
      () => client.status.subscriptions.held === 5 && client.outbox.inFlight + client.outbox.size === 0,
      300_000,
    )
    await settled
    expect(outcome).toEqual(range(5).map(() => 'done'))
  }, 60_000)
})

describe.each(versions)('packets that are not to blame, version $version', ({ version }) => {
  test.each([
    ['resets', { steps: [{ at: 'publish', do: 'reset' }] }],
    ['a broker that dies before it answers anything', { steps: [{ at: 'connack', do: 'close' }] }],
    [
      'a broker that dies at any packet',
      {
        steps: [
          { at: 'publish', do: 'close' },
          { at: 'pingreq', do: 'close' },
        ],
      },
    ],
  ] as const)('%s: never taken out', async (_what, broken) => {
    const { client, until, server } = await clockedClient({
      version,
      script: (_connection, n) => ({
        connack: { sessionPresent: n > 1 },
        puback: false,
        ...(n < 12 ? broken : { puback: 0 }),
      }),
    })
    const published = range(3).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    const settled: string[] = []
    void outcomes(published).then((all) => settled.push(...all))
    void client.connect()
    await until(() => settled.length > 0)
    expect(settled).toEqual(['done', 'done', 'done'])
    expect(server.connections.length).toBeGreaterThanOrEqual(12)
  })

  test('all 200 publishes arrive although the broker is killed at random moments', async () => {
    let seen = 0
    const { client, until, connect } = await clockedClient({
      version,
      script: sessionIs(true, {
        steps: [
          {
            at: 'publish',
            do: (connection, { messageId = 0 }) => {
              if (++seen % 7 === 0 || seen < 3) connection.close()
              else connection.send({ cmd: 'puback', messageId })
            },
          },
        ],
      }),
    })
    await connect()
    const settled = outcomes(range(200).map((i) => client.publish('a', `${i}`, { qos: 1 })))
    await until(() => client.outbox.size + client.outbox.inFlight === 0)
    expect(new Set(await settled)).toEqual(new Set(['done']))
  })

  test('an unacknowledged publish of a cut connection is sent first, in its order', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, { puback: false }, {}) })
    await client.connect()
    const published = [client.publish('a', '1', { qos: 1 })]
    await server.waitFor('publish')
    server.kick()
    published.push(client.publish('a', '2', { qos: 1 }), client.publish('a', '3', { qos: 1 }))
    expect(await outcomes(published)).toEqual(['done', 'done', 'done'])
    expect(told(server, 2, 'publish').map((line) => line.split(' ')[1])).toEqual(['1', '2', '3'])
  })

  test('other packets are not blamed for a QoS 0 publish on which the broker closes', async () => {
    const { client, until, connect } = await clockedClient({
      version,
      script: sessionIs(true, { steps: [{ at: 'publish', topic: 'bad', do: 'close' }] }),
    })
    await connect()
    const settled: string[] = []
    for (let i = 0; i < 10; i++) {
      client.publish('bad', '').catch(() => {})
      client.publish('good', '', { qos: 1 }).then(
        () => settled.push('done'),
        (error: Error) => settled.push(error.name),
      )
      await until(() => settled.length > i)
    }
    expect(new Set(settled)).toEqual(new Set(['done']))
  })
})

test('keeps the loop of a suspended subscription running until it is ended', async () => {
  const { client, connect } = await clockedClient({ script: objectingBroker({ subscribe: () => true }) })
  const subscription = client.subscribe('a')
  const ended = (async () => {
    for await (const message of subscription) throw new Error(`unexpected ${message.topic}`)
    return 'ended'
  })()
  await connect()
  expect(client.status.subscriptions.suspended).toBe(1)
  subscription.unsubscribe()
  expect(await ended).toBe('ended')
  expect(client.status.subscriptions).toEqual({ wanted: 0, held: 0, refused: 0, suspended: 0, paused: 0 })
})

test('logs a warning on each connection that is ready without some subscriptions', async () => {
  const { logger, messages } = recordingLogger()
  const { server, client, until, connect } = await clockedClient({
    logger,
    script: objectingBroker({ subscribe: (f) => f.some(isBad) }),
  })
  for (const filter of ['good', 'bad']) client.subscribe(filter, () => {})
  await connect()
  const warnings = () => messages('warn').filter((line) => line.startsWith('connected without 1 subscription')).length
  expect(warnings()).toBe(1)
  const { connects } = client.status.counters
  server.kick()
  await until(() => client.status.counters.connects > connects && client.status.state === 'connected')
  await until(() => warnings() >= 2, 10_000)
})
