import { expect, test } from 'vitest'

import type { Birth, BirthConnection } from '../../src/index.ts'
import { createTestClock, type Script, type ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { type ScriptedClientOptions, scriptedClient, sessionIs, versions } from '../support/scripted-client.ts'

/** The topics that the server got in SUBSCRIBE and PUBLISH packets, in order, by connection. */
function topics({ connections }: ScriptedServer): string[][] {
  return connections.map(({ packets }) =>
    packets.flatMap(({ packet }) => {
      if (packet.cmd === 'subscribe') return packet.subscriptions.map(({ topic }) => `subscribe ${topic}`)
      return packet.cmd === 'publish' ? [packet.topic] : []
    }),
  )
}

/** A client with two publishes in its outbox. */
async function withBacklog(birth: Birth, options: ScriptedClientOptions = {}) {
  const scene = await scriptedClient({ script: sessionIs(false), ...options, birth })
  scene.client.subscribe('commands', () => {})
  const waiting = [scene.client.publish('waiting/1', '', { qos: 1 }), scene.client.publish('waiting/2', '')]
  return { ...scene, waiting }
}

test.each(versions)(
  'a birth goes out after the restore and before the outbox, MQTT version $version',
  async ({ version }) => {
    const present: boolean[] = []
    const birth = async ({ publish, sessionPresent }: BirthConnection) => {
      present.push(sessionPresent)
      await publish('birth/1', '', { qos: 1, retain: true })
      void publish('birth/2', '', { qos: 2 })
      void publish('birth/3', '')
    }
    const { server, client, waiting } = await withBacklog(birth, { version })
    client.on('connected', () => void client.publish('connected', ''))
    await client.connect()
    await Promise.all(waiting)
    const first = ['subscribe commands', 'birth/1', 'birth/2', 'birth/3']
    await until(() => topics(server)[0]?.length === 7)
    expect(topics(server)).toEqual([[...first, 'waiting/1', 'waiting/2', 'connected']])

    server.kick()
    await until(() => topics(server)[1]?.length === 5)
    expect(topics(server)[1]).toEqual([...first, 'connected'])
    expect(present).toEqual([false, false])
  },
)

test('a birth that fails is reported, and the outbox drains', async () => {
  const { server, client, errors, waiting } = await withBacklog(({ publish }) => void publish('a/#', ''))
  await client.connect()
  await Promise.all(waiting)
  expect(topics(server)).toEqual([['subscribe commands', 'waiting/1', 'waiting/2']])
  await until(() => errors.length > 0)
  expect(errors).toEqual([expect.objectContaining({ name: 'InvalidOptionError', option: 'topic' })])
})

test('a birth that takes too long is reported, aborted, and the outbox drains', async () => {
  const clock = createTestClock()
  const signals: AbortSignal[] = []
  const birth = ({ signal }: BirthConnection) => {
    signals.push(signal)
    return new Promise<never>(() => {})
  }
  const timeouts = { birthTimeout: 10_000 }
  const { client, errors, waiting } = await withBacklog(birth, {
    clock,
    now: clock.now,
    timeouts,
    connect: { keepalive: 0 },
  })
  await client.connect()
  await until(() => signals.length === 1)
  expect([client.outbox.size, signals[0]?.aborted]).toEqual([2, false])
  clock.tick(10_000)
  await Promise.all(waiting)
  expect(signals[0]?.aborted).toBe(true)
  expect(errors).toEqual([expect.objectContaining({ name: 'TimeoutError' })])
})

test.each([false, true])(
  'ends with its connection, and the next one has its own, session present: %s',
  async (present) => {
    const lost: string[] = []
    let n = 0
    const birth = async ({ publish }: BirthConnection) => {
      const number = ++n
      const published = publish(`birth/${number}`, '', { qos: 1 })
      if (number === 1) lost.push((await rejection(published)).name)
      if (number === 1) lost.push((await rejection(publish('late', ''))).name)
      await published.catch(() => {})
    }
    const silent: Script = (_connection, i) => ({
      connack: { sessionPresent: present && i > 1 },
      ...(i === 1 && { puback: false as const }),
    })
    const { server, client, errors, waiting } = await withBacklog(birth, { script: silent })
    await client.connect()
    await server.waitFor('publish')
    server.kick()
    await Promise.all(waiting)
    await turns()
    expect(lost).toEqual(['ConnectionLostError', 'ConnectionLostError'])
    // MQTT requires that a kept session sends the unacked publish again (MQTT-4.4.0-1).
    const again = present ? ['birth/1'] : []
    const restore = present ? [] : ['subscribe commands']
    expect(topics(server)[1]).toEqual([...again, ...restore, 'birth/2', 'waiting/1', 'waiting/2'])
    expect(errors).toEqual([])
  },
)

test('is published once for a connection that becomes ready again', async () => {
  let births = 0
  const { client, server } = await scriptedClient({
    birth: async ({ publish }) => {
      births++
      await publish('birth', '', { qos: 1 })
    },
    credentials: () => {
      if (births > 0) throw new Error('no')
      return { expiresAt: Date.now() + 60_000 }
    },
    refreshBefore: 60_000,
  })
  await client.connect()
  await until(() => births === 1)
  client.recover()
  await client.publish('after', '', { qos: 1 })
  await turns()
  expect([births, topics(server).flat()]).toEqual([1, ['birth', 'after']])
})
