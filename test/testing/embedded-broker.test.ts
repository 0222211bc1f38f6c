import { describe, expect, test } from 'vitest'

import {
  createEmbeddedBroker,
  createTestClock,
  createTokenAuthority,
  type EmbeddedBroker,
  type PublishedMessage,
} from '../../testing/index.ts'
import { startBroker } from '../support/servers.ts'
import { connect, connected, next } from './mqttjs-client.ts'

describe('createEmbeddedBroker', () => {
  test.each<[string, (broker: EmbeddedBroker) => string]>([
    ['TCP', (broker) => broker.url],
    ['WebSocket', (broker) => broker.wsUrl],
  ])('carries messages over %s and counts them', async (_, urlOf) => {
    const broker = await startBroker({ webSocket: true })
    const messages: PublishedMessage[] = []
    const off = broker.onPublish((message) => messages.push(message))
    const client = await connected(urlOf(broker))
    expect(broker.clients).toBe(1)

    await client.subscribeAsync('down/#', { qos: 1 })
    const down = next(client, 'message')
    await broker.publish('down/a', 'hello', { qos: 1 })
    expect((await down).slice(0, 2)).toEqual(['down/a', Buffer.from('hello')])

    for (const qos of [0, 1, 2] as const) await client.publishAsync('up/a', `qos ${qos}`, { qos })
    off()
    await client.publishAsync('up/a', 'unheard', { qos: 1 })
    expect(messages.map(({ payload, qos, clientId }) => [String(payload), qos, clientId])).toEqual([
      ['qos 0', 0, 'test'],
      ['qos 1', 1, 'test'],
      ['qos 2', 2, 'test'],
    ])
    expect(broker.published).toBe(4)
  })

  test('an outage: stop kills every socket, start takes the same port without sessions', async () => {
    const broker = await startBroker({ webSocket: true })
    const { url, wsUrl } = broker
    const session = {
      clean: false,
      clientId: 'persistent',
      will: { topic: 'up/will', payload: 'dead', qos: 0 as const },
    }
    const first = connect(url, session)
    const second = connect(wsUrl)
    await Promise.all([next(first.client, 'connect'), next(second.client, 'connect')])
    await first.client.subscribeAsync('a', { qos: 1 })

    await Promise.all([broker.stop(), broker.stop(), first.closed, second.closed])
    expect([broker.running, broker.clients, broker.published]).toEqual([false, 0, 0])
    const refused = connect(url)
    await refused.closed
    expect(refused.events).toEqual(['error ECONNREFUSED', 'close'])
    await expect(broker.publish('a', 'b')).rejects.toThrow('call start() first')

    await Promise.all([broker.start(), broker.start()])
    expect([broker.running, broker.url, broker.wsUrl]).toEqual([true, url, wsUrl])
    const { client } = connect(url, session)
    const [connack] = await next(client, 'connect')
    expect(connack.sessionPresent).toBe(false)
  })

  test('kicks one client, or all', async () => {
    const broker = await startBroker()
    const clients = ['a', 'b', 'c'].map((clientId) => connect(broker.url, { clientId }))
    await Promise.all(clients.map(({ client }) => next(client, 'connect')))
    expect(broker.kick('nobody')).toBe(0)
    expect(broker.kick('b')).toBe(1)
    await clients[1]?.closed
    expect(clients.map(({ client }) => client.connected)).toEqual([true, false, true])
    expect(broker.kick()).toBe(2)
    await Promise.all(clients.map(({ closed }) => closed))
    expect(broker.clients).toBe(0)
  })

  test.each([
    [4, 4],
    [5, 5],
    [undefined, 5],
  ] as const)('refuses expired credentials with return code %s', async (refusal, returnCode) => {
    const clock = createTestClock()
    const authority = createTokenAuthority({ lifetime: 1_000, now: clock.now })
    const broker = await startBroker({
      authenticate: (username, password) => username === 'device' && authority.check(password),
      ...(refusal && { refusal }),
    })
    const { password } = authority.issue()
    await connected(broker.url, { username: 'device', password })

    clock.tick(1_000)
    for (const credentials of [{ username: 'device', password }, { username: 'device' }, {}]) {
      const { events, closed } = connect(broker.url, { clientId: 'late', ...credentials })
      await closed
      expect(events).toEqual([`error ${returnCode}`, 'close'])
    }
    await connected(broker.url, { clientId: 'fresh', username: 'device', password: authority.issue().password })
    expect(broker.clients).toBe(2)
  })

  test('an IPv6 address stands in brackets in its URLs', async ({ skip }) => {
    await using broker = await createEmbeddedBroker({ host: '::1', webSocket: true }).catch(() => skip('no IPv6 here'))
    await connected(broker.url)
    expect(new URL(broker.wsUrl).hostname).toBe('[::1]')
  })

  test('wsUrl needs the option', async () => {
    const broker = await startBroker()
    expect(() => broker.wsUrl).toThrow('webSocket')
  })
})
