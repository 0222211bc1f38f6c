import { generate } from 'mqtt-packet'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'

import { InvalidOptionError, NotSupportedByBrokerError, PublishRefusedError } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

describe.each(versions)('publish, MQTT version $version', ({ version }) => {
  test('settles when written for QoS 0, at PUBACK for QoS 1, at PUBCOMP for QoS 2', async () => {
    const { server, client } = await scriptedClient({ version, script: { puback: false } })
    await client.connect()
    const [zero, one, two] = ([0, 1, 2] as const).map((qos) => client.publish('a', `${qos}`, { qos }))
    expect(await zero).toEqual({ reasonCode: 0 })
    await server.waitFor('publish', { count: 3 })
    server.send({ cmd: 'puback', messageId: 1 })
    expect(await one).toEqual({ reasonCode: 0 })
    server.current!.behaviour = { steps: [{ at: 'pubrel', do: 'ignore' }] }
    server.send({ cmd: 'pubrec', messageId: 2 })
    await server.waitFor('pubrel')
    expect(await isPending(two!)).toBe(true)
    server.send({ cmd: 'pubcomp', messageId: 2 })
    expect(await two).toEqual({ reasonCode: 0 })
  })

  test('says since when the oldest one waits', async () => {
    const clock = createTestClock({ now: 1e12 })
    const { client } = await scriptedClient({ version, clock, now: clock.now, connect: { keepalive: 0 } })
    expect(client.outbox.waitingSince).toBeNull()
    const first = client.publish('a', '1', { qos: 1 })
    clock.tick(5_000)
    const second = client.publish('a', '2', { qos: 1 })
    expect(client.outbox.waitingSince).toBe(1e12)
    await client.connect()
    await Promise.all([first, second])
    expect(client.outbox.waitingSince).toBeNull()
  })

  test('waits offline, and goes out in order', async () => {
    const { server, client } = await scriptedClient({ version })
    const published = range(6).map((i) => client.publish('a', `${i}`, { qos: (i % 3) as 0 | 1 | 2 }))
    expect(client.outbox).toMatchObject({ size: 6, bytes: 12, inFlight: 0 })
    await client.connect()
    await Promise.all(published)
    expect(told(server, 1, 'publish').map((line) => line.split(' ')[1])).toEqual(range(6).map(String))
  })

  test.each([
    ['a topic with wildcards', 'a/+', '', {}],
    ['an empty topic', '', '', {}],
    ['an invalid payload', 'a', 5, {}],
    ['an invalid QoS', 'a', '', { qos: 3 }],
    ['a time to live of 0', 'a', '', { ttl: 0 }],
    ['durable without a store', 'a', '', { durable: true, qos: 1 }],
    ['an invalid property', 'a', '', { properties: { messageExpiryInterval: -1 } }],
    ['user properties that are no strings', 'a', '', { properties: { userProperties: { a: 1 } } }],
    ['user properties that are null', 'a', '', { properties: { userProperties: { a: null } } }],
    ['a response topic with wildcards', 'a', '', { properties: { responseTopic: '#' } }],
    ['a content type that is too long', 'a', '', { properties: { contentType: 'x'.repeat(65_536) } }],
    ['invalid correlation data', 'a', '', { properties: { correlationData: 'x' } }],
  ])('is rejected for %s', async (_what, topic, payload, options) => {
    const { client } = await scriptedClient({ version })
    const published = client.publish(topic, payload as string, options as object)
    await expect(published).rejects.toBeInstanceOf(InvalidOptionError)
    await expect(published.accepted).rejects.toBeInstanceOf(InvalidOptionError)
    expect(client.outbox.size).toBe(0)
  })

  test('is removed by its signal while it waits', async () => {
    const { server, client } = await scriptedClient({ version })
    const controller = new AbortController()
    const aborted = client.publish('a', 'aborted', { qos: 1, signal: controller.signal })
    const other = client.publish('a', 'other', { qos: 1 })
    controller.abort(new Error('no longer wanted'))
    await expect(aborted).rejects.toThrow('no longer wanted')
    expect(client.outbox).toMatchObject({ size: 1, bytes: 6 })
    await client.connect()
    await other
    expect(told(server, 1, 'publish')).toEqual(['publish other 1'])
  })

  test('is not affected by its signal after it was acknowledged or refused', async () => {
    const { server, client } = await scriptedClient({ version, script: { puback: false }, outbox: { maxMessages: 1 } })
    const controller = new AbortController()
    const waiting = client.publish('a', '', { qos: 1 })
    const refused = client.publish('a', 'refused', { qos: 1, signal: controller.signal })
    await expect(refused).rejects.toMatchObject({ name: 'OutboxOverflowError' })
    await expect(refused.accepted).rejects.toMatchObject({ name: 'OutboxOverflowError' })
    await client.connect()
    const sent = client.publish('a', 'sent', { qos: 1, signal: controller.signal })
    await server.waitFor('publish', { count: 2 })
    for (const messageId of [1, 2]) server.send({ cmd: 'puback', messageId })
    expect(await outcomes([waiting, sent])).toEqual(['done', 'done'])
    controller.abort()
    expect(await outcomes([waiting, sent])).toEqual(['done', 'done'])
  })

  test('is rejected with a signal that is already aborted', async () => {
    const { client } = await scriptedClient({ version })
    const published = client.publish('a', '', { signal: AbortSignal.abort(new Error('too late')) })
    await expect(published).rejects.toThrow('too late')
    expect(client.outbox.size).toBe(0)
  })

  test('rejects with DisconnectedError at disconnect(), even in flight', async () => {
    const { server, client } = await scriptedClient({ version, script: { puback: false } })
    await client.connect()
    const sent = outcomes([client.publish('a', 'sent', { qos: 1 })])
    await server.waitFor('publish')
    await client.disconnect({ drainTimeout: 0 })
    const waiting = outcomes([client.publish('a', 'waiting', { qos: 1 })])
    await client.disconnect()
    expect([...(await sent), ...(await waiting)]).toEqual(['DisconnectedError', 'DisconnectedError'])
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
  })

  test('rejects with DisconnectedError when the signal of disconnect() aborts while it drains', async () => {
    const { server, client } = await scriptedClient({ version, script: { puback: false } })
    await client.connect()
    const sent = outcomes([client.publish('a', 'sent', { qos: 1 })])
    await server.waitFor('publish')
    const abort = new AbortController()
    const disconnected = client.disconnect({ signal: abort.signal })
    abort.abort(new Error('no patience'))
    await expect(disconnected).rejects.toThrow('no patience')
    expect(await sent).toEqual(['DisconnectedError'])
    await client.waitFor('disconnected')
  })

  test('rejects with ClientDisposedError when the client is disposed, and after', async () => {
    const { client } = await scriptedClient({ version })
    const waiting = outcomes([client.publish('a', '', { qos: 1 })])
    await client[Symbol.asyncDispose]()
    const after = client.publish('a', '')
    expect([...(await waiting), ...(await outcomes([after, after.accepted]))]).toEqual(
      Array(3).fill('ClientDisposedError'),
    )
  })

  test('uses the packet id of an abandoned publish again only when the broker has forgotten it', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, { puback: false }, {}) })
    await client.connect()
    const given = outcomes([client.publish('a', 'one', { qos: 1 }), client.publish('a', 'two', { qos: 2 })])
    await server.waitFor('publish', { count: 2 })
    await client.disconnect({ drainTimeout: 0 })
    await client.connect()
    await client.publish('a', 'next', { qos: 2 })
    expect(await given).toEqual(['DisconnectedError', 'DisconnectedError'])
    expect(told(server, 2, 'publish', 'pubrel')).toEqual(['pubrel 2', 'publish next 3', 'pubrel 3'])
  })
})

