import { Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import type { ConnectOptions, InboxOptions, Message, SubscribeOptions } from '../../src/index.ts'
import { PausableHandler } from '../../src/messages/pausable-handler.ts'
import { createTestClock } from '../../testing/index.ts'
import { isPending, turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told, versions, type Version } from '../support/scripted-client.ts'

interface Scene extends Pick<SubscribeOptions, 'ack' | 'schema'> {
  readonly version?: Version
  /** Whether the broker keeps the session. */
  readonly present?: boolean
  readonly inbox?: InboxOptions
  readonly connect?: ConnectOptions
}

/** A client with a subscription to `work` that is paused, and with another one to `other`. */
async function paused({ version = 5, present = true, inbox = {}, connect = {}, ...options }: Scene = {}) {
  const { server, client, errors } = await scriptedClient({ version, inbox, connect, script: sessionIs(present) })
  const texts: string[] = []
  const others: string[] = []
  const work = client.subscribe('work', (message) => void texts.push(message.text()), { qos: 2, ...options })
  const other = client.subscribe('other', (message) => void others.push(message.text()), { qos: 2 })
  await client.connect()
  await Promise.all([work.ready, other.ready])
  work.pause()
  const send = (topic: string, text: string, qos: 0 | 1 | 2, messageId = 0) =>
    server.publish(topic, text, { qos, ...(qos > 0 && { messageId }) })
  const reconnect = async () => {
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await connected
  }
  return { server, client, errors, work, texts, others, send, reconnect }
}

describe.each(versions)('a paused subscription, MQTT version $version', ({ version }) => {
  test('gets its messages in order after the pause, and others get theirs meanwhile', async () => {
    const { client, work, texts, others, send } = await paused({ version })
    for (const n of range(9)) send('work', `${n}`, (n % 3) as 0 | 1 | 2, n)
    send('other', 'now', 1, 20)
    await until(() => others.length === 1)
    expect([texts, work.isPaused]).toEqual([[], true])
    // Those of QoS 2 come with their PUBREL.
    await until(() => client.status.inbox.unprocessed === 9)
    expect(client.status).toMatchObject({
      inbox: { unprocessed: 9, unprocessedBytes: 9 },
      subscriptions: { paused: 1, wanted: 2 },
    })
    work.resume()
    work.resume()
    // No handler is called from within.
    expect([texts, work.isPaused]).toEqual([[], false])
    await turns()
    expect(texts.filter((n) => Number(n) % 3 < 2)).toEqual(['0', '1', '3', '4', '6', '7'])
    expect(texts.filter((n) => Number(n) % 3 === 2)).toEqual(['2', '5', '8'])
    expect(client.status).toMatchObject({
      inbox: { unprocessed: 0, unprocessedBytes: 0 },
      subscriptions: { paused: 0 },
    })
    send('work', 'last', 1, 21)
    await until(() => texts.at(-1) === 'last')
  })

  test.each([
    ['after-handler', 1, 'puback', []],
    ['after-handler', 2, 'pubcomp', []],
    ['on-receipt', 1, 'puback', ['puback 1', 'puback 2']],
    ['on-receipt', 2, 'pubcomp', ['pubcomp 1', 'pubcomp 2']],
  ] as const)('with ack: %j acknowledges QoS %i accordingly', async (ack, qos, packet, before) => {
    const { server, client, work, send } = await paused({ version, ack })
    for (const id of [1, 2]) send('work', `${id}`, qos, id)
    await until(() => client.status.inbox.unprocessed === 2)
    await turns()
    expect(told(server, 1, packet)).toEqual(before)
    work.resume()
    await server.waitFor(packet, { count: 2 })
    expect(told(server, 1, packet)).toEqual([`${packet} 1`, `${packet} 2`])
  })

  test('takes no more than the limit, at which all subscriptions wait and the socket is paused', async () => {
    const { client, work, texts, others, send } = await paused({ version, inbox: { maxUnprocessed: 2 } })
    const pause = vi.spyOn(Socket.prototype, 'pause')
    onTestFinished(() => pause.mockRestore())
    const big = 'x'.repeat(50_000)
    for (const n of range(100)) send(n % 2 === 0 ? 'work' : 'other', `${n} ${big}`, 0)
    await until(() => client.status.inbox.paused && pause.mock.calls.length > 0, 'the pause of the socket')
    expect(client.status.inbox).toMatchObject({ unprocessed: 2, dropped: 0 })
    expect([texts.length, others.length]).toEqual([0, 1])
    work.resume()
    await until(() => texts.length + others.length === 100, 'all messages')
    expect(texts.map((text) => Number.parseInt(text, 10))).toEqual(range(50).map((n) => 2 * n))
  })

  test.each(['after-handler', 'on-receipt'] as const)('frees the limit when it ends, with ack: %j', async (ack) => {
    const { server, client, work, texts, others, send } = await paused({ version, ack, inbox: { maxUnprocessed: 2 } })
    for (const id of [1, 2]) send('work', '', 1, id)
    send('other', 'waits', 1, 3)
    await until(() => client.status.inbox.waiting === 1)
    work.unsubscribe()
    await server.waitFor('puback', { count: 3 })
    expect([texts, others]).toEqual([[], ['waits']])
    expect(client.status).toMatchObject({ inbox: { unprocessed: 0, paused: false }, subscriptions: { paused: 0 } })
    // It has ended.
    work.pause()
    work.resume()
    await turns()
    expect([work.isPaused, texts]).toEqual([false, []])
  })

  test('gets what the broker sends again after a reconnect once', async () => {
    const { server, client, work, texts, send, reconnect } = await paused({ version, ack: 'after-handler' })
    send('work', 'zero', 0)
    send('work', 'one', 1, 1)
    send('work', 'two', 2, 2)
    await until(() => client.status.inbox.unprocessed === 3)
    await reconnect()
    expect(client.status.subscriptions).toMatchObject({ paused: 1 })
    server.publish('work', 'one', { qos: 1, messageId: 1, dup: true })
    server.send({ cmd: 'pubrel', messageId: 2 })
    await until(() => client.status.inbox.heldBack === 2)
    work.resume()
    await server.waitFor('pubcomp')
    expect(texts).toEqual(['zero', 'two', 'one'])
    expect(told(server, 2, 'puback', 'pubcomp')).toEqual(['puback 1', 'pubcomp 2'])
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, heldBack: 0 })
  })

  test('keeps what a broker that lost the session will not send again, also at later connections', async () => {
    let sessions = 0
    const { server, client } = await scriptedClient({
      version,
      // The second connection finds no session, the third one that of the second.
      script: () => ({ connack: { sessionPresent: ++sessions > 2 } }),
    })
    const texts: string[] = []
    const handler = (message: Message) => void texts.push(message.text())
    const work = client.subscribe('work', handler, { qos: 1, ack: 'after-handler' })
    await client.connect()
    await work.ready
    work.pause()
    server.publish('work', 'only copy', { qos: 1, messageId: 1 })
    await until(() => client.status.inbox.unprocessed === 1)
    for (const _ of range(2)) {
      const connected = new Promise((resolve) => client.once('connected', resolve))
      server.kick()
      await connected
    }
    work.resume()
    await turns()
    expect(texts).toEqual(['only copy'])
  })

  test('does not keep a client that lets its handlers finish', async () => {
    const { server, client, work, texts, send } = await paused({ version, ack: 'after-handler' })
    send('work', 'held', 1, 1)
    send('work', 'held, too', 0)
    await until(() => client.status.inbox.unprocessed === 2)
    await client.disconnect({ handlers: 'finish', timeout: 100_000 })
    expect(told(server, 1, 'puback', 'disconnect')).toEqual(['disconnect'])
    await client.connect()
    server.publish('work', 'held', { qos: 1, messageId: 1, dup: true })
    await until(() => client.status.inbox.heldBack === 1)
    work.resume()
    await server.waitFor('puback')
    expect(texts).toEqual(['held, too', 'held'])
  })
})

