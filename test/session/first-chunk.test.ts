import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import type { Message, ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock, type ScriptedConnection } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, told, versions, type Version } from '../support/scripted-client.ts'

type Delivery = Pick<Message, 'qos'> & { readonly ack: 'on-receipt' | 'after-handler' | 'loop' }

const deliveries = ([0, 1, 2] as const).flatMap((qos) =>
  (['on-receipt', 'after-handler', 'loop'] as const).map((ack): Delivery => ({ qos, ack })),
)
const cases = versions.flatMap(({ version }) => deliveries.map((delivery) => ({ version, ...delivery })))

/** The packets after the CONNACK of a session that the broker kept. */
function packets(version: Version, qos: 0 | 1 | 2): Buffer[] {
  const sent: Packet[] = [
    { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: true },
    { cmd: 'publish', topic: 'a', payload: 'm', qos, retain: false, dup: false, ...(qos > 0 && { messageId: 7 }) },
    ...(qos === 2 ? [{ cmd: 'pubrel', messageId: 7 } as const] : []),
  ]
  return sent.map((packet) => generate(packet, { protocolVersion: version }))
}

/** The bytes in one chunk, in one per packet, byte by byte, and split at every position. */
function splits(sent: readonly Buffer[]): (readonly Buffer[])[] {
  const all = Buffer.concat(sent)
  const halves = Array.from({ length: all.length - 1 }, (_, i) => [all.subarray(0, i + 1), all.subarray(i + 1)])
  return [[all], sent, Array.from(all, (byte) => Buffer.of(byte)), ...halves]
}

async function write(connection: ScriptedConnection, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    connection.write(chunk)
    await turns(2)
  }
}

/** A client whose first connection is ordinary, and whose later ones begin with the given chunks. */
async function sceneOf(
  { version, qos, ack }: Delivery & { version: Version },
  chunksOf: (n: number) => readonly Buffer[] | undefined,
  options: Partial<Omit<ResilientMqttClientOptions, 'options'>> = {},
) {
  const { server, client } = await scriptedClient({
    version,
    script: (_connection, n) =>
      n === 1
        ? {}
        : {
            steps: [
              { at: 'connect', do: (connection) => void write(connection, chunksOf(n) ?? []) },
              { at: 'pubrec', do: 'ignore' },
            ],
          },
    // With a test clock, no PINGRESP would arrive in time.
    connect: { keepalive: 0 },
    ...options,
  })
  const got: string[] = []
  const handler = (message: Message) => void got.push(message.text())
  if (ack === 'loop') {
    const loop = client.subscribe('a', { qos })
    void (async () => {
      for await (const message of loop) handler(message)
    })()
  } else client.subscribe('a', ack === 'on-receipt' ? handler : async (message) => handler(message), { qos, ack })
  await client.connect()
  return { server, client, got }
}

const acknowledgements = [[], ['puback 7'], ['pubrec 7', 'pubcomp 7']] as const

describe.each(cases)('MQTT version $version, QoS $qos, $ack', ({ version, qos, ack }) => {
  const ways = splits(packets(version, qos))
  const expected = acknowledgements[qos]

  test('delivers and acknowledges packets after the CONNACK once, however the bytes are split', async () => {
    const { server, got } = await sceneOf({ version, qos, ack }, (n) => ways[n - 2])
    for (const [i] of ways.entries()) {
      server.kick()
      await until(() => got.length > i && told(server, i + 2, 'puback', 'pubcomp').length >= Math.min(qos, 1))
      await turns()
      expect(got).toHaveLength(i + 1)
      expect(told(server, i + 2, 'puback', 'pubrec', 'pubcomp')).toEqual(expected)
    }
  })

  test('does the same on the connection of a planned renewal', async () => {
    const clock = createTestClock()
    const { client, server, got } = await sceneOf({ version, qos, ack }, () => ways[0], {
      clock,
      now: () => clock.now(),
      credentials: () => ({ username: 'u', expiresAt: clock.now() + 1_000_000 }),
    })
    const renewed = new Promise((resolve) => client.on('stateChanged', ({ to }) => to === 'connecting' && resolve(to)))
    // Renewed a tenth of their lifetime before they expire.
    await clock.tickAsync(900_000)
    await renewed
    await until(() => got.length === 1 && told(server, 2, 'puback', 'pubcomp').length >= Math.min(qos, 1))
    expect(told(server, 2, 'puback', 'pubrec', 'pubcomp')).toEqual(expected)
  })
})

describe.each(versions)('MQTT version $version', ({ version }) => {
  test.each(['after-handler', 'loop'] as const)(
    'QoS 2, %s: answers a PUBREL after the CONNACK for a message of the previous connection',
    async (ack) => {
      const [connack = Buffer.of(), , pubrel = Buffer.of()] = packets(version, 2)
      const { server, got } = await sceneOf({ version, qos: 2, ack }, () => [Buffer.concat([connack, pubrel])])
      // The first connection ends between PUBREC and PUBREL.
      const [connection] = server.connections
      if (connection) connection.behaviour = { steps: [{ at: 'pubrec', do: 'close' }] }
      server.publish('a', 'm', { qos: 2, messageId: 7 })
      await server.waitFor('pubcomp')
      expect(told(server, 2, 'pubcomp')).toEqual(['pubcomp 7'])
      expect(got).toEqual(['m'])
    },
  )
})
