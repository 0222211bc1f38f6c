import { describe, expect, test } from 'vitest'

import { NotSupportedByBrokerError, type ClientEvents } from '../../src/index.ts'
import type { Behaviour, Connack } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { scriptedClient, told } from '../support/scripted-client.ts'

type Properties = NonNullable<Connack['properties']>

/** A broker that announces something in the CONNACK of each connection; the last one repeats. */
function announcing(...all: Properties[]): (connection: unknown, n: number) => Behaviour {
  return (_, n) => ({ connack: { sessionPresent: n > 1, properties: all[Math.min(n, all.length) - 1] ?? {} } })
}

describe('status.broker', () => {
  test('is undefined before the first CONNACK, and then has what it announced', async () => {
    const { server, client } = await scriptedClient({
      connect: { sessionExpiry: 60_000 },
      script: announcing({
        receiveMaximum: 10,
        maximumPacketSize: 2_000,
        maximumQoS: 1,
        retainAvailable: false,
        wildcardSubscriptionAvailable: false,
        sharedSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        topicAliasMaximum: 5,
        sessionExpiryInterval: 30,
        serverKeepAlive: 20,
        responseInformation: 'answers/',
        serverReference: 'user:secret@other.example:1883',
      }),
    })
    expect(client.status.broker).toBeUndefined()
    await client.connect()
    const { broker } = client.status
    expect(broker).toEqual({
      receiveMaximum: 10,
      maximumPacketSize: 2_000,
      maximumQos: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      topicAliasMaximum: 5,
      sessionExpiry: 30_000,
      keepalive: 20_000,
      assignedClientId: undefined,
      responseInformation: 'answers/',
      serverReference: '[redacted]@other.example:1883',
    })
    expect(Object.isFrozen(broker)).toBe(true)
    server.kick()
    await until(() => server.connections.length === 2 && client.isConnected)
    expect(client.status.broker, 'the same object, because nothing has changed').toBe(broker)
  })

  test.each([
    { version: 4, sessionExpiry: undefined, identifiers: false },
    { version: 5, sessionExpiry: Number.POSITIVE_INFINITY, identifiers: true },
  ] as const)('MQTT version $version: the defaults of MQTT', async ({ version, sessionExpiry, identifiers }) => {
    const { client } = await scriptedClient({ version, connect: { keepalive: 45_000 } })
    await client.connect()
    expect(client.status.broker).toEqual({
      receiveMaximum: 65_535,
      maximumPacketSize: Number.POSITIVE_INFINITY,
      maximumQos: 2,
      retainAvailable: true,
      wildcardSubscriptionAvailable: true,
      sharedSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: identifiers,
      topicAliasMaximum: 0,
      sessionExpiry,
      keepalive: 45_000,
      assignedClientId: undefined,
      responseInformation: undefined,
      serverReference: undefined,
    })
  })
})

describe('a kind of subscription that the broker does not support', () => {
  test.each([
    ['wildcardSubscriptionAvailable', 0xa2, 'a/#', 'wildcard subscriptions not supported (0xa2)'],
    ['wildcardSubscriptionAvailable', 0xa2, '$share/group/+', 'wildcard subscriptions not supported (0xa2)'],
    ['sharedSubscriptionAvailable', 0x9e, '$share/group/a', 'shared subscriptions not supported (0x9e)'],
  ] as const)('%s 0: nothing is sent, and only that filter rejects', async (limit, reasonCode, filter, words) => {
    const script = announcing({ [limit]: false }, {})
    const { server, client } = await scriptedClient({ script })
    const failed: string[] = []
    client.on('subscriptionFailed', (event) => failed.push(event.filter))
    const refused = client.subscribe(filter, () => {})
    const ready = refused.ready
    const others = [client.subscribe('b', () => {}).ready, client.subscribe('c', () => {}).ready]
    await client.connect()
    await expect(ready).rejects.toMatchObject({
      name: 'SubscriptionRefusedError',
      message: `the subscription to ${filter} exceeds the broker's limits: ${words}`,
      reasonCode,
      limit,
    })
    await expect(client.subscribe(filter, () => {}).ready).rejects.toMatchObject({ limit })
    expect(await outcomes(others)).toEqual(['done', 'done'])
    expect(
      server.received('subscribe').flatMap(({ subscriptions }) => subscriptions.map(({ topic }) => topic)),
    ).toEqual(['b', 'c'])
    expect(failed).toEqual([filter, filter])
    expect(client.status).toMatchObject({ state: 'connected', subscriptions: { held: 2, refused: 1 } })

    // Another broker may support it.
    server.kick()
    await until(() => client.status.subscriptions.held === 3)
    expect(server.connections).toHaveLength(2)
  })
})

test('publishes that exceed the limits of a later connection reject alone', async () => {
  const script = announcing({}, { maximumQoS: 1, retainAvailable: false, maximumPacketSize: 60 })
  const { server, client } = await scriptedClient({ script })
  await client.connect()
  server.kick()
  await until(() => !client.isConnected)
  const published = [
    client.publish('a', '0', { qos: 1 }),
    client.publish('a', '1', { qos: 2 }),
    client.publish('a', '2', { retain: true }),
    client.publish('a', 'x'.repeat(60), { qos: 1 }),
    client.publish('a', '4', { qos: 1 }),
  ]
  const refused = NotSupportedByBrokerError.name
  expect(await outcomes(published)).toEqual(['done', refused, refused, refused, 'done'])
  expect(told(server, 2, 'publish').map((line) => line.split(' ')[1])).toEqual(['0', '4'])
})