test('on MQTT 3.1.1 what is acknowledged on receipt does not count towards receiveMaximum', async () => {
  const { client, others, send } = await paused({ version: 4, connect: { receiveMaximum: 2 } })
  for (const id of [1, 2, 3]) send('work', '', 1, id)
  send('other', 'now', 1, 4)
  await until(() => others.length === 1)
  expect(client.status.inbox).toMatchObject({ unprocessed: 3, waiting: 0 })
})

test('a message that comes right after the resume comes after those that were held', async () => {
  const texts: string[] = []
  const handler = new PausableHandler<string>(({ value }) => texts.push(value), {
    ack: 'on-receipt',
    filter: 'a',
    tap: undefined,
  })
  const handle = (value: string) => void handler.handle({ value, qos: 0 } as Message<string>, {})
  handler.pause()
  handle('held')
  handler.resume()
  handle('next')
  await turns()
  handle('last')
  expect(texts).toEqual(['held', 'next', 'last'])
})

test('a handler that pauses after each message gets one at a time', async () => {
  const { server, client } = await scriptedClient()
  const texts: string[] = []
  const work = client.subscribe('work', (message) => {
    texts.push(message.text())
    work.pause()
  })
  await client.connect()
  await work.ready
  for (const n of range(4)) server.publish('work', `${n}`)
  await until(() => client.status.inbox.unprocessed === 3)
  for (const n of range(4)) {
    expect(texts).toEqual(range(n + 1).map(String))
    work.resume()
    await turns()
  }
})

