import { describe, expect, test } from 'vitest'

import type { PacketEvent, ResilientMqttClient } from '../../src/index.ts'
import { varintLength } from '../../src/shared/byte-length.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, type ScriptedClientOptions, versions } from '../support/scripted-client.ts'

/** Every secret that a packet may carry. */
const secrets = {
  username: 'planted-user',
  password: 'planted-password',
  userProperties: { planted: 'planted-property' },
  will: { topic: 'gone', payload: 'planted-will' },
}
const properties = {
  userProperties: { planted: 'planted-property' },
  correlationData: Buffer.from('planted-correlation'),
  contentType: 'planted/type',
}

function recorded(client: ResilientMqttClient): PacketEvent[] {
  const packets: PacketEvent[] = []
  client.on('packetsend', (packet) => packets.push(packet))
  client.on('packetreceive', (packet) => packets.push(packet))
  return packets
}

/** One line for each packet: its direction, its type, and its fields in short. */
function lines(packets: readonly PacketEvent[]): string[] {
  return packets.map(({ direction, type, packetId, qos, dup, topic, topicAlias, filters, reasonCode, reasonCodes }) =>
    [
      direction === 'sent' ? '→' : '←',
      type,
      ...(packetId === undefined ? [] : [`#${packetId}`]),
      ...(qos === undefined ? [] : [`qos${qos}`]),
      ...(dup ? ['dup'] : []),
      ...(topic === undefined ? [] : [`'${topic}'`]),
      ...(topicAlias === undefined ? [] : [`=${topicAlias}`]),
      ...(filters ?? []),
      ...(reasonCode === undefined ? [] : [`0x${reasonCode.toString(16)}`]),
      ...(reasonCodes ? [`[${reasonCodes.join()}]`] : []),
    ].join(' '),
  )
}

/** Speaks for a while: every packet type but AUTH passes. */
async function conversation(options: ScriptedClientOptions) {
  const { server, client } = await scriptedClient({
    script: { connack: { properties: { topicAliasMaximum: 5 } }, puback: { b: 0x87, '#': 0 } },
    ...options,
    connect: { ...secrets, autoAssignTopicAlias: true, ...options.connect },
  })
  const packets = recorded(client)
  await client.connect()
  const subscription = client.subscribe('in/#', () => {}, { qos: 1 })
  await subscription.ready
  const payload = 'planted-payload'
  await client.publish('topic/1', payload, { properties })
  await client.publish('topic/1', payload, { qos: 1 })
  await client.publish('topic/1', payload, { qos: 2, retain: true })
  await client.publish('b', Buffer.alloc(20_000, payload), { qos: 1 }).catch(() => {})
  server.publish('in/1', payload, { qos: 1, messageId: 9, properties: properties as never })
  const last = (direction: string, type: string) => () => {
    const packet = packets.at(-1)
    return packet?.direction === direction && packet.type === type
  }
  await until(last('sent', 'puback'))
  client.wake()
  await until(last('received', 'pingresp'))
  subscription.unsubscribe()
  await until(last('received', 'unsuback'))
  await client.disconnect()
  return { server, client, packets }
}

