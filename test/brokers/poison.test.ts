import { afterAll, describe, expect, test } from 'vitest'

import type { Mosquitto } from '../../measure/lab/mosquitto.ts'
import type { ResilientMqttClientOptions } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { startClient } from '../support/recorded-client.ts'
import { protocolVersions } from '../support/servers.ts'

const MAX_PACKET_SIZE = 1_000

const soon = {
  reconnect: { initialDelay: 20, maxDelay: 100, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
  quarantine: { after: 400, initialDelay: 200, maxDelay: 300 },
} as const satisfies Partial<ResilientMqttClientOptions>

describe.skipIf(!installed)(`mosquitto with max_packet_size${installed ? '' : ` (${howToInstall})`}`, () => {
  const running = new Set<Mosquitto>()
  const start = async () => {
    const mosquitto = await startMosquitto({ config: [`max_packet_size ${MAX_PACKET_SIZE}`] })
    running.add(mosquitto)
    return mosquitto
  }
  afterAll(async () => {
    await Promise.all([...running].map((mosquitto) => mosquitto[Symbol.asyncDispose]()))
  })

  describe.each(protocolVersions)('MQTT %i', (protocolVersion) => {
    // On MQTT 3.1.1 mosquitto resets the connection; on MQTT 5 it announces the limit in the CONNACK.
    const refused = protocolVersion === 5 ? 'NotSupportedByBrokerError' : 'PoisonPacketError'

    test.each([
      { qos: 1, clean: false },
      { qos: 2, clean: false },
      { qos: 1, clean: true },
      { qos: 2, clean: true },
    ] as const)(
      'delivers 399 of 400 publishes if one of QoS $qos is too large, clean: $clean',
      async ({ qos, clean }) => {
        const broker = await start()
        const options = { protocolVersion, clean, clientId: `poison-${qos}` }
        const { client } = startClient({ ...soon, url: broker.url, options })
        const settled: string[] = []
        for (let i = 0; i < 400; i++) {
          const payload = i === 150 ? 'x'.repeat(2 * MAX_PACKET_SIZE) : `${i}`
          void client.publish('a', payload, { qos }).then(
            () => settled.push('done'),
            (error: Error) => settled.push(error.name),
          )
        }
        await client.connect()
        await until(() => settled.filter((each) => each === 'done').length === 399, '399 are delivered')
        expect(client.status.counters.connects).toBeLessThan(12)
        // Other publishes must go through meanwhile.
        await until(() => {
          if (client.outbox.size === 0) void client.publish('a', '', { qos: 1 }).catch(() => {})
          return settled.includes(refused)
        }, 'it is proven')
        await broker.down()
      },
    )

    test('holds all 100 filters although one SUBSCRIBE with all of them is too large', async () => {
      const broker = await start()
      const { client } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      for (let i = 0; i < 100; i++) client.subscribe(`building/floor/room/${i}/temperature`, () => {})
      await client.connect()
      expect(client.status.subscriptions).toEqual({ wanted: 100, held: 100, refused: 0, suspended: 0, paused: 0 })
      await broker.down()
    })

    test('holds 99 of 100 filters if one is too large', async () => {
      const broker = await start()
      const { client } = startClient({ ...soon, url: broker.url, options: { protocolVersion } })
      for (let i = 0; i < 99; i++) client.subscribe(`f/${i}`, () => {})
      client.subscribe('x'.repeat(2 * MAX_PACKET_SIZE), () => {})
      await client.connect()
      await until(() => client.status.subscriptions.held === 99, '99 are held')
      const { refused: rejected, suspended } = client.status.subscriptions
      expect([rejected, suspended]).toEqual(protocolVersion === 5 ? [1, 0] : [0, 1])
      await broker.down()
    })
  })
})