test('a handler that pauses and resumes within each call gets everything, without a deep stack', async () => {
  const { server, client } = await scriptedClient()
  let calls = 0
  const work = client.subscribe('work', () => {
    calls++
    work.pause()
    work.resume()
  })
  await client.connect()
  await work.ready
  work.pause()
  for (const _ of range(9_000)) server.publish('work', '')
  await until(() => client.status.inbox.unprocessed === 9_000)
  work.resume()
  await turns()
  expect(calls).toBe(9_000)
})

test('a message that is being validated waits for the end of the pause, and errors of the handler are reported', async () => {
  const { server, client, errors } = await scriptedClient()
  let valid = () => {}
  const validate = (value: unknown) =>
    new Promise<{ readonly value: unknown }>((resolve) => {
      valid = () => resolve({ value })
    })
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const texts: string[] = []
  const handler = (message: Message<unknown>) => {
    texts.push(message.text())
    throw new Error('of the handler')
  }
  const work = client.subscribe('work', handler, { schema })
  await client.connect()
  await work.ready
  server.publish('work', 'late')
  await turns()
  work.pause()
  valid()
  await turns()
  expect(texts).toEqual([])
  work.resume()
  await turns()
  expect(texts).toEqual(['late'])
  expect(errors).toEqual([new Error('of the handler')])
})

test('handlers that run while others are paused are waited for, and nothing more is handed over by a resume', async () => {
  const clock = createTestClock()
  const { server, client } = await scriptedClient({ clock, now: clock.now, script: sessionIs(true) })
  const texts: string[] = []
  let finish = () => {}
  const handler = (message: Message) => {
    texts.push(message.text())
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  }
  const work = client.subscribe('work', handler, { qos: 1, ack: 'after-handler' })
  await client.connect()
  await work.ready
  server.publish('work', 'running', { qos: 1, messageId: 1 })
  await until(() => texts.length === 1)
  work.pause()
  server.publish('work', 'held', { qos: 1, messageId: 2 })
  await until(() => client.status.inbox.unprocessed === 2)
  const leaving = client.disconnect({ handlers: 'finish' })
  expect(await isPending(leaving)).toBe(true)
  work.resume()
  expect([await isPending(leaving), work.isPaused, client.status.subscriptions.paused]).toEqual([true, false, 0])
  expect(texts).toEqual(['running'])
  finish()
  await leaving
  expect(told(server, 1, 'puback', 'disconnect')).toEqual(['puback 1', 'disconnect'])
  await client.connect()
  server.publish('work', 'held', { qos: 1, messageId: 2, dup: true })
  await until(() => texts.length === 2)
})

