import { describe, expect, test } from 'vitest'

import { InvalidOptionError, TimeoutError, type Message, type ResilientMqttClient } from '../../src/index.ts'
import { createTestClock, type ScriptedServer } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions } from '../support/scripted-client.ts'

/** Answers the n-th request with its payload reversed. */
async function answer(server: ScriptedServer, n = 1, payload?: string): Promise<void> {
  const request = await server.waitFor('publish', { count: n })
  const { responseTopic = '', correlationData } = request.properties ?? {}
  const properties = correlationData && { correlationData }
  server.publish(responseTopic, payload ?? Array.from(request.payload.toString()).toReversed().join(''), {
    ...(properties && { properties }),
  })
}

const textOf = (message: Message) => message.text()

describe('requests of MQTT 5', () => {
  test('share one response topic, which is subscribed before the first is sent', async () => {
    const { server, client } = await scriptedClient({ responseTopic: 'my/responses' })
    await client.connect()
    const responses = ['one', 'two', 'three'].map((it) => client.request('service', it).then(textOf))
    await server.waitFor('publish', { count: 3 })
    for (const n of [3, 1, 2]) await answer(server, n)
    expect(await Promise.all(responses)).toEqual(['eno', 'owt', 'eerht'])
    expect(told(server, 1, 'subscribe', 'publish').map((line) => line.split(' ')[0])).toEqual([
      'subscribe',
      'publish',
      'publish',
      'publish',
    ])
    expect(server.received('publish').every(({ properties }) => properties?.responseTopic === 'my/responses')).toBe(
      true,
    )
  })

  test('use the Response Information of the broker, which is asked for once a request needs it', async () => {
    const responseInformation = 'answers/me'
    const { server, client } = await scriptedClient({
      script: (_, n) => ({ connack: { sessionPresent: n > 1, properties: n > 1 ? { responseInformation } : {} } }),
    })
    await client.connect()
    const topics: (string | undefined)[] = []
    for (const n of [1, 2, 3]) {
      const response = client.request('service', '1').then(textOf)
      await answer(server, n)
      expect(await response).toBe('1')
      topics.push(server.received('publish').at(-1)?.properties?.responseTopic)
      if (n !== 1) continue
      server.kick()
      await until(() => server.connections.length === 2 && client.isConnected)
    }
    const asked = server.received('connect').map(({ properties }) => properties?.requestResponseInformation)
    expect(asked).toEqual([undefined, true])
    expect(topics).toEqual(['response/test', 'answers/me/response/test', 'answers/me/response/test'])
    await until(() => server.received('unsubscribe').length === 1)
    expect(server.received('unsubscribe')[0]?.unsubscriptions).toEqual(['response/test'])
  })

  test.each([
    { responseInformation: 'answers/', responseTopic: 'answers/response/test' },
    { responseInformation: 'not/a/+', responseTopic: 'response/test' },
    { responseInformation: '', responseTopic: 'response/test' },
  ])('before the first connection: $responseInformation', async ({ responseInformation, responseTopic }) => {
    const { server, client } = await scriptedClient({ script: { connack: { properties: { responseInformation } } } })
    const response = client.request('service', '1').then(textOf)
    await client.connect()
    await answer(server)
    expect(await response).toBe('1')
    expect(server.received('connect')[0]?.properties?.requestResponseInformation).toBe(true)
    expect(server.received('publish')[0]?.properties?.responseTopic).toBe(responseTopic)
  })

  test('wait for the SUBACK of the response topic, even while others subscribe', async () => {
    const { server, client } = await scriptedClient({ script: { suback: false } })
    await client.connect()
    client.subscribe('other', () => {})
    const response = client.request('service', '1').then(textOf)
    await server.waitFor('subscribe')
    await turns()
    expect(server.received('publish')).toEqual([])
    server.send({ cmd: 'suback', messageId: 1, granted: [0] })
    const { messageId = 0 } = await server.waitFor('subscribe', { count: 2 })
    await turns()
    expect(server.received('publish')).toEqual([])
    server.send({ cmd: 'suback', messageId, granted: [1] })
    await answer(server)
    expect(await response).toBe('1')
  })

  test('are sent after the restore, and get their response after a reconnect', async () => {
    const { server, client } = await scriptedClient({ script: sessionIs(false) })
    const response = client.request('service', '12').then(textOf)
    await client.connect()
    const { properties } = await server.waitFor('publish')
    await until(() => client.outbox.inFlight === 0)
    const connected = new Promise((resolve) => client.on('connected', resolve))
    server.kick()
    await connected
    expect(told(server, 2, 'subscribe', 'publish')).toHaveLength(1)
    server.publish(properties?.responseTopic ?? '', '21', {
      properties: { correlationData: properties!.correlationData! },
    })
    expect(await response).toBe('21')
  })

  test('ignore unrequested and late responses', async () => {
    const clock = createTestClock()
    const { server, client, errors } = await scriptedClient({ clock, now: clock.now })
    await client.connect()
    const late = client.request('service', 'late', { timeout: 1_000 })
    const settled = outcomes([late])
    const { properties } = await server.waitFor('publish')
    clock.tick(1_000)
    expect(await settled).toEqual(['TimeoutError'])
    await late.catch((error: unknown) => expect(error).toBeInstanceOf(TimeoutError))
    const topic = properties?.responseTopic ?? ''
    server.publish(topic, 'late', { properties: { correlationData: properties!.correlationData! } })
    server.publish(topic, 'without correlation')
    server.publish(topic, 'of another', { properties: { correlationData: Buffer.from('99') } })
    const next = client.request('service', 'on time').then(textOf)
    await answer(server, 2)
    expect(await next).toBe('emit no')
    expect(errors).toEqual([])
  })

  test('accept the responses that `match` selects', async () => {
    const { server, client } = await scriptedClient()
    await client.connect()
    const response = client.request('service', '', { match: (message) => message.text() === 'done' }).then(textOf)
    await answer(server, 1, 'half')
    await answer(server, 1, 'done')
    expect(await response).toBe('done')
  })

  test('unsubscribe from a separate response topic after the request', async () => {
    const { server, client } = await scriptedClient()
    await client.connect()
    const response = client.request('service', '12', { responseTopic: 'mine' }).then(textOf)
    await answer(server)
    expect(await response).toBe('21')
    await server.waitFor('unsubscribe')
    expect(client.status.subscriptions.wanted).toBe(0)
  })

  test('reject when the broker refuses the response topic, and try again with the next request', async () => {
    const { server, client } = await scriptedClient({ script: { suback: 0x8f } })
    await client.connect()
    expect(await outcomes([client.request('service', '1')])).toEqual(['SubscriptionRefusedError'])
    server.current!.behaviour = {}
    const response = client.request('service', '12').then(textOf)
    await answer(server)
    expect(await response).toBe('21')
  })
})

