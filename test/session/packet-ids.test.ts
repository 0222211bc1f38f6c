import { describe, expect, test } from 'vitest'

import { PacketIds } from '../../src/session/outgoing/packet-ids.ts'
import { range } from '../support/range.ts'
import { repetitions } from '../support/repetitions.ts'
import { scriptedClient, sessionIs, told } from '../support/scripted-client.ts'

/** More than there are ids, or enough to come round: the first id is near the end. */
const many = repetitions(10_000, 70_000)

describe('packet ids', () => {
  test('run from 1 to 65,535 and start again, without ids in use and without 0', () => {
    const ids = new PacketIds()
    const all = range(65_535).map(() => ids.allocate())
    expect(new Set(all).size).toBe(65_535)
    expect(Math.min(...(all as number[]).slice(0, 10))).toBe(1)
    expect(ids.allocate()).toBeNull()
    ids.release(42)
    expect(ids.allocate()).toBe(42)
    expect(ids.allocate()).toBeNull()
  })

  test.each([
    [1, [1, 2, 3]],
    [2, [2, 3, 4]],
    [9, [9, 10, 1]],
    [10, [10, 1, 2]],
  ])('begin with %i, and wrap around', (begin, expected) => {
    const ids = new PacketIds(1, 10, begin)
    expect(expected.map(() => ids.allocate())).toEqual(expected)
  })

  test.each([
    [0, 1],
    [0.5, 32_768],
    [1, 65_535],
  ])(
    'begin anywhere, because an earlier process may have left some unfinished: with random %d at %i',
    async (random, id) => {
      const { server, client } = await scriptedClient({ random: () => random })
      await client.connect()
      await client.publish('a', '', { qos: 2 })
      expect(server.received('publish')).toMatchObject([{ messageId: id }])
    },
  )

  test('leave some for SUBSCRIBE and UNSUBSCRIBE', () => {
    const ids = new PacketIds()
    while (ids.available) ids.allocate()
    expect(ids.allocate()).not.toBeNull()
  })

  test(`never collide in ${many} unacknowledged publishes with subscriptions in between`, async () => {
    const { server, client } = await scriptedClient({
      script: sessionIs(true, { puback: false }, {}),
      outbox: { maxMessages: 100_000 },
      random: () => 0.95,
    })
    await client.connect()
    const published = range(many).map((i) => client.publish('a', `${i}`, { qos: 1 }))
    const subscription = client.subscribe('b', () => {})
    await subscription.ready
    expect(client.outbox.inFlight + client.outbox.size).toBe(many)
    server.kick()
    await Promise.all(published)
    for (const n of [1, 2]) {
      const ids = told(server, n, 'publish', 'subscribe').map((line) => line.split(' ').at(n === 1 ? -1 : 2))
      // On the second connection, acknowledged ids are used again.
      if (n === 1) expect(new Set(ids).size).toBe(ids.length)
    }
    const resent = told(server, 2, 'publish').map((line) => line.split(' ')[1])
    expect(resent).toEqual(range(many).map(String))
  })
})
