import type { ISubscription } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import {
  InvalidOptionError,
  type ResilientMqttClient,
  type SubscribeOptions,
  SubscriptionRefusedError,
} from '../../src/index.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { nameOf, outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, syncState, told, versions } from '../support/scripted-client.ts'

const nothing = () => {}

/** The filters of each SUBSCRIBE of a connection. */
function filters(server: ScriptedServer, n = 1): string[][] {
  const subscribes = server.connections[n - 1]?.received('subscribe') ?? []
  return subscribes.map(({ subscriptions }) => subscriptions.map(({ topic }) => topic))
}

function isRefused(client: ResilientMqttClient): boolean {
  return typeof syncState(client) === 'object' && Object.hasOwn(syncState(client) as object, 'refused')
}

function unsubscribed(server: ScriptedServer, n = 1): string[] {
  return server.connections[n - 1]?.received('unsubscribe').flatMap(({ unsubscriptions }) => unsubscriptions) ?? []
}

describe.each(versions)('subscriptions, MQTT version $version', ({ version }) => {
  test('are restored in batches, with progress', async () => {
    const { server, client } = await scriptedClient({ version, subscriptions: { batchSize: 40 } })
    const progress: unknown[] = []
    client.on('restoring', (event) => progress.push(event))
    client.on('restored', (event) => progress.push(event))
    for (const i of range(100)) client.subscribe(`a/${i}`, nothing)
    await client.connect()
    expect(filters(server).map(({ length }) => length)).toEqual([40, 40, 20])
    expect(filters(server).flat()).toEqual(range(100).map((i) => `a/${i}`))
    expect(progress).toEqual([
      { done: 40, total: 100 },
      { done: 80, total: 100 },
      { done: 100, total: 100 },
      { restored: 100, refused: 0 },
    ])
    expect(client.status.subscriptions).toMatchObject({ wanted: 100, held: 100, refused: 0 })
  })

  test.each([
    ['skip', true, []],
    ['always', true, [['a', 'b']]],
    ['skip', false, [['a', 'b']]],
  ] as const)('onSessionPresent %s, session present: %s', async (onSessionPresent, present, expected) => {
    const { server, client } = await scriptedClient({
      version,
      script: sessionIs(present),
      subscriptions: { onSessionPresent },
    })
    for (const filter of ['a', 'b']) client.subscribe(filter, nothing)
    await client.connect()
    const again = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await again
    expect(filters(server, 2)).toEqual(expected)
    expect(client.status.subscriptions.held).toBe(2)
  })

  test('send one SUBSCRIBE and one UNSUBSCRIBE for several handlers of a filter', async () => {
    const { server, client } = await scriptedClient({ version })
    const received: string[] = []
    const first = client.subscribe('a', () => received.push('first'))
    await client.connect()
    const second = client.subscribe('a', () => received.push('second'), { retainHandling: 2 })
    expect(await Promise.all([first.ready, second.ready])).toEqual([0, 0])
    server.publish('a', '')
    await until(() => received.length > 0)
    expect(received).toEqual(['first', 'second'])
    first.unsubscribe()
    first.unsubscribe()
    second.unsubscribe()
    await server.waitFor('unsubscribe')
    await turns()
    expect(filters(server)).toEqual([['a']])
    expect(unsubscribed(server)).toEqual(['a'])
    expect(client.status.subscriptions).toMatchObject({ wanted: 0, held: 0, refused: 0 })
  })

  test('grant a handler that joins before the SUBACK', async () => {
    const { server, client } = await scriptedClient({ version, script: { suback: false } })
    await client.connect()
    const first = client.subscribe('a', nothing)
    const { messageId = 0 } = await server.waitFor('subscribe')
    const second = client.subscribe('a', () => {}, { retainHandling: 2 })
    server.send({ cmd: 'suback', messageId, granted: [0] })
    expect(await Promise.all([first.ready, second.ready])).toEqual([0, 0])
    await turns()
    expect(filters(server)).toEqual([['a']])
  })

  test('subscribe again for a handler with a higher QoS, while earlier handlers continue', async () => {
    const { server, client } = await scriptedClient({ version })
    const first = client.subscribe('a', nothing)
    await client.connect()
    const second = client.subscribe('a', nothing, { qos: 2 })
    expect([await first.ready, await second.ready]).toEqual([0, 2])
    expect(server.received('subscribe').map(({ subscriptions }) => subscriptions[0]?.qos)).toEqual([0, 2])
  })

  test('pass a message once to each matching handler of overlapping filters', async () => {
    const { server, client } = await scriptedClient({ version })
    const received: string[] = []
    for (const filter of ['a/b', 'a/+', 'a/#', '#', 'c', '+/b', '$share/g/a/b', '$SYS/#']) {
      client.subscribe(filter, () => received.push(filter))
    }
    await client.connect()
    server.publish('a/b', '')
    await until(() => received.length > 0)
    expect(received.toSorted()).toEqual(['#', '$share/g/a/b', '+/b', 'a/#', 'a/+', 'a/b'])
    received.length = 0
    server.publish('$SYS/x', '')
    await until(() => received.length > 0)
    expect(received).toEqual(['$SYS/#'])
  })

  test('send an UNSUBSCRIBE after unsubscribe, subscribe and unsubscribe while offline', async () => {
    const { server, client } = await scriptedClient({ version, script: sessionIs(true) })
    const first = client.subscribe('a', nothing)
    await client.connect()
    server.kick()
    await new Promise((resolve) => client.on('connectionInterrupted', resolve))
    first.unsubscribe()
    client.subscribe('a', nothing).unsubscribe()
    await until(() => unsubscribed(server, 2).length > 0)
    expect(unsubscribed(server, 2)).toEqual(['a'])
    expect(filters(server, 2)).toEqual([])
  })

  test('do not pass the present message to handlers that a handler adds or removes', async () => {
    const { server, client } = await scriptedClient({ version })
    const received: string[] = []
    client.subscribe('a', () => {
      received.push('first')
      last.unsubscribe()
      client.subscribe('a', () => received.push('new'))
    })
    const last = client.subscribe('a', () => received.push('last'))
    await client.connect()
    server.publish('a', '')
    await until(() => received.length > 0)
    await turns()
    expect(received).toEqual(['first'])
  })

  test.each([
    { present: true, expected: ['a'] },
    { present: false, expected: [] },
  ])(
    'send an UNSUBSCRIBE for an offline unsubscribe if the broker kept the session ($present)',
    async ({ present, expected }) => {
      const { server, client } = await scriptedClient({ version, script: sessionIs(present) })
      const subscription = client.subscribe('a', nothing)
      client.subscribe('b', nothing)
      await client.connect()
      const again = new Promise((resolve) => client.on('connected', resolve))
      client.on('connectionInterrupted', () => subscription.unsubscribe())
      server.kick()
      await again
      expect(unsubscribed(server, 2)).toEqual(expected)
      expect(filters(server, 2)).toEqual(present ? [] : [['b']])
    },
  )

  test('send an UNSUBSCRIBE for a filter that the broker holds, even during a new SUBSCRIBE', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: sessionIs(true),
      subscriptions: { onSessionPresent: 'always' },
    })
    const subscription = client.subscribe('a', nothing)
    await client.connect()
    const again = new Promise((resolve) => client.on('connected', resolve))
    client.on('stateChanged', ({ to }) => to === 'connecting' && subscription.unsubscribe())
    client.subscribe('a', nothing, { qos: 1 }).unsubscribe()
    server.kick()
    await again
    expect(unsubscribed(server, 2)).toEqual(['a'])
  })

  test('can be added and removed during the restore', async () => {
    const { server, client } = await scriptedClient({ version, script: { suback: false } })
    const first = client.subscribe('a', nothing)
    const connecting = client.connect()
    await server.waitFor('subscribe')
    const second = client.subscribe('b', nothing)
    first.unsubscribe()
    server.current!.behaviour = {}
    server.send({ cmd: 'suback', messageId: 1, granted: [0] })
    await connecting
    expect(await outcomes([first.ready, second.ready])).toEqual(['UnsubscribedError', 'done'])
    expect(filters(server)).toEqual([['a'], ['b']])
    expect(unsubscribed(server)).toEqual(['a'])
  })

  test('send a new SUBSCRIBE only after the UNSUBACK of the same filter', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: { steps: [{ at: 'unsubscribe', nth: 1, do: 'ignore' }] },
    })
    const first = client.subscribe('a', nothing)
    await client.connect()
    first.unsubscribe()
    const { messageId = 0 } = await server.waitFor('unsubscribe')
    const second = client.subscribe('a', nothing)
    await turns()
    expect(filters(server)).toEqual([['a']])
    server.send({ cmd: 'unsuback', messageId, granted: [0] })
    expect(await second.ready).toBe(0)
    expect(told(server, 1, 'subscribe', 'unsubscribe').map((line) => line.split(' ')[0])).toEqual([
      'subscribe',
      'unsubscribe',
      'subscribe',
    ])
  })

  test('repeat an UNSUBSCRIBE whose UNSUBACK is missing', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      script: { steps: [{ at: 'unsubscribe', nth: 1, do: 'ignore' }] },
    })
    const subscription = client.subscribe('a', nothing)
    await client.connect()
    subscription.unsubscribe()
    await server.waitFor('unsubscribe')
    clock.tick(30_000)
    await server.waitFor('unsubscribe', { count: 2 })
    await until(() => syncState(client) === 'settled')
    expect(unsubscribed(server)).toEqual(['a', 'a'])
    expect(server.connections).toHaveLength(1)
  })

  test('retry a refused filter with a backoff while others continue, and finally give it up', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      random: () => 0.5,
      script: { suback: { bad: 0x87 } },
    })
    const failed: unknown[] = []
    client.on('subscriptionFailed', ({ filter, error }) => failed.push(`${filter}: ${nameOf(error)}`))
    const refused: unknown[] = []
    client.on('subscriptionRefused', ({ filter, error }) => refused.push(`${filter}: ${nameOf(error)}`))
    const good = client.subscribe('good', nothing)
    const bad = client.subscribe('bad', nothing)
    const settled = outcomes([bad.ready])
    await client.connect()
    expect(await good.ready).toBe(0)
    expect(client.status.subscriptions).toMatchObject({ wanted: 2, held: 1, refused: 1 })
    for (const n of range(5)) {
      // Less than the time for a SUBACK.
      clock.tick(20_000)
      await server.waitFor('subscribe', { count: n + 2 })
      await until(() => syncState(client) === 'settled' || isRefused(client))
    }
    expect(await settled).toEqual(['SubscriptionRefusedError'])
    await bad.ready.catch((error: unknown) => expect(error).toMatchObject({ reasonCode: version === 5 ? 0x87 : 0x80 }))
    expect(failed).toEqual(['bad: SubscriptionRefusedError'])
    expect(refused, 'each but the last').toEqual(range(5).map(() => 'bad: SubscriptionRefusedError'))
    expect(filters(server)).toEqual([['good', 'bad'], ...range(5).map(() => ['bad'])])
    clock.tick(600_000)
    await turns()
    expect(filters(server)).toHaveLength(6)
  })

  test('tell when the broker grants what it has refused, on the same connection and on a later one', async () => {
    const clock = createTestClock()
    let code = 0x80
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      reconnect: { initialDelay: 1, maxDelay: 1 },
      script: { suback: () => code },
    })
    const events: string[] = []
    client.on('subscriptionRefused', ({ filter, error }) => events.push(`refused ${filter}: ${nameOf(error)}`))
    client.on('subscriptionGranted', ({ filter, qos }) => events.push(`granted ${filter}: ${qos}`))
    client.subscribe('a', nothing, { qos: 1 })
    await client.connect()
    code = 1
    clock.tick(1_000)
    await server.waitFor('subscribe', { count: 2 })
    await until(() => events.length === 2)
    for (code of [0x80, 1, 1]) {
      const connected = new Promise((resolve) => client.once('connected', resolve))
      server.kick()
      await until(() => client.status.state === 'reconnecting')
      clock.tick(1)
      await connected
    }
    const both = ['refused a: SubscriptionRefusedError', 'granted a: 1']
    expect(events).toEqual([...both, ...both])
  })

  test.each([
    [0x8f, 'topic filter invalid (0x8f)'],
    [0x55, 'reason code 0x55'],
    [0xc5, 'reason code 0xc5'],
  ])('are refused one by one, whatever the code: %i', async (code, words) => {
    const { server, client, errors } = await scriptedClient({
      version,
      script: {
        steps: [
          {
            at: 'subscribe',
            do: (connection, { subscriptions, messageId = 0 }) => {
              const codes = subscriptions.map(({ topic }) => (topic === 'bad' ? code : 0))
              const content = [0, messageId, ...(version === 5 ? [0] : []), ...codes]
              connection.write(Uint8Array.of(0x90, content.length, ...content))
            },
          },
        ],
      },
      clock: createTestClock(),
    })
    const good = client.subscribe('good', nothing)
    const bad = client.subscribe('bad', nothing)
    await client.connect()
    expect(await good.ready).toBe(0)
    expect(client.status.subscriptions).toMatchObject({ held: 1, refused: 1, suspended: 0 })
    // This code is final. The others are tried again.
    if (code === 0x8f) await expect(bad.ready).rejects.toThrow(`the broker refused the subscription to bad: ${words}`)
    expect(new SubscriptionRefusedError('bad', code).message).toContain(`: ${words}`)
    await client.publish('a', '', { qos: 1 })
    expect(server.connections).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test('end with an UNSUBACK of any code', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: {
        steps: [
          {
            at: 'unsubscribe',
            do: (connection, { messageId = 0 }) =>
              connection.write(
                Uint8Array.of(0xb0, ...(version === 5 ? [4, 0, messageId, 0, 0xc5] : [2, 0, messageId])),
              ),
          },
        ],
      },
    })
    const { unsubscribe, ready } = client.subscribe('a', nothing)
    await client.connect()
    await ready
    unsubscribe()
    await server.waitFor('unsubscribe')
    await until(() => syncState(client) === 'settled')
    await client.publish('a', '', { qos: 1 })
    expect(server.connections).toHaveLength(1)
  })

  test('resolve for a refused filter that is granted later', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      script: { suback: { bad: 0x80 } },
    })
    const { ready } = client.subscribe('bad', nothing)
    await client.connect()
    server.current!.behaviour = {}
    clock.tick(20_000)
    expect(await ready).toBe(0)
  })

  test('keep the attempts of a refused filter when others are subscribed', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      script: { suback: { bad: 0x80 } },
    })
    const { ready } = client.subscribe('bad', nothing)
    await client.connect()
    for (const i of range(10)) await client.subscribe(`good/${i}`, nothing).ready
    expect(await isPending(ready)).toBe(true)
    expect(
      filters(server)
        .flat()
        .filter((filter) => filter === 'bad'),
    ).toHaveLength(1)
    server.current!.behaviour = {}
    clock.tick(20_000)
    expect(await ready).toBe(0)
  })

  test('repeat a SUBSCRIBE whose SUBACK is missing, and then use a new connection', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      now: clock.now,
      script: [{ suback: false }, {}],
      timeouts: { subscribeTimeout: 1_000 },
    })
    const { ready } = client.subscribe('a', nothing)
    const connecting = client.connect()
    await server.waitFor('subscribe')
    clock.tick(1_000)
    await server.waitFor('subscribe', { count: 2 })
    clock.tick(1_000)
    await until(() => (clock.tick(1), server.connections.length === 2))
    await connecting
    expect(await ready).toBe(0)
    expect(filters(server, 2)).toEqual([['a']])
  })

  test('accept filters with names of object properties', async () => {
    const { server, client } = await scriptedClient({ version })
    const names = ['__proto__', 'resubscribe', 'constructor', 'toString', 'hasOwnProperty']
    const received: string[] = []
    const subscriptions = names.map((name) => client.subscribe(name, ({ topic }) => received.push(topic)))
    await client.connect()
    expect(await Promise.all(subscriptions.map(({ ready }) => ready))).toEqual([0, 0, 0, 0, 0])
    for (const name of names) server.publish(name, '')
    await until(() => received.length === 5)
    expect(received).toEqual(names)
    for (const subscription of subscriptions) subscription.unsubscribe()
    await until(() => unsubscribed(server).length === 5)
  })

  test('reject `ready` when they end before, and when the client is disposed', async () => {
    const { client } = await scriptedClient({ version })
    const ended = client.subscribe('a', nothing)
    const disposed = client.subscribe('b', nothing)
    ended.unsubscribe()
    await client[Symbol.asyncDispose]()
    expect(await outcomes([ended.ready, disposed.ready])).toEqual(['UnsubscribedError', 'ClientDisposedError'])
  })

  test.each([
    ['an empty filter', '', {}],
    ['# before the end', 'a/#/b', {}],
    ['+ within a level', 'a+', {}],
    ['a share without a name', '$share//a', {}],
    ['a share without a filter', '$share/g', {}],
    ['an invalid QoS', 'a', { qos: 3 }],
    ['an invalid retain handling', 'a', { retainHandling: 3 }],
    ['an invalid acknowledgement', 'a', { ack: 'never' }],
    ['no local on a shared subscription', '$share/g/a', { noLocal: true }],
    ['a buffer of 0', 'a', { bufferSize: 0 }],
  ])('reject %s', async (_what, filter, options) => {
    const { client } = await scriptedClient({ version })
    expect(() => client.subscribe(filter, nothing, options as SubscribeOptions)).toThrow(InvalidOptionError)
    expect(client.status.subscriptions.wanted).toBe(0)
  })
})