describe('publish, with the answer of an MQTT 5 broker', () => {
  test.each([
    [1, 0x00, { reasonCode: 0 }],
    [1, 0x10, { reasonCode: 0x10 }],
    [2, 0x10, { reasonCode: 0x10 }],
  ] as const)('QoS %i, reason code %i: done', async (qos, puback, result) => {
    const { client } = await scriptedClient({ script: { puback } })
    await client.connect()
    expect(await client.publish('a', '', { qos })).toEqual(result)
  })

  test.each(
    ([1, 2] as const).flatMap((qos) => [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99].map((code) => ({ qos, code }))),
  )('QoS $qos, reason code $code: rejects, and frees the packet id', async ({ qos, code }) => {
    const { client } = await scriptedClient({
      script: { puback: code, connack: { properties: { receiveMaximum: 1 } } },
    })
    await client.connect()
    const refused = client.publish('a', '', { qos })
    await expect(refused).rejects.toBeInstanceOf(PublishRefusedError)
    await expect(refused).rejects.toMatchObject({ reasonCode: code, topic: 'a' })
    expect(await outcomes([client.publish('a', '', { qos })])).toEqual(['PublishRefusedError'])
  })

  test('the error contains the reason string', async () => {
    const properties = { reasonString: 'not on Sundays' }
    const { client } = await scriptedClient({
      script: {
        steps: [{ at: 'publish', do: { send: { cmd: 'puback', messageId: 1, reasonCode: 0x87, properties } } }],
      },
    })
    await client.connect()
    await expect(client.publish('a', '', { qos: 1 })).rejects.toThrow('not authorized (0x87) (“not on Sundays”)')
  })

  test.each([
    ['PUBACK', 1, 0x40, 0x95, 'packet too large (0x95)'],
    ['PUBACK', 1, 0x40, 0xfe, 'reason code 0xfe'],
    ['PUBREC', 2, 0x50, 0x95, 'packet too large (0x95)'],
    ['PUBREC', 2, 0x50, 0xfe, 'reason code 0xfe'],
  ] as const)(
    'a %s with a code that MQTT 5 does not have refuses the publish, QoS %i, %#',
    async (_cmd, qos, type, code, words) => {
      const { server, client } = await scriptedClient({
        script: {
          steps: [
            {
              at: 'publish',
              topic: 'bad',
              do: (connection, { messageId = 0 }) => connection.write(Uint8Array.of(type, 3, 0, messageId, code)),
            },
          ],
        },
      })
      await client.connect()
      await expect(client.publish('bad', '', { qos })).rejects.toThrow(
        `the broker refused the publish to bad: ${words}`,
      )
      await client.publish('good', '', { qos })
      expect(server.connections).toHaveLength(1)
    },
  )
})

