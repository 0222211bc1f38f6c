import { describe, expect, test } from 'vitest'

import { documentedBatchSize } from '../../src/config/known-servers.ts'
import { BatchSizes } from '../../src/session/subscriptions/batch-sizes.ts'
import { turns } from '../support/event-loop.ts'
import { clockedClient, type Objection, objectingBroker } from '../support/objecting-broker.ts'
import { range } from '../support/range.ts'
import { told, versions } from '../support/scripted-client.ts'

const HOUR = 3_600_000

const objections: readonly { readonly how: Objection }[] = [{ how: 'close' }, { how: 'reset' }]

describe.each(versions)('MQTT version $version, a broker that closes on more than 8 filters', ({ version }) => {
  test.each(objections)(
    '$how: costs two connections, and none later; then 8 filters go into a packet',
    async ({ how }) => {
      const script = objectingBroker({ subscribe: (filters) => filters.length > 8, how, present: false })
      const { server, client, until, connect } = await clockedClient({ version, script })
      for (const i of range(40)) client.subscribe(`f/${i}`, () => {})
      await connect()
      expect(told(server, 3, 'subscribe')).toHaveLength(5)
      for (const n of [4, 5]) {
        server.kick()
        await until(() => server.connections.length === n && client.status.subscriptions.held === 40)
        expect(told(server, n, 'subscribe')).toHaveLength(5)
      }
      await turns(50)
      expect(server.connections).toHaveLength(5)
    },
  )

  test('gets no larger UNSUBSCRIBE either', async () => {
    const script = objectingBroker({ subscribe: (filters) => filters.length > 8, present: false })
    const { server, client, until, connect } = await clockedClient({ version, script })
    const subscriptions = range(40).map((i) => client.subscribe(`f/${i}`, () => {}))
    await connect()
    for (const subscription of subscriptions) subscription.unsubscribe()
    await until(() => server.received('unsubscribe').length === 5)
    expect(server.received('unsubscribe').map(({ unsubscriptions }) => unsubscriptions.length)).toEqual([8, 8, 8, 8, 8])
    expect(server.connections).toHaveLength(3)
  })
})

test('an UNSUBSCRIBE on which the broker closes is halved', async () => {
  const { server, client, until, connect } = await clockedClient({
    script: (_, n) => ({
      connack: { sessionPresent: n > 1 },
      steps: [
        {
          at: 'unsubscribe',
          do: (connection, { unsubscriptions, messageId = 0 }) => {
            if (unsubscriptions.length > 8) connection.close()
            else connection.send({ cmd: 'unsuback', messageId, granted: unsubscriptions.map(() => 0) })
          },
        },
      ],
    }),
  })
  await connect()
  const subscriptions = range(20).map((i) => client.subscribe(`f/${i}`, () => {}, { qos: (i % 3) as 0 | 1 | 2 }))
  await until(() => client.status.subscriptions.held === 20)
  for (const subscription of subscriptions) subscription.unsubscribe()
  await until(() => server.connections.length === 2 && client.isConnected)
  // It is left out on one connection, because the broker may close on any UNSUBSCRIBE.
  server.kick()
  await until(() => server.received('unsubscribe').length === 4)
  expect(server.received('unsubscribe').map(({ unsubscriptions }) => unsubscriptions.length)).toEqual([20, 8, 8, 4])
  expect(server.connections).toHaveLength(3)
})

describe('documented limits', () => {
  test.each([
    ['mqtts://a1b2-ats.iot.eu-west-1.amazonaws.com:8883', 8],
    ['wss://A1B2.iot.us-gov-west-1.amazonaws.com:443', 8],
    ['mqtts://data.iot-fips.us-east-1.amazonaws.com:8883', 8],
    ['mqtts://a1b2.ats.iot.cn-north-1.amazonaws.com.cn:8883', 8],
    ['mqtts://iot.eu-west-1.amazonaws.com.example.org:8883', undefined],
    ['mqtts://b-1.mq.eu-west-1.amazonaws.com:8883', undefined],
    ['mqtt://[::1]:1883', undefined],
  ])('%s: %s', (server, expected) => {
    expect(documentedBatchSize(server)).toBe(expected)
  })
})

