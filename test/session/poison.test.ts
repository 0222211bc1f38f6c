import { describe, expect, test } from 'vitest'

import { PoisonPacketError } from '../../src/index.ts'
import type { Behaviour, Script } from '../../src/testing/index.ts'
import { outcomes, range, scene, sessionIs, told, versions } from './scene.ts'

/** How a broker objects: in words (MQTT 5 only), or by closing, which is all that MQTT 3.1.1 has. */
const objections = [
  { how: 'closing', version: 4, action: 'close' },
  { how: 'closing', version: 5, action: 'close' },
  { how: 'DISCONNECT 0x90', version: 5, action: { disconnect: { reasonCode: 0x90 } } },
] as const

/** A broker that closes on a topic, or a filter, and does not even acknowledge what came with it. */
function minds(action: (typeof objections)[number]['action']): Behaviour {
  return { steps: [{ at: 'publish', topic: 'bad/#', do: action }] }
}

describe.each(objections)('a broker that minds by $how, version $version', ({ version, action }) => {
  describe.each([true, false])('session present: %s', (present) => {
    const script = sessionIs(present, minds(action))

    test.each([1, 2] as const)('a publish of QoS %i alone is quarantined', async (qos) => {
      const { server, client } = await scene({ version, script })
      await client.connect()
      const bad = client.publish('bad/1', '', { qos })
      await expect(bad).rejects.toBeInstanceOf(PoisonPacketError)
      await expect(bad).rejects.toMatchObject({ kind: 'publish', topic: 'bad/1' })
      expect(await outcomes([client.publish('good', '', { qos })])).toEqual(['done'])
      expect(client.outbox).toEqual({ size: 0, bytes: 0, inFlight: 0 })
      const tries = server.received('publish').filter(({ topic }) => topic === 'bad/1')
      expect(tries.length).toBeGreaterThanOrEqual(2)
      expect(tries.length).toBeLessThanOrEqual(4)
    })

    test('in a crowd exactly the culprits are quarantined, all else is delivered', async () => {
      const { server, client } = await scene({ version, script })
      const topics = range(60).map((i) => (i % 20 === 10 ? `bad/${i}` : 'good'))
      const published = topics.map((topic, i) =>
        client.publish(topic, `${i}`, { qos: i % 3 === 0 ? 2 : 1, properties: { contentType: 'text' } }),
      )
      const settled = outcomes(published)
      await client.connect()
      expect(await settled).toEqual(topics.map((topic) => (topic === 'good' ? 'done' : 'PoisonPacketError')))
      // A message may come more than once, but none comes first before one that was published before it.
      const first = [...new Set(server.received('publish').map(({ payload }) => Number(payload.toString())))]
      expect(first).toEqual(range(60))
    })

    test('a subscription alone is quarantined, and told', async () => {
      const { client } = await scene({
        version,
        script: sessionIs(present, { steps: [{ at: 'subscribe', do: action }] }),
      })
      const failed: string[] = []
      client.on('subscriptionFailed', ({ filter }) => failed.push(filter))
      const bad = client.subscribe('bad', () => {})
      const settled = outcomes([bad.ready])
      await client.connect()
      expect(await settled).toEqual(['PoisonPacketError'])
      expect(failed).toEqual(['bad'])
      expect(client.status.subscriptions.wanted).toBe(0)
    })

    test('in a crowd exactly that subscription is quarantined', async () => {
      const closes: Script = (_connection, n) => ({
        connack: { sessionPresent: present && n > 1 },
        steps: [
          {
            at: 'subscribe',
            do: (connection, { subscriptions, messageId = 0 }) => {
              const bad = subscriptions.some(({ topic }) => topic === 'bad')
              if (!bad) connection.send({ cmd: 'suback', messageId, granted: subscriptions.map(() => 0) })
              else if (action === 'close' || !connection.disconnect(action.disconnect)) connection.close()
              else connection.close()
            },
          },
        ],
      })
      const { client } = await scene({ version, script: closes, subscriptions: { batchSize: 5 } })
      const filters = range(20).map((i) => (i === 7 ? 'bad' : `good/${i}`))
      const settled = outcomes(filters.map((filter) => client.subscribe(filter, () => {}).ready))
      const published = outcomes([client.publish('a', '', { qos: 1 })])
      await client.connect()
      expect(await settled).toEqual(filters.map((filter) => (filter === 'bad' ? 'PoisonPacketError' : 'done')))
      expect(await published).toEqual(['done'])
      expect(client.status.subscriptions).toEqual({ wanted: 19, held: 19, refused: 0 })
    })
  })
})

