import { describe, expect, test } from 'vitest'

import { runtimeOf } from '../../src/client.ts'
import { InvalidOptionError, SubscriptionRefusedError } from '../../src/index.ts'
import type { ScriptedServer } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { scriptedClient } from '../support/scripted-client.ts'

const nothing = () => {}

const [a, b] = [{ tenant: 'a' }, { tenant: ['b', 'c'] }] as const

/** The filters and the user properties of each SUBSCRIBE of a connection. */
function subscribes(server: ScriptedServer, n = 1): (readonly [filters: string, userProperties: unknown])[] {
  const packets = server.connections[n - 1]?.received('subscribe') ?? []
  return packets.map(({ subscriptions, properties }) => {
    return [subscriptions.map(({ topic }) => topic).join(' '), { ...properties?.userProperties }]
  })
}

describe('user properties of a SUBSCRIBE', () => {
  test('are sent, in a packet for each set of them, and again when the subscriptions are restored', async () => {
    const { server, client } = await scriptedClient({ version: 5 })
    client.subscribe('1', nothing, { userProperties: a })
    client.subscribe('2', nothing)
    client.subscribe('3', nothing, { userProperties: { ...a } })
    client.subscribe('4', nothing, { userProperties: b })
    await client.connect()
    const expected = [
      ['1 3', a],
      ['2', {}],
      ['4', b],
    ]
    expect(subscribes(server)).toEqual(expected)
    server.kick()
    await until(() => subscribes(server, 2).length === 3)
    expect(subscribes(server, 2)).toEqual(expected)
  })

  test('are not sent on MQTT 3.1.1, which has none', async () => {
    const { server, client } = await scriptedClient({ version: 4 })
    await Promise.all([client.subscribe('1', nothing, { userProperties: a }).ready, client.connect()])
    expect(subscribes(server)).toEqual([['1', {}]])
  })

  test('are those of the newest subscription to a filter that has some', async () => {
    const { server, client } = await scriptedClient({ version: 5 })
    await client.connect()
    await client.subscribe('1', nothing, { userProperties: a }).ready
    const other = client.subscribe('1', () => {}, { userProperties: b })
    await other.ready
    await client.subscribe('1', () => {}).ready
    other.unsubscribe()
    expect(subscribes(server)).toEqual([
      ['1', a],
      ['1', b],
      ['1', b],
    ])
    server.kick()
    await until(() => subscribes(server, 2).length === 1)
    expect(subscribes(server, 2)).toEqual([['1', a]])
  })

  test('belong to the options by which the same handler is known', async () => {
    const { server, client } = await scriptedClient({ version: 5 })
    await client.connect()
    const first = client.subscribe('1', nothing, { userProperties: b })
    expect(client.subscribe('1', nothing, { userProperties: { ...b } })).toBe(first)
    expect(client.subscribe('1', nothing, { userProperties: a })).not.toBe(first)
    await first.ready
    expect(subscribes(server)).toEqual([['1', a]])
  })

  test('count towards the Maximum Packet Size', async () => {
    const connack = { properties: { maximumPacketSize: 100 } }
    const { server, client } = await scriptedClient({ version: 5, script: { connack } })
    await client.connect()
    const userProperties = { large: 'x'.repeat(60) }
    const subscriptions = ['1', '2', '3'].map((n) => client.subscribe(n.repeat(8), nothing, { userProperties }))
    await Promise.all(subscriptions.map(({ ready }) => ready))
    expect(subscribes(server).map(([filters]) => filters)).toEqual(['11111111 22222222', '33333333'])
    const { ready } = client.subscribe('1', nothing, { userProperties: { large: 'x'.repeat(90) } })
    await expect(ready).rejects.toMatchObject({ reasonCode: 0x95, limit: 'maximumPacketSize' })
    await expect(ready).rejects.toThrow(SubscriptionRefusedError)
  })

  test('of an UNSUBSCRIBE count, too, and are left out if they are too large', async () => {
    const connack = { properties: { maximumPacketSize: 100 } }
    const { server, client } = await scriptedClient({ version: 5, script: { connack } })
    await client.connect()
    const { session } = runtimeOf(client)
    const leave = (filter: string, userProperties: { readonly large: string }) =>
      new Promise<void>((resolve) => session.leave(filter, resolve, userProperties))
    const userProperties = { large: 'x'.repeat(60) }
    const left = ['1', '2', '3'].map((n) => leave(n.repeat(8), userProperties))
    await Promise.all([...left, leave('4', { large: 'x'.repeat(90) })])
    const sent = server.received('unsubscribe').map(({ unsubscriptions, properties }) => {
      return [unsubscriptions.join(' '), { ...properties?.userProperties }]
    })
    expect(sent).toEqual([
      ['11111111 22222222', userProperties],
      ['33333333', userProperties],
      ['4', {}],
    ])
  })

  test.each([[1], [{ tenant: 1 }], [{ tenant: 'a\u0000' }]])('must not be %j', async (userProperties) => {
    const { client } = await scriptedClient({ version: 5 })
    expect(() => client.subscribe('1', nothing, { userProperties: userProperties as never })).toThrow(
      InvalidOptionError,
    )
  })
})