describe('requests', () => {
  test('need a response topic on MQTT 3.1.1', async () => {
    const { server, client } = await scriptedClient({ version: 4 })
    await client.connect()
    await expect(client.request('service', '')).rejects.toBeInstanceOf(InvalidOptionError)
    const response = client.request('service', '12', { responseTopic: 'mine' }).then(textOf)
    const { properties } = await server.waitFor('publish')
    expect(properties).toBeUndefined()
    server.publish('mine', '21')
    expect(await response).toBe('21')
  })

  const ways: readonly [string, (client: ResilientMqttClient, controller: AbortController) => unknown, string][] = [
    ['abort', (_client, controller) => controller.abort(new TypeError('no longer')), 'TypeError'],
    ['dispose', (client) => client[Symbol.asyncDispose](), 'ClientDisposedError'],
  ]
  test.each(ways)('end with %s, both while waiting offline and without a response', async (_what, end, expected) => {
    for (const connected of [true, false]) {
      const controller = new AbortController()
      const { server, client } = await scriptedClient()
      if (connected) await client.connect()
      const response = client.request('service', '', { signal: controller.signal })
      const settled = outcomes([response])
      if (connected) {
        await server.waitFor('publish')
        await until(() => client.outbox.inFlight === 0)
      }
      await end(client, controller)
      expect(await settled).toEqual([expected])
      expect(client.outbox.size).toBe(0)
    }
  })

  test('are never sent if they were given up before', async () => {
    const { server, client } = await scriptedClient()
    const controller = new AbortController()
    const settled = outcomes([client.request('service', 'no', { signal: controller.signal })])
    controller.abort()
    expect(await settled).toEqual(['AbortError'])
    await client.connect()
    await client.publish('a', 'last', { qos: 1 })
    expect(told(server, 1, 'publish')).toEqual(['publish last 1'])
  })

  test('reject with the error of their publish', async () => {
    const { client } = await scriptedClient({ script: { puback: 0x87 } })
    await client.connect()
    expect(await outcomes([client.request('service', '')])).toEqual(['PublishRefusedError'])
  })

  test.each([0, -1, Number.NaN])('reject a timeout of %s', async (timeout) => {
    const { client } = await scriptedClient()
    expect(await outcomes([client.request('a', '', { timeout })])).toEqual(['InvalidOptionError'])
  })

  test('accept an infinite timeout', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({ clock, now: clock.now })
    await client.connect()
    const response = client.request('service', '12', { timeout: Number.POSITIVE_INFINITY })
    await server.waitFor('publish')
    clock.tick(10_000)
    expect(await isPending(response)).toBe(true)
    await answer(server)
    expect((await response).text()).toBe('21')
  })

  test('get their own response each, 1,000 at a time', async () => {
    const { server, client } = await scriptedClient({
      script: {
        steps: [
          {
            at: 'publish',
            do: (connection, { payload, properties, messageId }) => {
              connection.send({ cmd: 'puback', messageId: messageId ?? 0 })
              connection.publish(properties?.responseTopic ?? '', payload as Buffer, {
                properties: { correlationData: properties!.correlationData! },
              })
            },
          },
        ],
      },
    })
    await client.connect()
    const responses = await Promise.all(range(1_000).map((i) => client.request('service', `${i}`)))
    expect(responses.map(textOf)).toEqual(range(1_000).map(String))
    expect(server.received('subscribe')).toHaveLength(1)
  })
})

