import { describe, expect, test } from 'vitest'

import type { Message } from '../../src/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, told, versions } from '../support/scripted-client.ts'

describe.each(versions)('messages in a loop, MQTT version $version', ({ version }) => {
  test('come in order, and are acknowledged when the loop requests the next one', async () => {
    const { server, client } = await scriptedClient({ version })
    const loop = client.subscribe('a', { qos: 1 })[Symbol.asyncIterator]()
    await client.connect()
    for (const i of range(3)) server.publish('a', `${i}`, { qos: 1 })
    for (const i of range(3)) {
      const { value } = await loop.next()
      expect(value?.text()).toBe(`${i}`)
      if (i > 0) await server.waitFor('puback', { count: i })
      await turns()
      expect(told(server, 1, 'puback')).toHaveLength(i)
    }
    const last = loop.next()
    await server.waitFor('puback', { count: 3 })
    await loop.return?.()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  test('drop and count the oldest of QoS 0 beyond bufferSize, but never those of QoS 1', async () => {
    const { server, client } = await scriptedClient({ version })
    const subscription = client.subscribe('a', { qos: 1, bufferSize: 2 })
    await client.connect()
    for (const i of range(5)) server.publish('a', `zero ${i}`)
    for (const i of range(5)) server.publish('a', `one ${i}`, { qos: 1 })
    await until(() => subscription.dropped === 3)
    const got: string[] = []
    for await (const message of subscription) {
      got.push(message.text())
      if (got.length === 7) break
    }
    expect(got).toEqual(['zero 3', 'zero 4', ...range(5).map((i) => `one ${i}`)])
    expect(subscription.dropped).toBe(3)
  })

  test("drop QoS 1 messages too with ack: 'on-receipt', because nothing else limits them", async () => {
    const { server, client } = await scriptedClient({ version })
    const subscription = client.subscribe('a', { qos: 1, bufferSize: 2, ack: 'on-receipt' })
    await client.connect()
    for (const i of range(5)) server.publish('a', `${i}`, { qos: 1 })
    await server.waitFor('puback', { count: 5 })
    expect(subscription.dropped).toBe(3)
  })

  test.each(['break', 'throw', 'return'] as const)(
    'end with the subscription at %s, without holding an acknowledgement back',
    async (how) => {
      const { server, client } = await scriptedClient({ version })
      const subscription = client.subscribe('a', { qos: 1 })
      client.subscribe('b', () => {}, { qos: 1 })
      await client.connect()
      for (const i of range(3)) server.publish('a', `${i}`, { qos: 1 })
      server.publish('b', '', { qos: 1 })
      const first = async (): Promise<Message | undefined> => {
        for await (const message of subscription) {
          if (how === 'throw') throw new Error('enough')
          if (how === 'return') return message
          break
        }
      }
      await first().catch(() => {})
      await server.waitFor('unsubscribe')
      await server.waitFor('puback', { count: 4 })
      expect(client.status.subscriptions.wanted).toBe(1)
    },
  )

  test('are shared by several loops, each of which acknowledges its own', async () => {
    const { server, client } = await scriptedClient({ version })
    const subscription = client.subscribe('a', { qos: 1 })
    const [one, two] = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()]
    await client.connect()
    const [first, second] = [one.next(), two.next()]
    for (const i of range(3)) server.publish('a', `${i}`, { qos: 1 })
    expect([(await first).value?.text(), (await second).value?.text()]).toEqual(['0', '1'])
    const third = await two.next()
    expect(third.value?.text()).toBe('2')
    await turns()
    // The first loop is still processing the first message.
    expect(told(server, 1, 'puback')).toEqual([])
    const waiting = one.next()
    await server.waitFor('puback', { count: 2 })
    await two.return?.()
    expect(await isPending(waiting)).toBe(true)
    server.publish('a', '3', { qos: 1 })
    expect((await waiting).value?.text()).toBe('3')
    expect(client.status.subscriptions.wanted).toBe(1)
    await one.return?.()
    await server.waitFor('puback', { count: 4 })
    expect(client.status.subscriptions.wanted).toBe(0)
  })

  test.each([
    ['unsubscribe()', 'unsubscribe'],
    ['dispose', 'dispose'],
  ] as const)('%s ends the loop, after what is queued', async (_what, how) => {
    const { server, client } = await scriptedClient({ version })
    const subscription = client.subscribe('a')
    await client.connect()
    for (const i of range(3)) server.publish('a', `${i}`)
    server.publish('other', '', { qos: 1 })
    await server.waitFor('puback')
    if (how === 'unsubscribe') subscription.unsubscribe()
    else await client[Symbol.asyncDispose]()
    const got: string[] = []
    for await (const message of subscription) got.push(message.text())
    expect(got).toEqual(['0', '1', '2'])
  })

  test('are not held back by a loop that never starts, once the subscription ends', async () => {
    const { server, client } = await scriptedClient({ version })
    const subscription = client.subscribe('a', { qos: 1 })
    await client.connect()
    server.publish('a', '', { qos: 1 })
    server.publish('other', '', { qos: 1 })
    await turns(20)
    expect(told(server, 1, 'puback')).toEqual([])
    subscription.unsubscribe()
    await server.waitFor('puback', { count: 2 })
  })

  test('end when the subscription is refused', async () => {
    const { client } = await scriptedClient({ version: 5, script: { suback: 0x8f } })
    const subscription = client.subscribe('a')
    void client.connect()
    const got: Message[] = []
    for await (const message of subscription) got.push(message)
    expect(got).toEqual([])
    await expect(subscription.ready).rejects.toMatchObject({ name: 'SubscriptionRefusedError' })
  })
})