describe('packetsend and packetreceive', () => {
  const expected = {
    5: [
      '→ connect',
      '← connack 0x0',
      '→ subscribe #1 in/#',
      '← suback #1 [1]',
      "→ publish qos0 'topic/1' =1",
      "→ publish #2 qos1 '' =1",
      '← puback #2 0x0',
      "→ publish #3 qos2 '' =1",
      '← pubrec #3 0x0',
      '→ pubrel #3 0x0',
      '← pubcomp #3 0x0',
      "→ publish #4 qos1 'b'",
      '← puback #4 0x87',
      "← publish #9 qos1 'in/1'",
      '→ puback #9 0x0',
      '→ pingreq',
      '← pingresp',
      '→ unsubscribe #5 in/#',
      '← unsuback #5 [0]',
      '→ disconnect 0x0',
    ],
    4: [
      '→ connect',
      '← connack 0x0',
      '→ subscribe #1 in/#',
      '← suback #1 [1]',
      "→ publish qos0 'topic/1'",
      "→ publish #2 qos1 'topic/1'",
      '← puback #2',
      "→ publish #3 qos2 'topic/1'",
      '← pubrec #3',
      '→ pubrel #3',
      '← pubcomp #3',
      "→ publish #4 qos1 'b'",
      '← puback #4',
      "← publish #9 qos1 'in/1'",
      '→ puback #9',
      '→ pingreq',
      '← pingresp',
      '→ unsubscribe #5 in/#',
      '← unsuback #5',
      '→ disconnect',
    ],
  } as const

  test.each(versions)(
    'MQTT version $version: report all packets in the order of the wire, without secrets',
    async ({ version }) => {
      const { server, packets } = await conversation({ version })
      expect(lines(packets)).toEqual(expected[version])
      expect(JSON.stringify(packets)).not.toContain('planted')
      const sizes = packets.filter(({ direction }) => direction === 'sent').map(({ size }) => size)
      const received = server.connections[0]?.packets.map(
        ({ packet }) => 1 + varintLength(packet.length ?? 0) + (packet.length ?? 0),
      )
      expect(sizes, 'the sizes are those that the server has seen').toEqual(received)
    },
  )

  test('over a WebSocket, and with a password alone', async () => {
    const { username: _, ...login } = secrets
    const connect = { ...login, username: undefined } as never
    const { packets, server } = await conversation({ server: { transport: 'ws' }, connect })
    expect(lines(packets)).toEqual(expected[5])
    expect(JSON.stringify(packets)).not.toContain('planted')
    const [first] = server.received('connect')
    expect(packets[0]?.size).toBe(1 + varintLength(first?.length ?? 0) + (first?.length ?? 0))
    expect(first?.username).toBeUndefined()
  })

  test('report what is sent again, and a CONNACK that refuses', async () => {
    const { server, client } = await scriptedClient({
      script: [{ puback: false }, { connack: { reasonCode: 0x89 } }, { connack: { sessionPresent: true } }],
    })
    const packets = recorded(client)
    await client.connect()
    const published = client.publish('topic/1', 'a', { qos: 1 })
    await server.waitFor('publish')
    server.kick()
    await published
    expect(lines(packets)).toEqual([
      '→ connect',
      '← connack 0x0',
      "→ publish #1 qos1 'topic/1'",
      '→ connect',
      '← connack 0x89',
      '→ connect',
      '← connack 0x0',
      // It was alone when the connection was lost. After a PINGRESP, another close would be its fault.
      '→ pingreq',
      '← pingresp',
      "→ publish #1 qos1 dup 'topic/1'",
      '← puback #1 0x0',
    ])
  })

  test('report a packet that breaks the rules before the connection ends', async () => {
    const { server, client } = await scriptedClient({ reconnect: { enabled: false }, recovery: { enabled: false } })
    const packets = recorded(client)
    await client.connect()
    server.publish('', 'x', { properties: { topicAlias: 3 } })
    await client.waitFor('failed')
    await turns()
    expect(lines(packets).slice(2)).toEqual(["← publish qos0 '' =3", '→ disconnect 0x94'])
  })

  test('begin with the first handler on an open connection, and end with the last', async () => {
    const { client } = await scriptedClient()
    await client.connect()
    await client.publish('a', 'x', { qos: 1 })
    const heard: string[] = []
    const off = client.on('packetsend', ({ type }) => heard.push(type))
    client.once('packetreceive', ({ type }) => heard.push(type))
    await client.publish('a', 'x', { qos: 1 })
    await client.publish('a', 'x', { qos: 1 })
    off()
    await client.publish('a', 'x', { qos: 1 })
    expect(heard).toEqual(['publish', 'puback', 'publish'])
  })

  test.each(['packetsend', 'packetreceive'] as const)('a handler of %s that throws changes nothing', async (name) => {
    const { client, errors } = await scriptedClient()
    client.on(name, ({ type }) => {
      throw new Error(type)
    })
    await client.connect()
    await client.publish('a', 'x', { qos: 2 })
    expect(errors.map((error) => (error as Error).message)).toEqual(
      name === 'packetsend' ? ['connect', 'publish', 'pubrel'] : ['connack', 'pubrec', 'pubcomp'],
    )
    expect(client.status.counters.interruptions).toBe(0)
  })

  test('a handler may use the client: it publishes, or disconnects', async () => {
    const { server, client, errors } = await scriptedClient()
    const more: Promise<unknown>[] = []
    client.once('packetsend', () => more.push(client.publish('a', 'x'.repeat(200_000), { qos: 1 })))
    await client.connect()
    client.on('packetreceive', ({ type }) => {
      if (type !== 'publish') return
      more.push(client.publish('a', 'y', { qos: 1 }), client.disconnect({ drainTimeout: 0 }))
    })
    client.subscribe('in', () => {})
    await until(() => client.status.subscriptions.held === 1)
    server.publish('in', 'z')
    await client.waitFor('disconnected')
    await Promise.allSettled(more)
    expect(errors).toEqual([])
    expect(server.received('disconnect')).toHaveLength(1)
  })
})
