import { describe, expect, test } from 'vitest'

import type { Behaviour } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions } from '../support/scripted-client.ts'

const hang = () => new Promise<void>(() => {})

describe.each(versions)('messages that are never processed, MQTT $version', ({ version }) => {
  /** A client with a limit of 4 that `stuck/#` has reached; 10 messages of `in/#` wait. */
  async function scene(subscribe: 'handler' | 'loop') {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 4 } })
    await client.connect()
    const topics: string[] = []
    await client.subscribe('in/#', ({ topic }) => void topics.push(topic)).ready
    const loop = subscribe === 'loop' ? client.subscribe('stuck/#') : undefined
    const stuck = loop ?? client.subscribe('stuck/#', hang, { ack: 'after-handler' })
    await stuck.ready
    void loop?.[Symbol.asyncIterator]().next()
    for (const n of range(4)) server.publish(`stuck/${n}`, 'x')
    for (const n of range(10)) server.publish(`in/${n}`, 'x')
    await until(() => client.status.inbox.waiting === 10, 'the messages')
    expect(client.status.inbox).toMatchObject({ unprocessed: 4, unprocessedBytes: 4, paused: true })
    return { server, client, stuck, topics }
  }

  test.each(['handler', 'loop'] as const)('of a %s count until it is unsubscribed', async (subscribe) => {
    const { client, stuck, topics } = await scene(subscribe)
    stuck.unsubscribe()
    // No other handler is called from within.
    expect(topics).toEqual([])
    await turns()
    expect(topics).toEqual(range(10).map((n) => `in/${n}`))
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, unprocessedBytes: 0, waiting: 0, paused: false })
  })

  test('are not subtracted twice when they are processed after all', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 4 } })
    await client.connect()
    const finish: (() => void)[] = []
    const handler = () => new Promise<void>((resolve) => finish.push(resolve))
    const first = client.subscribe('in', handler, { ack: 'after-handler' })
    await client.subscribe('in', hang, { ack: 'after-handler' }).ready
    server.publish('in', 'x')
    await until(() => client.status.inbox.unprocessed === 2, 'the message')
    first.unsubscribe()
    expect(client.status.inbox).toMatchObject({ unprocessed: 1, unprocessedBytes: 1 })
    for (const done of finish) done()
    await turns()
    expect(client.status.inbox).toMatchObject({ unprocessed: 1, unprocessedBytes: 1 })
  })

  test('of a handler that unsubscribes itself do not count', async () => {
    const { server, client } = await scriptedClient({ version, inbox: { maxUnprocessed: 4 } })
    await client.connect()
    let calls = 0
    const handler = () => {
      calls++
      subscription.unsubscribe()
      return hang()
    }
    const subscription = client.subscribe('in', handler, { ack: 'after-handler' })
    await subscription.ready
    server.publish('in', 'x')
    await until(() => calls === 1, 'the call')
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, unprocessedBytes: 0 })
  })
})

test('messages that wait when the session is lost still wait when the next session is kept', async () => {
  let connections = 0
  const script = () => ({ connack: { sessionPresent: ++connections > 2 } })
  const { server, client } = await scriptedClient({ script, inbox: { maxUnprocessed: 1 } })
  const texts: string[] = []
  await client.connect()
  await client.subscribe('in', (message) => void texts.push(message.text()), { qos: 1 }).ready
  const stuck = client.subscribe('stuck', hang, { qos: 1, ack: 'after-handler' })
  await stuck.ready
  server.publish('stuck', '', { qos: 1, messageId: 1 })
  server.publish('in', 'only copy', { qos: 1, messageId: 2 })
  await until(() => client.status.inbox.waiting === 1, 'the message')
  for (const _ of range(2)) {
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await connected
  }
  stuck.unsubscribe()
  await turns()
  expect(texts).toEqual(['only copy'])
})

test('messages of a subscription that the broker refuses in favour of an earlier one do not count', async () => {
  const script: Behaviour = {
    steps: [
      {
        at: 'subscribe',
        nth: 2,
        do: (connection, { messageId }) => {
          connection.publish('in', 'x')
          // Topic filter invalid: it is not retried.
          connection.send({ cmd: 'suback', messageId: messageId ?? 0, granted: [0x8f] })
        },
      },
    ],
  }
  const { client } = await scriptedClient({ script, inbox: { maxUnprocessed: 4 } })
  await client.connect()
  let calls = 0
  await client.subscribe('in', () => void calls++).ready
  const refused = client.subscribe('in', hang, { ack: 'after-handler', qos: 2 })
  await expect(refused.ready).rejects.toMatchObject({ name: 'SubscriptionRefusedError' })
  expect([calls, client.status.inbox.unprocessed]).toEqual([1, 0])
})
