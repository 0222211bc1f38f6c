import { describe, expect, test } from 'vitest'

import type { Behaviour, ScriptedServer } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

describe.each(versions)('MQTT version $version, an invalid acknowledgement', ({ version }) => {
  test.each([
    { qos: 2, answer: 'pubcomp', message: 'PUBCOMP before PUBREC' },
    { qos: 1, answer: 'pubrec', message: 'PUBREC for a publish of QoS 1' },
    { qos: 1, answer: 'pubcomp', message: 'PUBCOMP for a publish of QoS 1' },
  ] as const)('$message is no success: the publish is sent again', async ({ qos, answer, message }) => {
    const wrong: Behaviour = {
      steps: [
        {
          at: 'publish',
          do: (connection, { messageId = 0 }) => void connection.send({ cmd: answer, messageId, reasonCode: 0 }),
        },
      ],
    }
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, wrong, { puback: false }, {}) })
    await client.connect()
    const lost = new Promise((resolve) => client.on('connectionInterrupted', ({ failure }) => resolve(failure)))
    const published = client.publish('a', 'm', { qos })
    expect(await lost).toEqual({ kind: 'protocol', message })
    await server.waitFor('publish', { count: 2 })
    expect(await isPending(published)).toBe(true)
    expect(told(server, 1, 'pubrel')).toEqual([])
    expect(server.received('disconnect').map(({ reasonCode }) => reasonCode)).toEqual(version === 5 ? [0x82] : [])
    server.kick()
    expect(await published).toEqual({ reasonCode: 0 })
    expect(told(server, 3, 'publish')).toEqual(['publish m 1 dup'])
  })

  test('PUBACK after PUBREC is none either', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: sessionIs(
        true,
        {
          steps: [
            {
              at: 'pubrel',
              do: (connection, { messageId = 0 }) => void connection.send({ cmd: 'puback', messageId, reasonCode: 0 }),
            },
          ],
        },
        {},
      ),
    })
    await client.connect()
    const lost = new Promise((resolve) => client.on('connectionInterrupted', ({ failure }) => resolve(failure)))
    const published = client.publish('a', 'm', { qos: 2 })
    expect(await lost).toEqual({ kind: 'protocol', message: 'PUBACK after PUBREC' })
    expect(await published).toEqual({ reasonCode: 0 })
    expect(told(server, 2, 'publish', 'pubrel')).toEqual(['pubrel 1'])
  })

  test('PUBACK for a publish of QoS 2 settles it: the broker has taken it with QoS 1', async () => {
    const script: Behaviour = {
      steps: [
        {
          at: 'publish',
          do: (connection, { messageId = 0 }) => void connection.send({ cmd: 'puback', messageId, reasonCode: 0 }),
        },
      ],
    }
    const { server, client } = await scriptedClient({ version, script })
    await client.connect()
    expect(await client.publish('a', 'm', { qos: 2 })).toEqual({ reasonCode: 0 })
    expect(await client.publish('a', 'n', { qos: 2 })).toEqual({ reasonCode: 0 })
    expect(client.outbox).toMatchObject({ size: 0, inFlight: 0 })
    expect(server.connections).toHaveLength(1)
    expect(server.received('pubrel')).toEqual([])
  })
})

/** A loop that takes no message before the test lets it. */
async function sceneWithLoop(version: 4 | 5, qos: 1 | 2, receiveMaximum?: number, script: Behaviour = {}) {
  const connect = receiveMaximum ? { receiveMaximum } : {}
  const { server, client } = await scriptedClient({ version, script, connect })
  const loop = client.subscribe('a', { qos })[Symbol.asyncIterator]()
  await client.connect()
  return { server, client, loop }
}

/** A client that goes on reading, because the broker owes it an acknowledgement. */
async function sceneWhileReading(qos: 1 | 2) {
  const scene = await sceneWithLoop(5, qos, 3, { puback: false })
  void scene.client.publish('unanswered', '', { qos: 1 }).catch(() => {})
  await scene.server.waitFor('publish')
  return scene
}

function send(server: ScriptedServer, from: number, to: number, qos: 1 | 2): void {
  for (const i of range(to - from)) server.publish('a', `${from + i}`, { qos, messageId: from + i + 1 })
}