describe('requests with one response topic', () => {
  test('share its subscription, which ends with the last request', async () => {
    const { server, client } = await scriptedClient()
    await client.connect()
    const ask = (it: string) => client.request('service', it, { responseTopic: 'mine' }).then(textOf)
    const responses = ['one', 'two', 'three'].map(ask)
    await server.waitFor('publish', { count: 3 })
    for (const n of [3, 1]) await answer(server, n)
    expect(await Promise.all([responses[0], responses[2]])).toEqual(['eno', 'eerht'])
    await turns()
    expect(told(server, 1, 'subscribe', 'unsubscribe')).toHaveLength(1)
    await answer(server, 2)
    expect(await responses[1]).toBe('owt')
    await server.waitFor('unsubscribe')
    expect(client.status.subscriptions.wanted).toBe(0)
    const later = ask('four')
    await answer(server, 4)
    expect(await later).toBe('ruof')
    await server.waitFor('unsubscribe', { count: 2 })
    expect(told(server, 1, 'subscribe')).toHaveLength(2)
  })

  test('need one SUBSCRIBE and one UNSUBSCRIBE for 1,000 at a time', async () => {
    const { server, client } = await scriptedClient()
    await client.connect()
    const responses = range(1_000).map((i) => client.request('service', `${i}`, { responseTopic: 'mine' }).then(textOf))
    await server.waitFor('publish', { count: 1_000 })
    for (const { payload, properties } of server.received('publish')) {
      server.publish('mine', payload as Buffer, { properties: { correlationData: properties!.correlationData! } })
    }
    expect(await Promise.all(responses)).toEqual(range(1_000).map(String))
    await server.waitFor('unsubscribe')
    expect(told(server, 1, 'subscribe', 'unsubscribe')).toHaveLength(2)
  })

  test.each(versions)(
    '$version: pass a response without Correlation Data to every request that matches it',
    async ({ version }) => {
      const { server, client, errors } = await scriptedClient({ version })
      await client.connect()
      const wrong = new TypeError('a mistake in match')
      const match = (wanted: string) => (message: Message) => {
        if (wanted === 'wrong') throw wrong
        return message.text() === wanted
      }
      const [faulty, one, two, alsoOne] = ['wrong', 'one', 'two', 'one'].map((wanted) =>
        client.request('service', '', { responseTopic: 'mine', match: match(wanted) }).then(textOf),
      )
      void outcomes([faulty!])
      await server.waitFor('publish', { count: 4 })
      server.publish('mine', 'one')
      expect(await Promise.all([one, alsoOne])).toEqual(['one', 'one'])
      expect(await isPending(two!)).toBe(true)
      expect(errors).toEqual([wrong])
      server.publish('mine', 'two')
      expect(await two).toBe('two')
    },
  )

  test('do not pass a message to a request that another `match` sends meanwhile', async () => {
    const { server, client } = await scriptedClient({ version: 4 })
    await client.connect()
    let next: Promise<string> | undefined
    const match = () => {
      next ??= client.request('service', '2', { responseTopic: 'mine' }).then(textOf)
      return true
    }
    const first = client.request('service', '1', { responseTopic: 'mine', match }).then(textOf)
    await server.waitFor('publish')
    server.publish('mine', 'first')
    expect(await first).toBe('first')
    await server.waitFor('publish', { count: 2 })
    server.publish('mine', 'second')
    expect(await next).toBe('second')
  })

  test.each<[string, { responseTopic?: string }]>([
    ['of the client', {}],
    ['of the requests', { responseTopic: 'mine' }],
  ])('%s, refused on a later connection: the next request subscribes to it again', async (_what, options) => {
    const { server, client } = await scriptedClient({ script: sessionIs(false, {}, { suback: 0x8f }) })
    await client.connect()
    const before = client.request('service', 'before', options)
    const settled = outcomes([before])
    await server.waitFor('publish')
    await until(() => client.outbox.inFlight === 0)
    const failed = new Promise((resolve) => client.on('subscriptionFailed', resolve))
    server.kick()
    await failed
    server.current!.behaviour = {}
    const response = client.request('service', '12', options).then(textOf)
    await answer(server, 2)
    expect(await response).toBe('21')
    // It continues to wait, because its own subscription may not be the refused one.
    await answer(server, 1)
    expect(await settled).toEqual(['done'])
  })
})