test("a refused subscription has the broker's own words", async () => {
  const { server, client } = await scriptedClient({
    script: {
      steps: [
        {
          at: 'subscribe',
          do: (connection, { subscriptions, messageId = 0 }) => {
            const granted = subscriptions.map(({ topic }) => (topic === 'bad' ? 0x8f : 0))
            connection.send({ cmd: 'suback', messageId, granted, properties: { reasonString: 'try\nelsewhere' } })
          },
        },
      ],
    },
  })
  await client.connect()
  const bad = client.subscribe('bad', () => {}).ready
  await expect(bad).rejects.toMatchObject({
    message: 'the broker refused the subscription to bad: topic filter invalid (0x8f) (“try elsewhere”)',
    reasonString: 'try elsewhere',
    limit: undefined,
  })
  expect(server.connections).toHaveLength(1)
})

describe('an empty client id', () => {
  test('is replaced by the one that the broker assigns, on later connections, too', async () => {
    const { server, client } = await scriptedClient({ connect: { clientId: '', clean: true } })
    await client.connect()
    expect(client.status.broker?.assignedClientId).toBe('client-1')
    for (const n of [2, 3]) {
      server.kick()
      await until(() => server.connections.length === n && client.isConnected)
    }
    expect(server.received('connect').map(({ clientId }) => clientId)).toEqual(['', 'client-1', 'client-1'])
    expect(client.status.broker?.assignedClientId).toBe('client-1')
  })

  test('stays empty on MQTT 3.1.1', async () => {
    const { server, client } = await scriptedClient({ version: 4, connect: { clientId: '', clean: true } })
    await client.connect()
    server.kick()
    await until(() => server.connections.length === 2 && client.isConnected)
    expect(server.received('connect').map(({ clientId }) => clientId)).toEqual(['', ''])
  })
})

describe('the session', () => {
  async function scene(options: Parameters<typeof scriptedClient>[0]) {
    const made = await scriptedClient(options)
    const lost: ClientEvents['sessionLost'][] = []
    const reduced: ClientEvents['sessionExpiryReduced'][] = []
    made.client.on('sessionLost', (event) => lost.push(event))
    made.client.on('sessionExpiryReduced', (event) => reduced.push(event))
    await made.client.connect()
    const reconnect = async (end: () => void) => {
      const next = made.server.connections.length + 1
      end()
      await until(() => made.server.connections.length === next && made.client.isConnected)
    }
    return { ...made, lost, reduced, reconnect }
  }

  test('is kept for less time than asked: that is reported once for each value', async () => {
    const { server, reduced, lines, reconnect } = await scene({
      connect: { sessionExpiry: 3_600_500 },
      script: announcing({ sessionExpiryInterval: 300 }, { sessionExpiryInterval: 300 }, { sessionExpiryInterval: 60 }),
    })
    await reconnect(() => server.kick())
    await reconnect(() => server.kick())
    expect(reduced).toEqual([
      { asked: 3_600_500, granted: 300_000 },
      { asked: 3_600_500, granted: 60_000 },
    ])
    expect(lines.filter(({ message }) => message.startsWith('sessionExpiryReduced'))).toHaveLength(2)
  })

  test.each([{}, { sessionExpiryInterval: 3_600 }, { sessionExpiryInterval: 0xffffffff }])(
    'is kept as long as asked: %j',
    async (properties) => {
      const { reduced } = await scene({ connect: { sessionExpiry: 3_600_500 }, script: announcing(properties) })
      expect(reduced).toEqual([])
    },
  )

  const cases = [
    { version: 5, cause: 'quota', end: { disconnect: { reasonCode: 0x97 } }, away: 1_000 },
    { version: 5, cause: 'expired', end: 'close', away: 300_000 },
    { version: 5, cause: 'unknown', end: 'close', away: 299_999 },
    { version: 4, cause: 'unknown', end: 'close', away: 999_999 },
  ] as const
  test.each(cases)(
    'MQTT version $version, $end, $away ms away: lost, $cause',
    async ({ version, cause, end, away }) => {
      let now = 0
      const { server, client, lost, lines, reconnect } = await scene({
        version,
        now: () => now,
        // A connection with `quota exceeded` is retried in the recovery tier.
        recovery: { initialDelay: 0, maxDelay: 0 },
        connect: { sessionExpiry: 300_000 },
        script: (_, n) => ({ connack: { sessionPresent: n === 2 } }),
      })
      await reconnect(() => server.kick())
      expect(lost, 'neither at the first connection nor when it is present').toEqual([])
      client.on('connectionInterrupted', () => (now += away))
      await reconnect(() => {
        if (end === 'close') server.connections.at(-1)?.close()
        else {
          server.connections.at(-1)?.disconnect(end.disconnect)
          server.connections.at(-1)?.close()
        }
      })
      expect(lost).toMatchObject([{ cause, failure: { kind: end === 'close' ? 'closed' : 'disconnected' } }])
      expect(lines.filter(({ message }) => message.startsWith('sessionLost: '))).toHaveLength(1)
    },
  )

  test('is not missed if the client did not want it kept', async () => {
    const { server, lost, reconnect } = await scene({ connect: { clean: true } })
    await reconnect(() => server.kick())
    await turns()
    expect(lost).toEqual([])
  })
})
