import { describe, expect, test } from 'vitest'

import { ConnectionLostError } from '../../src/index.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

describe.each(versions)('MQTT version $version, unacknowledged when the connection is lost', ({ version }) => {
  test('are resent in order with their ids if the session is present: PUBLISH with DUP, or PUBREL after PUBREC', async () => {
    // The PUBREC of the second comes, the PUBCOMP does not.
    const first = { puback: { b: 0, '#': false }, steps: [{ at: 'pubrel', do: 'ignore' }] } as const
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, first, {}) })
    await client.connect()
    const published = [
      client.publish('a', 'a', { qos: 1 }),
      client.publish('b', 'b', { qos: 2 }),
      client.publish('c', 'c', { qos: 2 }),
      client.publish('d', 'd', { qos: 1 }),
    ]
    await server.waitFor('pubrel')
    server.kick()
    expect(await outcomes(published)).toEqual(['done', 'done', 'done', 'done'])
    expect(told(server, 2, 'publish', 'pubrel')).toEqual([
      'publish a 1 dup',
      'pubrel 2',
      'publish c 3 dup',
      'publish d 4 dup',
      'pubrel 3',
    ])
    expect(client.outbox).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
  })

  test('are sent as new publishes before all others if the session is lost, and count as delivered after PUBREC', async () => {
    const first = { puback: { b: 0, '#': false }, steps: [{ at: 'pubrel', do: 'ignore' }] } as const
    const { server, client } = await scriptedClient({ version, script: sessionIs(false, first, {}) })
    await client.connect()
    const published = [
      client.publish('a', 'a', { qos: 1 }),
      client.publish('b', 'b', { qos: 2 }),
      client.publish('c', 'c', { qos: 2 }),
    ]
    await server.waitFor('pubrel')
    server.kick()
    published.push(client.publish('d', 'd', { qos: 1 }))
    expect(await outcomes(published)).toEqual(['done', 'done', 'done', 'done'])
    const sent = told(server, 2, 'publish')
    expect(sent.map((line) => line.split(' ')[1])).toEqual(['a', 'c', 'd'])
    expect(sent.join()).not.toContain('dup')
  })

  test('are resent in a pipeline of 1,000 without delaying SUBACK or `connected`', async () => {
    const script = sessionIs(true, { puback: false })
    const { server, client } = await scriptedClient({ version, script, subscriptions: { onSessionPresent: 'always' } })
    client.subscribe('x', () => {})
    await client.connect()
    // On MQTT 3.1.1, only a few QoS 2 publishes are sent at a time.
    const qos = (i: number) => (version === 5 && i % 2 ? 2 : 1)
    const published = range(1_000).map((i) => client.publish('a', `${i}`, { qos: qos(i) }))
    await server.waitFor('publish', { count: 1_000 })
    const connected = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    // The server acknowledges only after all are sent and the connection is ready.
    await connected
    await server.waitFor('publish', { count: 2_000 })
    const [, connection] = server.connections
    for (const publish of connection!.received('publish')) {
      connection!.send({ cmd: publish.qos === 1 ? 'puback' : 'pubrec', messageId: publish.messageId! })
    }
    await Promise.all(published)
    // The first id is the SUBSCRIBE's.
    expect(told(server, 2, 'publish')).toEqual(range(1_000).map((i) => `publish ${i} ${i + 2} dup`))
    expect(connection!.mostInFlight).toBe(1_000)
  })

  test('are not sent again with QoS 0', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, { puback: false }, {}) })
    await client.connect()
    await client.publish('a', 'zero')
    const one = client.publish('a', 'one', { qos: 1 })
    await server.waitFor('publish', { count: 2 })
    server.kick()
    await one
    expect(told(server, 2, 'publish')).toEqual(['publish one 1 dup'])
  })

  test('are resent further on the next connection if one is lost meanwhile', async () => {
    const ackTwo = { puback: (packet: { messageId?: number }) => (packet.messageId! <= 2 ? 0 : false) } as const
    const { server, client } = await scriptedClient({ version, script: sessionIs(true, { puback: false }, ackTwo, {}) })
    await client.connect()
    const published = range(4).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    await server.waitFor('publish', { count: 4 })
    server.kick()
    await Promise.all(published.slice(0, 2))
    await server.waitFor('publish', { count: 8 })
    server.kick()
    expect(await outcomes(published)).toEqual(['done', 'done', 'done', 'done'])
    expect(told(server, 3, 'publish')).toEqual(['publish 2 3 dup', 'publish 3 4 dup'])
  })
})

test('count as delivered if the broker does not know the id at PUBREL (MQTT 5 §3.7.2.1)', async () => {
  const first = { steps: [{ at: 'pubrel', do: 'ignore' }] } as const
  const second = {
    steps: [{ at: 'pubrel', do: { send: { cmd: 'pubcomp', messageId: 1, reasonCode: 0x92 } } }],
  } as const
  const { server, client } = await scriptedClient({ script: sessionIs(true, first, second) })
  await client.connect()
  const published = client.publish('a', '', { qos: 2 })
  await server.waitFor('pubrel')
  server.kick()
  expect(await published).toEqual({ reasonCode: 0 })
})

test('are not sent again if they exceed the limits of the next connection', async () => {
  const second = { connack: { sessionPresent: true, properties: { maximumPacketSize: 20 } } }
  const { server, client } = await scriptedClient({ script: sessionIs(true, { puback: false }, second) })
  await client.connect()
  const published = [client.publish('a', 'x'.repeat(100), { qos: 1 }), client.publish('a', 'b', { qos: 1 })]
  await server.waitFor('publish', { count: 2 })
  server.kick()
  expect(await outcomes(published)).toEqual(['NotSupportedByBrokerError', 'done'])
  expect(told(server, 2, 'publish')).toEqual(['publish b 2 dup'])
})

test.each([
  { present: true, expected: ['old', 'new'] },
  { present: false, expected: ['new'] },
])(
  'incoming QoS 2 between PUBLISH and PUBREL, session present: $present (MQTT-3.2.2-5)',
  async ({ present, expected }) => {
    const first = { steps: [{ at: 'pubrec', do: 'ignore' }] } as const
    const { server, client } = await scriptedClient({ script: sessionIs(present, first, {}) })
    const received: string[] = []
    client.subscribe('a', (message) => received.push(message.text()), { qos: 2 })
    await client.connect()
    server.publish('a', 'old', { qos: 2, messageId: 7 })
    await server.waitFor('pubrec')
    const connected = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await connected
    server.send({ cmd: 'pubrel', messageId: 7 })
    await server.waitFor('pubcomp')
    server.publish('a', 'new', { qos: 2, messageId: 7 })
    await server.waitFor('pubcomp', { count: 2 })
    expect(received).toEqual(expected)
  },
)

test('are lost with QoS 0 if the socket has not taken them', async () => {
  const { server, client } = await scriptedClient()
  await client.connect()
  // This is more than the buffers of both sockets take at once.
  const big = client.publish('a', new Uint8Array(50_000_000))
  server.kick('reset')
  await expect(big).rejects.toBeInstanceOf(ConnectionLostError)
})