describe('the limits of an MQTT 5 broker', () => {
  test.each([1, 2, 20])('respects Receive Maximum %i, also when it sends again', async (receiveMaximum) => {
    const connack = { properties: { receiveMaximum } }
    const { server, client } = await scriptedClient({
      script: (_connection, n) => ({ connack: { sessionPresent: n > 1, ...connack }, puback: n > 1 ? 0 : false }),
    })
    await client.connect()
    const published = range(200).map((i) => client.publish('a', `${i}`, { qos: i % 2 ? 1 : 2 }))
    await server.waitFor('publish', { count: receiveMaximum })
    await turns()
    expect(client.outbox).toMatchObject({ size: 200 - receiveMaximum, inFlight: receiveMaximum })
    server.kick()
    await Promise.all(published)
    expect(server.connections[0]?.mostInFlight).toBe(receiveMaximum)
    expect(server.connections[1]?.mostInFlight).toBeLessThanOrEqual(receiveMaximum)
    expect(told(server, 2, 'publish').map((line) => line.split(' ')[1])).toEqual(range(200).map(String))
  })

  test.each([
    ['maximumQos', { maximumQoS: 1 }, { qos: 2 }],
    ['maximumQos', { maximumQoS: 0 }, { qos: 1 }],
    ['retainAvailable', { retainAvailable: false }, { retain: true }],
    ['maximumPacketSize', { maximumPacketSize: 10 }, { properties: { contentType: 'text' } }],
  ] as const)(
    '%s: rejects publishes beyond it, offline and online, and sends the rest',
    async (limit, properties, options) => {
      const { server, client } = await scriptedClient({ script: { connack: { properties } } })
      const waiting = client.publish('a', 'no', options)
      const fine = client.publish('a', 'yes')
      await client.connect()
      const now = client.publish('a', 'no', options)
      for (const published of [waiting, now]) {
        await expect(published).rejects.toBeInstanceOf(NotSupportedByBrokerError)
        await expect(published).rejects.toMatchObject({ limit })
      }
      await fine
      await server.waitFor('publish')
      expect(told(server, 1, 'publish')).toEqual(['publish yes'])
    },
  )

  test.each([0, 1, 2] as const)('respects Maximum Packet Size to the byte, QoS %i', async (qos) => {
    const packet = { cmd: 'publish', topic: 'a', payload: 'x'.repeat(150), qos, retain: false, dup: false } as const
    const { length } = generate({ ...packet, messageId: 1 }, { protocolVersion: 5 })
    const connack = { properties: { maximumPacketSize: length } }
    const { client } = await scriptedClient({ script: { connack } })
    await client.connect()
    const published = [client.publish('a', 'x'.repeat(150), { qos }), client.publish('a', 'x'.repeat(151), { qos })]
    expect(await outcomes(published)).toEqual(['done', 'NotSupportedByBrokerError'])
  })
})