const AWS = 'mqtts://a1b2-ats.iot.eu-west-1.amazonaws.com:8883'

function scene(batchSize?: number, server = 'mqtt://a:1883') {
  let now = 0
  const sizes = new BatchSizes({ batchSize, time: () => now })
  sizes.attached(server)
  return { sizes, pass: (time: number) => (now += time) }
}

describe('how many filters go into one packet', () => {
  test.each([
    { option: undefined, server: 'mqtt://a:1883', size: 100 },
    { option: undefined, server: AWS, size: 8 },
    { option: 20, server: AWS, size: 20 },
    { option: 20, server: 'mqtt://a:1883', size: 20 },
  ])('option $option, $server: $size at first', ({ option, server, size }) => {
    expect(scene(option, server).sizes.size).toBe(size)
  })

  test.each([
    { closes: [40], size: 16 },
    { closes: [100, 32, 16], size: 8 },
    { closes: [3], size: 1 },
    { closes: [1], size: 100 },
    { closes: [0], size: 100 },
  ])('after closes on $closes: $size', ({ closes, size }) => {
    const { sizes } = scene()
    for (const count of closes) sizes.closed(count)
    expect(sizes.size).toBe(size)
  })

  test('never fewer than the server has answered', () => {
    const { sizes } = scene()
    sizes.answered(30)
    sizes.closed(40)
    expect(sizes.size).toBe(30)
    sizes.closed(30)
    sizes.closed(20)
    expect(sizes.size).toBe(30)
  })

  test('is not blamed for a close on no more than the server has answered', () => {
    const { sizes } = scene()
    sizes.closed(40)
    sizes.answered(16)
    sizes.closed(0)
    expect(sizes.isBlamed).toBe(true)
    sizes.closed(16)
    expect(sizes).toMatchObject({ size: 16, isBlamed: false })
  })

  test('is remembered for each server', () => {
    const { sizes } = scene()
    sizes.closed(40)
    sizes.answered(16)
    sizes.attached('mqtt://b:1883')
    expect(sizes.size).toBe(100)
    sizes.closed(12)
    sizes.attached('mqtt://a:1883')
    expect(sizes.size).toBe(16)
    sizes.closed(16)
    expect(sizes.size).toBe(16)
  })

  test('is as before if a single filter was the cause', () => {
    const { sizes } = scene()
    for (const count of [8, 4, 2, 1]) sizes.closed(count)
    sizes.exonerate()
    expect(sizes).toMatchObject({ size: 100, isBlamed: false })
  })

  test('stays if a single filter is a cause later', () => {
    const { sizes } = scene()
    sizes.closed(40)
    sizes.answered(16)
    sizes.exonerate()
    expect(sizes).toMatchObject({ size: 16, isBlamed: false })
  })

  test('is tested once more on a connection an hour later, and then proven', () => {
    const { sizes, pass } = scene()
    sizes.closed(40)
    sizes.closed(16)
    sizes.answered(8)
    pass(HOUR - 1)
    sizes.attached('mqtt://a:1883')
    expect(sizes.size).toBe(8)
    pass(1)
    sizes.attached('mqtt://a:1883')
    expect(sizes.size).toBe(16)
    sizes.closed(16)
    expect(sizes.size).toBe(8)
    pass(100 * HOUR)
    sizes.attached('mqtt://a:1883')
    expect(sizes.size).toBe(8)
  })

  test('is as before if the server answers as many as it had refused', () => {
    const { sizes, pass } = scene()
    sizes.closed(40)
    sizes.answered(16)
    pass(HOUR)
    sizes.attached('mqtt://a:1883')
    sizes.answered(40)
    expect(sizes.size).toBe(100)
  })
})