describe.each(versions)('innocent, version $version', ({ version }) => {
  test.each([
    ['resets', { steps: [{ at: 'publish', do: 'reset' }] }],
    ['a broker that dies before it answers anything', { steps: [{ at: 'connack', do: 'close' }] }],
    [
      'a broker that dies of anything',
      {
        steps: [
          { at: 'publish', do: 'close' },
          { at: 'pingreq', do: 'close' },
        ],
      },
    ],
  ] as const)('%s: never quarantined', async (_what, broken) => {
    const { server, client } = await scene({
      version,
      script: (_connection, n) => ({
        connack: { sessionPresent: n > 1 },
        puback: false,
        ...(n < 12 ? broken : { puback: 0 }),
      }),
    })
    const published = outcomes(range(3).map((i) => client.publish('a', `${i}`, { qos: 1 })))
    void client.connect()
    expect(await published).toEqual(['done', 'done', 'done'])
    expect(server.connections.length).toBe(12)
  })

  test('kills of the broker at any moment: none of 200 is quarantined', async () => {
    let seen = 0
    const { client } = await scene({
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
    await client.connect()
    const published = range(200).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    expect(new Set(await outcomes(published))).toEqual(new Set(['done']))
  })

  test('a publish is not blamed for a SUBSCRIBE that is under way', async () => {
    const { server, client } = await scene({
      version,
      script: sessionIs(true, { puback: false, steps: [{ at: 'subscribe', do: 'close' }] }),
    })
    await client.connect()
    const published = outcomes([client.publish('a', '', { qos: 1 })])
    await server.waitFor('publish')
    const bad = client.subscribe('bad', () => {})
    expect(await outcomes([bad.ready])).toEqual(['PoisonPacketError'])
    server.setScript(sessionIs(true, {}))
    server.kick()
    expect(await published).toEqual(['done'])
  })

  test('QoS 0 that the broker closes on is not blamed on others', async () => {
    const { client } = await scene({
      version,
      script: sessionIs(true, { steps: [{ at: 'publish', topic: 'bad', do: 'close' }] }),
    })
    await client.connect()
    const published: Promise<unknown>[] = []
    for (let i = 0; i < 10; i++) {
      published.push(
        client.publish('bad', '').catch(() => {}),
        client.publish('good', '', { qos: 1 }),
      )
      await published.at(-1)
    }
    expect(new Set(await outcomes(published))).toEqual(new Set(['done']))
  })
})

test('a SUBACK with a code that nobody knows leaves nothing pending: it is poison', async () => {
  const { client } = await scene({
    script: {
      steps: [
        {
          at: 'subscribe',
          do: (connection, { subscriptions, messageId = 0 }) => {
            const codes = subscriptions.map(({ topic }) => (topic === 'bad' ? 0x55 : 0))
            const id = [messageId >> 8, messageId & 0xff]
            connection.write(Uint8Array.of(0x90, 3 + codes.length, ...id, 0, ...codes))
          },
        },
      ],
    },
  })
  const settled = outcomes(['good', 'bad'].map((filter) => client.subscribe(filter, () => {}).ready))
  await client.connect()
  expect(await settled).toEqual(['done', 'PoisonPacketError'])
})

test('what was quarantined is not brought up again on later connections', async () => {
  const { server, client } = await scene({ script: sessionIs(true, minds('close')) })
  await client.connect()
  await outcomes([client.publish('bad/1', '', { qos: 2 })])
  const connections = server.connections.length
  const connected = new Promise((resolve) => client.on('connected', resolve))
  server.kick()
  await connected
  await client.publish('good', '', { qos: 1 })
  expect(told(server, server.connections.length, 'publish', 'pubrel')).toHaveLength(1)
  expect(server.connections.length).toBeLessThanOrEqual(connections + 2)
})