test('sends few QoS 2 publishes at a time on MQTT 3.1.1, because mosquitto closes on the 21st', async () => {
  const { server, client } = await scriptedClient({
    version: 4,
    script: (_connection, n) => ({ connack: { sessionPresent: n > 1 }, puback: n > 1 ? 0 : false }),
  })
  await client.connect()
  const published = range(100).map((i) => client.publish('a', `${i}`, { qos: 2 }))
  await server.waitFor('publish', { count: 16 })
  await turns()
  expect(client.outbox).toMatchObject({ size: 84, inFlight: 16 })
  server.kick()
  await Promise.all(published)
  for (const { mostInFlight } of server.connections) expect(mostInFlight).toBeLessThanOrEqual(16)
})

test.each([{ properties: { userProperties: {} } }, { properties: { userProperties: { a: [] } } }, { properties: {} }])(
  'sends publishes with empty properties: $properties',
  async (options) => {
    const { client } = await scriptedClient()
    await client.connect()
    expect(await outcomes(([0, 1, 2] as const).map((qos) => client.publish('a', '', { qos, ...options })))).toEqual([
      'done',
      'done',
      'done',
    ])
  },
)

test('uses bounded memory for 50 MB of QoS 0 to a server that does not read, and settles every promise', async () => {
  const sockets: Socket[] = []
  const deaf = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.pause()
      socket.write(Uint8Array.of(0x20, 2, 0, 0))
    })
  })
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void deaf.close())
  const { port } = deaf.address() as AddressInfo
  const { client } = await scriptedClient({
    version: 4,
    url: `mqtt://127.0.0.1:${port}`,
    outbox: { maxBytes: 8_000_000 },
  })
  await client.connect()
  await client.publish('a', 'small')
  const payload = new Uint8Array(500_000)
  const settled = outcomes(range(100).map(() => client.publish('a', payload)))
  await turns()
  expect(client.outbox.bytes).toBeGreaterThan(0)
  expect(client.outbox.bytes).toBeLessThanOrEqual(8_000_000)
  deaf.close()
  for (const socket of sockets) socket.destroy()
  await turns()
  await client.disconnect()
  const names = await settled
  // The system may take the first of them.
  const lost = ['ConnectionLostError', 'DisconnectedError', 'OutboxOverflowError']
  expect(names.filter((name) => name === 'OutboxOverflowError').length).toBeGreaterThan(70)
  expect(new Set(names)).toEqual(new Set(names.includes('done') ? ['done', ...lost] : lost))
})

