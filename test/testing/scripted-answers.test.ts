import type { IClientOptions, MqttClient } from 'mqtt'
import { describe, expect, test } from 'vitest'

import type { Behaviour } from '../../testing/index.ts'
import { startServer, protocolVersions } from '../support/servers.ts'
import { connect, connected, next } from './mqttjs-client.ts'

describe('answers', () => {
  async function outcomes(client: MqttClient, topics: string[], qos: 1 | 2 = 1) {
    const settled = await Promise.allSettled(topics.map((topic) => client.publishAsync(topic, '', { qos })))
    return settled.map((result) => (result.status === 'fulfilled' ? 0 : Number(result.reason.code)))
  }

  test.each([1, 2] as const)('carry a reason code by topic at QoS %i', async (qos) => {
    const server = await startServer({ script: { puback: { 'poison/#': 0x99, 'full/+/x': 0x97 } } })
    const client = await connected(server.url, { protocolVersion: 5 })
    const topics = ['fine', 'poison', 'poison/a/b', 'full/1/x', 'full/1/y']
    expect(await outcomes(client, topics, qos)).toEqual([0, 0x99, 0x99, 0x97, 0])
  })

  test('carry the reason code that a function returns', async () => {
    const server = await startServer({ script: { puback: ({ payload }) => (payload.length > 0 ? 0x87 : 0) } })
    const client = await connected(server.url, { protocolVersion: 5 })
    expect(await outcomes(client, ['a'])).toEqual([0])
    await expect(client.publishAsync('a', 'long', { qos: 1 })).rejects.toMatchObject({ code: 0x87 })
  })

  test.each<[string, Behaviour]>([
    ['for all topics', { puback: false }],
    ['for one topic', { puback: { lost: false } }],
    ['because of a step', { steps: [{ at: 'publish', topic: 'lost', do: 'ignore' }] }],
  ])('are missing: %s', async (_, script) => {
    const server = await startServer({ script })
    const client = await connected(server.url)
    let acked = false
    client.publish('lost', '', { qos: 1 }, () => (acked = true))
    await server.waitFor('publish')
    await client.subscribeAsync('a')
    expect(acked).toBe(false)
  })

  test('are delayed independently of each other', async () => {
    let answers = 0
    let waited: number | undefined
    let began = 0
    const puback = () => {
      waited ??= performance.now() - began
      answers++
      return 0
    }
    const server = await startServer({ script: { delay: 20, puback } })
    const client = await connected(server.url)
    const topics = Array.from({ length: 50 }, (_, i) => `t/${i}`)
    began = performance.now()
    const published = outcomes(client, topics)
    await server.waitFor('publish', { count: 50 })
    // Node runs timers in the order in which they end, however slow the machine is: this one after those of the answers.
    await new Promise((resolve) => setTimeout(resolve, 25))
    expect(answers).toBe(50)
    // A timer may be early by less than a millisecond.
    expect(waited).toBeGreaterThan(19)
    expect(await published).toEqual(topics.map(() => 0))
  })

  test.each(protocolVersions)('refuse some filters of a SUBSCRIBE in version %i', async (protocolVersion) => {
    const server = await startServer({ script: { suback: { 'secret/#': 0x87, 'one/+': 1 } } })
    const client = await connected(server.url, { protocolVersion })
    const suback = new Promise<unknown>((resolve) => {
      client.on('packetreceive', (packet) => packet.cmd === 'suback' && resolve(packet.granted))
    })
    client.subscribe({ a: { qos: 2 }, 'secret/#': { qos: 2 }, 'one/+': { qos: 2 } })
    expect(await suback).toEqual([2, protocolVersion === 5 ? 0x87 : 0x80, 1])
  })

  test('can be left out for a SUBSCRIBE', async () => {
    const server = await startServer({ script: { suback: false } })
    const client = await connected(server.url)
    let subacked = false
    client.subscribe('a', () => (subacked = true))
    await server.waitFor('subscribe')
    await client.publishAsync('a', '', { qos: 1 })
    expect(subacked).toBe(false)
  })

  test('can be left out for a PINGREQ', async () => {
    const server = await startServer({ script: { pingresp: false } })
    const { events, closed } = connect(server.url, { keepalive: 1 })
    await closed
    expect(events).toEqual(['connect', 'error Keepalive timeout', 'close'])
    expect(server.received('pingreq')).toHaveLength(1)
  })
})

describe('scripts', () => {
  const results = async (url: string, times: number) => {
    const seen: string[] = []
    for (let i = 0; i < times; i++) {
      const { client, events } = connect(url, { clientId: `c${i}` })
      await Promise.race([next(client, 'connect'), next(client, 'error')])
      seen.push(String(events[0]))
    }
    return seen
  }
  const refuse = (reasonCode: number): Behaviour => ({ connack: { reasonCode } })

  test('a list has one entry for each connection, and its last entry is repeated', async () => {
    const server = await startServer({ script: [refuse(3), refuse(5), {}] })
    expect(await results(server.url, 4)).toEqual(['error 3', 'error 5', 'connect', 'connect'])
  })

  test('a function chooses the behaviour by the number of the connection', async () => {
    const server = await startServer({ script: (connection, n) => (n % 2 ? refuse(n) : {}) })
    expect(await results(server.url, 4)).toEqual(['error 1', 'connect', 'error 3', 'connect'])
  })

  test('a new script starts with its first entry', async () => {
    const server = await startServer({ script: [refuse(3), {}] })
    expect(await results(server.url, 3)).toEqual(['error 3', 'connect', 'connect'])
    server.setScript([refuse(5), {}])
    expect(await results(server.url, 2)).toEqual(['error 5', 'connect'])
  })

  test('the behaviour of a live connection can be replaced', async () => {
    const server = await startServer({ script: { puback: false } })
    const client = await connected(server.url)
    let acked = false
    client.publish('first', '', { qos: 1 }, () => (acked = true))
    await server.waitFor('publish')
    server.current!.behaviour = {}
    await client.publishAsync('second', '', { qos: 1 })
    expect(acked).toBe(false)
  })

  test.each<IClientOptions>([{ protocolVersion: 4 }, { protocolVersion: 5 }])(
    'each connection can be reset at the same step: %j',
    async (options) => {
      const server = await startServer({ script: { steps: [{ at: 'subscribe', do: 'reset' }] } })
      for (let i = 1; i <= 5; i++) {
        const { client, closed } = connect(server.url, options)
        client.subscribe('a')
        await closed
        await server.waitFor(() => server.openSockets === 0 && server.connections.length === i)
      }
      expect(server.received('subscribe')).toHaveLength(5)
    },
  )
})