describe('subscriptions of MQTT 5', () => {
  test('send their options, with equal ones in one packet', async () => {
    const { server, client } = await scriptedClient()
    client.subscribe('a', nothing, { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 })
    client.subscribe('b', nothing)
    client.subscribe('c', nothing, { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 })
    await client.connect()
    const sent = server.received('subscribe').map(({ subscriptions }) => subscriptions)
    expect(sent).toEqual([
      [
        { topic: 'a', qos: 1, nl: true, rap: true, rh: 2 },
        { topic: 'c', qos: 1, nl: true, rap: true, rh: 2 },
      ],
      [{ topic: 'b', qos: 0, nl: false, rap: false, rh: 0 }],
    ] satisfies ISubscription[][])
  })

  test.each([0x8f, 0x9e, 0xa2])('fail at once with code %i, which is permanent', async (code) => {
    const { server, client } = await scriptedClient({ script: { suback: { bad: code } } })
    const settled = outcomes([client.subscribe('bad', nothing).ready])
    await client.connect()
    expect(await settled).toEqual(['SubscriptionRefusedError'])
    expect(filters(server)).toHaveLength(1)
  })

  test('reject a handler with a higher QoS than granted, while earlier handlers continue', async () => {
    const { server, client } = await scriptedClient({ script: { suback: false } })
    const answer = async (n: number, code: number) => {
      const { messageId = 0 } = await server.waitFor('subscribe', { count: n })
      server.send({ cmd: 'suback', messageId, granted: [code] })
    }
    const received: string[] = []
    const failed: string[] = []
    client.on('subscriptionFailed', ({ filter }) => failed.push(filter))
    const first = client.subscribe('a', () => received.push('first'))
    const connected = client.connect()
    await answer(1, 0)
    await connected
    const second = client.subscribe('a', () => received.push('second'), { qos: 2 })
    const settled = outcomes([first.ready, second.ready])
    await answer(2, 0x9e)
    expect(await settled).toEqual(['done', 'SubscriptionRefusedError'])
    expect(failed).toEqual(['a'])
    expect(client.status.subscriptions).toMatchObject({ wanted: 1, held: 1, refused: 0 })
    server.publish('a', '')
    await until(() => received.length > 0)
    expect(received).toEqual(['first'])
    first.unsubscribe()
    await until(() => unsubscribed(server).length > 0)
  })

  test('do not tell that the broker grants again what it has refused only for a handler that is rejected', async () => {
    const clock = createTestClock()
    let code = 0
    const { server, client } = await scriptedClient({
      clock,
      now: clock.now,
      reconnect: { initialDelay: 1, maxDelay: 1 },
      script: { suback: () => code },
    })
    const events: string[] = []
    for (const name of ['subscriptionRefused', 'subscriptionGranted', 'subscriptionFailed'] as const) {
      client.on(name, () => void events.push(name))
    }
    await client.connect()
    await client.subscribe('a', nothing).ready
    code = 0x80
    const { ready } = client.subscribe('a', () => {}, { qos: 1 })
    await until(() => events.length === 1)
    // Topic filter invalid: it is not retried.
    code = 0x8f
    clock.tick(1_000)
    await expect(ready).rejects.toMatchObject({ reasonCode: 0x8f })
    code = 0
    const restored = new Promise((resolve) => client.once('restored', resolve))
    server.kick()
    await until(() => client.status.state === 'reconnecting')
    clock.tick(1)
    await restored
    expect(events).toEqual(['subscriptionRefused', 'subscriptionFailed'])
    expect(client.status.subscriptions).toMatchObject({ wanted: 1, held: 1 })
  })

  test('end the loop of a permanently refused filter, which later connections do not subscribe', async () => {
    const { server, client } = await scriptedClient({ script: [{ suback: { a: 0x8f } }, {}] })
    const ended = (async () => {
      for await (const _message of client.subscribe('a', { qos: 1 }));
    })()
    await client.connect()
    await ended
    const again = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await again
    expect(filters(server, 2)).toEqual([])
    expect(client.status.subscriptions).toMatchObject({ wanted: 0, held: 0, refused: 0 })
  })

  test('keep SUBSCRIBE and UNSUBSCRIBE within the Maximum Packet Size', async () => {
    const { server, client } = await scriptedClient({ script: { connack: { properties: { maximumPacketSize: 120 } } } })
    const names = range(50).map((i) => `${'x'.repeat(i)}/${i}`)
    const subscriptions = names.map((name) => client.subscribe(name, nothing))
    const tooLong = client.subscribe('y'.repeat(200), nothing)
    const settled = outcomes([tooLong.ready])
    await client.connect()
    expect(await settled).toEqual(['SubscriptionRefusedError'])
    expect(filters(server).flat()).toEqual(names)
    for (const subscription of [...subscriptions, tooLong]) subscription.unsubscribe()
    await until(() => unsubscribed(server).length === 50)
    const packets = [...server.received('subscribe'), ...server.received('unsubscribe')]
    for (const { length = 0 } of packets) expect(length + 2).toBeLessThanOrEqual(120)
  })
})

test('never send two SUBSCRIBEs for a filter at the same time during a restore', async () => {
  const { server, client } = await scriptedClient({ script: sessionIs(false) })
  const subscriptions = range(10).map((i) => client.subscribe(`a/${i}`, nothing))
  await client.connect()
  for (const n of range(5)) {
    const again = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await again
    expect(filters(server, n + 2).flat()).toHaveLength(10)
  }
  expect(await Promise.all(subscriptions.map(({ ready }) => ready))).toHaveLength(10)
})