test('a pause while handlers finish ends the wait for what is held', async () => {
  const { server, client } = await scriptedClient()
  const work = client.subscribe('work', { qos: 1 })
  await client.connect()
  await work.ready
  for (const id of [1, 2]) server.publish('work', '', { qos: 1, messageId: id })
  await until(() => client.status.inbox.unprocessed === 2)
  const leaving = client.disconnect({ handlers: 'finish', timeout: 100_000 })
  expect(await isPending(leaving)).toBe(true)
  work.pause()
  await leaving
})

test('a client that is disposed of hands over nothing more', async () => {
  const { client, work, texts, send } = await paused()
  send('work', 'held', 0)
  await until(() => client.status.inbox.unprocessed === 1)
  await client[Symbol.asyncDispose]()
  work.resume()
  await turns()
  expect([texts, work.isPaused]).toEqual([[], false])
})

describe('a paused loop', () => {
  async function scene(options: SubscribeOptions) {
    const { server, client } = await scriptedClient({ script: sessionIs(true) })
    const work = client.subscribe('work', { qos: 1, ...options })
    await client.connect()
    await work.ready
    const loop = work[Symbol.asyncIterator]()
    return { server, client, work, next: async () => (await loop.next()).value?.text() }
  }

  test('gets no message until the resume, and then all in order', async () => {
    const { server, client, work, next } = await scene({})
    for (const n of range(2)) server.publish('work', `${n}`, { qos: 1 })
    await until(() => client.status.inbox.unprocessed === 2)
    work.pause()
    const first = next()
    for (const n of [2, 3]) server.publish('work', `${n}`, { qos: 1 })
    await until(() => client.status.inbox.unprocessed === 4)
    expect(await isPending(first)).toBe(true)
    work.resume()
    expect([await first, await next(), await next(), await next()]).toEqual(['0', '1', '2', '3'])
    work.pause()
    const last = next()
    server.publish('work', '4', { qos: 1 })
    expect(await isPending(last)).toBe(true)
    work.resume()
    expect(await last).toBe('4')
  })

  test('gets what the broker sends again after a reconnect once', async () => {
    const { server, client, work, next } = await scene({})
    work.pause()
    server.publish('work', 'one', { qos: 1, messageId: 1 })
    await until(() => client.status.inbox.unprocessed === 1)
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await connected
    server.publish('work', 'one', { qos: 1, messageId: 1, dup: true })
    server.publish('work', 'two', { qos: 1, messageId: 2 })
    await until(() => client.status.inbox.heldBack === 2)
    work.resume()
    expect([await next(), await next()]).toEqual(['one', 'two'])
  })

  test('ends with its subscription, after what is held', async () => {
    const { server, client, work, next } = await scene({})
    work.pause()
    const texts = [next(), next()]
    server.publish('work', 'held', { qos: 1 })
    await until(() => client.status.inbox.unprocessed === 1)
    work.unsubscribe()
    expect(await Promise.all(texts)).toEqual(['held', undefined])
    expect([work.isPaused, client.status.inbox.unprocessed]).toEqual([false, 0])
  })

  test.each([
    [{ ack: 'on-receipt' }, 0, 1_500],
    [{ ack: 'on-receipt', bufferSize: 1_000 }, 500, 0],
    [{ bufferSize: 1_000 }, 500, 1_500],
  ] as const)('with %j drops %i of 1,500 messages of QoS 0', async (options, dropped, unprocessed) => {
    const { server, client, work, next } = await scene(options)
    work.pause()
    for (const n of range(1_500)) server.publish('work', `${n}`)
    await until(() => (dropped > 0 ? work.dropped === dropped : client.status.inbox.unprocessed === 1_500))
    await turns()
    expect(work.dropped).toBe(dropped)
    expect(client.status.inbox.unprocessed).toBe(unprocessed - (unprocessed > 0 ? dropped : 0))
    work.resume()
    for (const n of range(3)) expect(await next()).toBe(`${n + dropped}`)
  })
})