describe('Receive Maximum towards us', () => {
  test('is 1,000 by default on MQTT 5', async () => {
    const { server } = await sceneWithLoop(5, 1)
    expect(server.received('connect')[0]?.properties?.receiveMaximum).toBe(1_000)
  })

  test.each([1, 2] as const)('QoS %i: accepts a broker that respects it', async (qos) => {
    const { server, client, loop } = await sceneWithLoop(5, qos, 3)
    send(server, 0, 3, qos)
    for (const i of range(20)) {
      expect((await loop.next()).value?.text()).toBe(String(i))
      // A message is processed when the loop requests the next one.
      if (i === 0) continue
      await server.waitFor(qos === 1 ? 'puback' : 'pubcomp', { count: i })
      send(server, i + 2, i + 3, qos)
    }
    expect(client.isConnected).toBe(true)
  })

  // mosquitto 2.0.11 exceeds it by itself: findings/mosquitto-receive-maximum.sh
  test.each([1, 2] as const)('QoS %i: goes on with a broker that exceeds it by far', async (qos) => {
    const { server, client, loop } = await sceneWithLoop(5, qos, 3)
    send(server, 0, 1_200, qos)
    await until(() => client.status.inbox.waiting >= 1_024, 'the pause')
    await turns(20)
    expect(client.status.inbox).toMatchObject({ unprocessed: 3 })
    for (const i of range(1_200)) expect((await loop.next()).value?.text()).toBe(String(i))
    await until(() => told(server, 1, 'puback', 'pubcomp').length === 1_199, 'the acknowledgements')
    expect(server.connections).toHaveLength(1)
  })

  test.each([1, 2] as const)('QoS %i: disconnects with 0x93 if it cannot stop reading', async (qos) => {
    const { server, client } = await sceneWhileReading(qos)
    const lost = new Promise((resolve) => client.on('connectionInterrupted', ({ failure }) => resolve(failure)))
    send(server, 0, 20_000, qos)
    await turns(20)
    expect(client.isConnected).toBe(true)
    send(server, 20_000, 20_001, qos)
    const message = 'more than 20000 unacked messages at a time, with a Receive Maximum of 3'
    expect(await lost).toEqual({ kind: 'protocol', message })
    await server.waitFor('disconnect')
    expect(server.received('disconnect').map(({ reasonCode }) => reasonCode)).toEqual([0x93])
  })

  test('counts QoS 1 and 2 together', async () => {
    const { server, client } = await sceneWhileReading(2)
    const lost = new Promise((resolve) => client.on('connectionInterrupted', resolve))
    send(server, 0, 19_000, 1)
    send(server, 19_000, 20_000, 2)
    await turns(20)
    expect(client.isConnected).toBe(true)
    send(server, 20_000, 20_001, 1)
    await lost
  })

  test('does not count the PUBREL of messages that an earlier connection brought', async () => {
    const { server, client } = await scriptedClient({ script: sessionIs(true), connect: { receiveMaximum: 2 } })
    await client.connect()
    client.subscribe('a', () => new Promise(() => {}), { qos: 2, ack: 'after-handler' })
    send(server, 0, 4, 2)
    await until(() => client.status.inbox.heldBack === 4)
    server.kick('reset')
    await until(() => server.connections.length === 2 && client.isConnected)
    for (const messageId of [1, 2, 3, 4]) server.send({ cmd: 'pubrel', messageId })
    send(server, 4, 8, 2)
    await until(() => client.status.inbox.heldBack === 8)
    expect([client.isConnected, server.connections.length]).toEqual([true, 2])
  })
})

describe('MQTT 3.1.1, which has no Receive Maximum', () => {
  test.each([1, 2] as const)(
    'QoS %i: hands over no more unacknowledged messages than that, and finally gets all',
    async (qos) => {
      const { server, client, loop } = await sceneWithLoop(4, qos, 3)
      send(server, 0, 10, qos)
      await turns(20)
      const got: string[] = []
      const taken = async (n: number) => {
        while (got.length < n) got.push((await loop.next()).value?.text() ?? 'done')
      }
      expect(client.status.inbox).toMatchObject({ unprocessed: 3, waiting: 7, heldBack: 10 })
      await taken(10)
      expect(got).toEqual(range(10).map(String))
      await until(() => told(server, 1, 'puback', 'pubcomp').length === 9)
      expect(client.isConnected).toBe(true)
    },
  )

  test('can be closed while the broker is held back', async () => {
    const { server, client } = await sceneWithLoop(4, 1, 3)
    send(server, 0, 10, 1)
    await turns(20)
    await client.disconnect()
    await until(() => server.connections[0]?.ending)
    expect(server.connections[0]?.ending).toMatchObject({ by: 'client', how: 'disconnect' })
  })
})