test('publishes of one turn go to the socket at once, in their order', async () => {
  const { client, server } = await scriptedClient()
  await client.connect()
  const published = range(100).map((n) => client.publish(`${n}`, new Uint8Array(1_000)))
  // More than the 16 KiB after which a stream asks for a pause, if the system does not take them.
  expect(client.outbox.size).toBeLessThan(80)
  await Promise.all(published)
  await turns()
  const topics = server.connections[0]?.packets.flatMap(({ packet }) => (packet.cmd === 'publish' ? packet.topic : []))
  expect(topics).toEqual(range(100).map(String))
})

test('emits `drained` once, when nothing waits and nothing is in flight', async () => {
  const { client } = await scriptedClient()
  const drained: unknown[] = []
  client.on('drained', (outbox) => drained.push(outbox))
  for (const qos of [0, 1, 2] as const) void client.publish('a', '', { qos })
  await client.connect()
  await client.publish('a', '', { qos: 2 })
  await turns()
  expect(drained.at(-1)).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
  const before = drained.length
  await client.publish('a', 'written at once')
  await turns()
  expect(drained.length).toBe(before)
})

test('emits `drained` for QoS 0 alone too, and when the last waiting publish is removed', async () => {
  const { client } = await scriptedClient()
  const controller = new AbortController()
  const drained: string[] = []
  client.on('drained', () => drained.push('drained'))
  const aborted = client.publish('a', '', { signal: controller.signal })
  controller.abort()
  await outcomes([aborted])
  await turns()
  expect(drained).toHaveLength(1)
  const zero = client.publish('a', '')
  await client.connect()
  await zero
  await turns()
  expect(drained).toHaveLength(2)
})

test.each([1, 2] as const)(
  'disconnect() waits for a periodic request of QoS %i only until its acknowledgement',
  async (qos) => {
    const { client, server } = await scriptedClient({
      script: { steps: [{ at: 'publish', do: 'ignore' }] },
      timeouts: { disconnectTimeout: 3_000_000 },
    })
    const drained: unknown[] = []
    client.on('drained', (outbox) => drained.push(outbox))
    await client.connect()
    client.startPeriodicRequests({ topic: 'poll', payload: '', interval: 3_000_000, qos })
    await until(() => client.outbox.inFlight === 1)
    await server.waitFor('publish')
    const disconnected = client.disconnect()
    expect(await isPending(disconnected)).toBe(true)
    const [connection] = server.connections
    const messageId = connection?.received('publish')[0]?.messageId ?? 0
    const answers = qos === 1 ? (['puback'] as const) : (['pubrec', 'pubcomp'] as const)
    for (const cmd of answers) connection?.send({ cmd, messageId })
    await disconnected
    expect(drained).toHaveLength(1)
  },
)

test('does not emit `drained` for each periodic request', async () => {
  const { client, server } = await scriptedClient()
  const drained: unknown[] = []
  client.on('drained', (outbox) => drained.push(outbox))
  await client.connect()
  const poll = { topic: 'poll', payload: '', interval: 1_000 }
  for (const qos of [0, 1, 2] as const) client.startPeriodicRequests({ ...poll, qos })
  await server.waitFor('publish', { count: 3 })
  await until(() => client.outbox.inFlight === 0)
  await turns()
  expect(drained).toEqual([])
})

test('disconnect() does not wait for a publish that is refused while it drains', async () => {
  const { client } = await scriptedClient({ script: { puback: 0x87 }, timeouts: { disconnectTimeout: 3_000_000 } })
  await client.connect()
  const refused = outcomes([client.publish('a', '', { qos: 1 })])
  await client.disconnect()
  expect(await refused).toEqual(['PublishRefusedError'])
})
