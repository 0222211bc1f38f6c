import { describe, expect, test } from 'vitest'

import { Outbox, type OutboxBounds } from '../../src/session/outgoing/outbox.ts'
import type { Publication, PublicationInit } from '../../src/session/outgoing/publication.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { nameOf, outcomes } from '../support/promises.ts'
import { publication } from '../support/publication.ts'
import { range } from '../support/range.ts'
import { scriptedClient, sessionIs, told } from '../support/scripted-client.ts'

/** An outbox, and the outcomes of its publications, such as `a: OutboxOverflowError`. */
function outboxScene(options: Partial<OutboxBounds> = {}) {
  const log: string[] = []
  const outbox = new Outbox({ maxMessages: 3, maxBytes: 1_000, overflow: 'reject', ...options }, () => {})
  const logged = (topic: string, init: Partial<PublicationInit> = {}) =>
    publication(topic, { reject: (error) => log.push(`${topic}: ${nameOf(error)}`), ...init })
  const add = (topic: string, init?: Partial<PublicationInit>) => {
    const added = logged(topic, init)
    try {
      outbox.add(added)
    } catch (error) {
      log.push(`${topic}: ${nameOf(error)}`)
      added.phase = 'settled'
    }
    return added
  }
  const waiting = () =>
    outbox
      .waiting()
      .map(({ topic }) => topic)
      .join('')
  return { outbox, log, add, logged, waiting }
}

describe('the bounds of the outbox', () => {
  test.each([
    ['reject', {}, 'abc', ['d: OutboxOverflowError', 'e: OutboxOverflowError']],
    ['drop-oldest', {}, 'cde', ['a: OutboxOverflowError', 'b: OutboxOverflowError']],
    ['drop-newest', {}, 'abe', ['c: OutboxOverflowError', 'd: OutboxOverflowError']],
    ['reject', { maxMessages: 9, maxBytes: 3 }, 'abc', ['d: OutboxOverflowError', 'e: OutboxOverflowError']],
    ['drop-oldest', { maxMessages: 9, maxBytes: 3 }, 'cde', ['a: OutboxOverflowError', 'b: OutboxOverflowError']],
    ['drop-newest', { maxMessages: 9, maxBytes: 3 }, 'abe', ['c: OutboxOverflowError', 'd: OutboxOverflowError']],
    ['drop-oldest', { maxMessages: 0 }, '', range(5).map((i) => `${'abcde'[i]}: OutboxOverflowError`)],
  ] as const)('%s %o: %s waits', (overflow, bounds, waits, log) => {
    const { outbox, add, waiting, log: actual } = outboxScene({ overflow, ...bounds })
    for (const topic of 'abcde') add(topic)
    expect(waiting()).toBe(waits)
    expect(outbox).toMatchObject({ size: waits.length, bytes: waits.length })
    expect(actual.toSorted()).toEqual(log)
  })

  test.each(['drop-oldest', 'drop-newest'] as const)(
    '%s: a publish that can never fit displaces no other',
    (overflow) => {
      const { add, waiting, log } = outboxScene({ overflow, maxBytes: 10 })
      for (const topic of 'ab') add(topic)
      add('big', { payload: 'x'.repeat(10) })
      expect(waiting()).toBe('ab')
      expect(log).toEqual(['big: OutboxOverflowError'])
    },
  )

  test.each(['drop-oldest', 'drop-newest'] as const)('%s: a large publish displaces several', (overflow) => {
    const { outbox, add, log } = outboxScene({ overflow, maxMessages: 10, maxBytes: 10 })
    for (const topic of 'abcdefgh') add(topic)
    add('i', { payload: 'x'.repeat(6) })
    expect(outbox.bytes).toBe(10)
    expect(log).toHaveLength(5)
  })

  test.each(['drop-oldest', 'drop-newest', 'reject'] as const)(
    '%s: no trace of removed publishes remains',
    (overflow) => {
      const { outbox, add, waiting } = outboxScene({ overflow })
      for (const i of range(10_000)) add(String(i % 10), { latest: i % 2 ? 'odd' : 'even' })
      for (const i of range(10_000)) add(String(i % 10))
      expect(outbox.size).toBe(waiting().length)
      let left = 0
      for (let next = outbox.peek(0); next; next = outbox.peek(0)) {
        outbox.shift(next)
        left++
      }
      expect(left).toBe(3)
      expect(outbox).toMatchObject({ size: 0, bytes: 0 })
    },
  )
})

describe('`latest`', () => {
  test('keeps only the newest publish of a key, in its own place', () => {
    const { add, waiting, log } = outboxScene()
    add('a', { latest: 'k' })
    add('b')
    add('c', { latest: 'k' })
    expect(waiting()).toBe('bc')
    expect(log).toEqual(['a: PublishSupersededError'])
  })

  test('keeps the previous publish if the new one does not fit', () => {
    const { add, waiting, log } = outboxScene({ maxBytes: 5 })
    add('a', { latest: 'k' })
    add('b', { latest: 'k', payload: 'x'.repeat(9) })
    expect(waiting()).toBe('a')
    expect(log).toEqual(['b: OutboxOverflowError'])
  })

  test('uses the space of the previous publish', () => {
    const { add, waiting, log } = outboxScene({ maxMessages: 1 })
    add('a', { latest: 'k' })
    add('b', { latest: 'k' })
    expect(waiting()).toBe('b')
    expect(log).toEqual(['a: PublishSupersededError'])
  })

  test('keeps the newer publish when an older one returns from a lost session', () => {
    const { outbox, add, logged, waiting, log } = outboxScene()
    add('d', { latest: 'k' })
    const back = ['a', 'b', 'c'].map((topic) => logged(topic, { latest: topic === 'b' ? undefined : 'k' }))
    outbox.addFirst(back)
    expect(waiting()).toBe('bd')
    add('e', { latest: 'k' })
    expect(waiting()).toBe('be')
    expect(log.toSorted()).toEqual(['a', 'c', 'd'].map((topic) => `${topic}: PublishSupersededError`))
  })
})

describe('a publish that a durable one displaces', () => {
  const durable = { durable: true }
  const key = { latest: 'k' }

  /** The results of the durable ones, in order: `+b` is written, `-b` is refused. */
  function settle(outbox: Outbox, publications: Record<string, Publication>, happening: readonly string[]) {
    for (const [what, topic = ''] of happening) {
      const each = publications[topic] as Publication
      if (what === '+') outbox.stored(each)
      else outbox.remove(each, new Error('refused'))
    }
  }

  test.each([
    ['latest', [], 'c', '', []],
    ['latest', ['+b'], 'c', '', ['a: PublishSupersededError']],
    ['latest', ['+b', '+c'], 'c', 'c', ['a: PublishSupersededError', 'b: PublishSupersededError']],
    ['latest', ['+c'], 'c', 'c', ['b: PublishSupersededError', 'a: PublishSupersededError']],
    ['latest', ['-b'], 'c', '', ['b: Error']],
    ['latest', ['-b', '-c'], 'a', 'a', ['b: Error', 'c: Error']],
    ['latest', ['-b', '+c'], 'c', 'c', ['b: Error', 'a: PublishSupersededError']],
    ['latest', ['+b', '-c'], 'b', 'b', ['a: PublishSupersededError', 'c: Error']],
    ['latest', ['-c', '-b'], 'a', 'a', ['c: Error', 'b: Error']],
    ['drop-newest', ['-b', '-c'], 'a', 'a', ['b: Error', 'c: Error']],
    ['drop-newest', ['+b', '+c'], 'c', 'c', ['a: OutboxOverflowError', 'b: OutboxOverflowError']],
    ['drop-oldest', ['-b', '-c'], 'a', 'a', ['b: Error', 'c: Error']],
    ['drop-oldest', ['+b', '-c'], 'b', 'b', ['a: OutboxOverflowError', 'c: Error']],
  ] as const)('leaves when that is written: %s, %j', (why, happening, counts, next, expected) => {
    const { outbox, add, waiting, log } = outboxScene(why === 'latest' ? {} : { maxMessages: 1, overflow: why })
    const a = add('a', why === 'latest' ? key : {})
    const b = add('b', { ...durable, ...(why === 'latest' && key) })
    const c = add('c', { ...durable, ...(why === 'latest' && key) })
    settle(outbox, { a, b, c }, happening)
    expect(log).toEqual(expected)
    expect(outbox).toMatchObject({ size: 1, bytes: 1 })
    expect(outbox.peek(0)?.topic ?? '').toBe(next)
    expect(waiting()).toContain(counts)
  })

  test('holds later publishes back until the write is certain, to keep the order', () => {
    const { outbox, add } = outboxScene()
    add('a', key)
    add('x')
    const b = add('b', { ...durable, ...key })
    expect(outbox.peek(0)).toBeUndefined()
    outbox.stored(b)
    expect(outbox.peek(0)?.topic).toBe('x')
  })

  test('still expires and can be aborted', () => {
    const { outbox, add, log } = outboxScene()
    const a = add('a', { ...key, expiresAt: 5 })
    add('b', { ...durable, ...key })
    outbox.expire(5)
    outbox.remove(a, new Error('aborted'))
    expect(log).toEqual(['a: PublishExpiredError'])
    expect(outbox).toMatchObject({ size: 1, bytes: 1 })
  })

  test('is superseded by a publish that is not durable if the one between them is not on disk', () => {
    const { outbox, add, log, waiting } = outboxScene()
    add('a', key)
    add('b', { ...durable, ...key })
    add('c', key)
    expect(log).toEqual(['b: PublishSupersededError', 'a: PublishSupersededError'])
    expect(waiting()).toBe('c')
    expect(outbox).toMatchObject({ size: 1, bytes: 1 })
  })

  test('waits for a newer one after it returns from a lost session', () => {
    const { outbox, add, logged, log } = outboxScene()
    const newer = add('b', { ...durable, ...key })
    outbox.addFirst([logged('a', { ...durable, ...key })])
    expect(log).toEqual([])
    outbox.stored(newer)
    expect(log).toEqual(['a: PublishSupersededError'])
    outbox.addFirst([logged('0', { ...durable, ...key })])
    expect(log).toEqual(['a: PublishSupersededError', '0: PublishSupersededError'])
  })

  test.each(['drop-oldest', 'drop-newest', 'reject'] as const)('%s: leaves no trace', (overflow) => {
    const { outbox, add } = outboxScene({ overflow })
    const added = range(1_000).map((i) => add(String(i % 10), { ...durable, ...(i % 3 && key) }))
    for (const [i, each] of added.entries()) {
      if (i % 7) outbox.stored(each)
      else outbox.remove(each, new Error('refused'))
    }
    for (let next = outbox.peek(0); next; next = outbox.peek(0)) outbox.shift(next)
    expect(outbox).toMatchObject({ size: 0, bytes: 0 })
    expect(outbox.waiting()).toEqual([])
  })
})

describe('the outbox of a client', () => {
  test('rejects expired publishes in time while offline, by the clock', async () => {
    const clock = createTestClock()
    const { client } = await scriptedClient({ clock, now: clock.now })
    const ends: string[] = []
    for (const [name, ttl] of [
      ['b', 2_000],
      ['a', 1_000],
      ['month', 30 * 86_400_000],
    ] as const) {
      client.publish('a', name, { ttl }).catch((error: unknown) => ends.push(`${name} ${clock.now()} ${nameOf(error)}`))
    }
    void client.publish('a', 'for ever').catch(() => {})
    await clock.tickAsync(31 * 86_400_000)
    expect(ends).toEqual([
      'a 1000 PublishExpiredError',
      'b 2000 PublishExpiredError',
      `month ${30 * 86_400_000} PublishExpiredError`,
    ])
    expect(client.outbox.size).toBe(1)
  })

  test('treats the Message Expiry Interval as a time to live, and sends it reduced by the waiting time', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      clock,
      now: clock.now,
      script: sessionIs(true, { puback: false }, {}),
    })
    const published = [10, 100].map((messageExpiryInterval) =>
      client.publish('a', '', { qos: 1, properties: { messageExpiryInterval, contentType: 'text' } }),
    )
    const settled = outcomes(published)
    clock.tick(30_500)
    await client.connect()
    await server.waitFor('publish')
    clock.tick(5_000)
    server.kick()
    await until(() => (clock.tick(1), server.received('publish').length === 2))
    expect(server.received('publish').map(({ properties }) => properties)).toEqual([
      { messageExpiryInterval: 70, contentType: 'text' },
      { messageExpiryInterval: 65, contentType: 'text' },
    ])
    expect(await settled).toEqual(['PublishExpiredError', 'done'])
  })

  test('still expires publishes in time after they return from a lost session', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      clock,
      now: clock.now,
      script: [{ puback: false }, { suback: false }],
      timeouts: { subscribeTimeout: 2_000_000 },
    })
    await client.connect()
    const settled = outcomes([client.publish('a', '', { qos: 1, ttl: 60_000 })])
    await server.waitFor('publish')
    client.subscribe('never/granted', () => {})
    server.kick()
    await until(() => (clock.tick(1), server.connections.length === 2 && client.outbox.size === 1))
    clock.tick(60_000)
    expect(await settled).toEqual(['PublishExpiredError'])
  })

  test('drains only after the restore', async () => {
    const { server, client } = await scriptedClient({ script: { suback: false } })
    client.subscribe('a', () => {})
    const published = client.publish('a', '', { qos: 1 })
    const connecting = client.connect()
    await server.waitFor('subscribe')
    await turns()
    expect(client.outbox.size).toBe(1)
    server.current!.behaviour = {}
    server.send({ cmd: 'suback', messageId: 1, granted: [0] })
    await connecting
    await published
    expect(told(server, 1)).toEqual(['connect', 'subscribe 1', 'publish  2'])
  })

  test.each([
    ['reject', 'DisconnectedError', []],
    ['keep', 'done', ['publish kept 2']],
  ] as const)('disconnect(): what cannot be drained in time, with %s', async (outbox, outcome, sent) => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({ clock, now: clock.now, script: [{ puback: false }, {}] })
    await client.connect()
    const settled = outcomes([client.publish('a', 'kept', { qos: 1 })])
    await server.waitFor('publish')
    const disconnected = client.disconnect({ drainTimeout: 1_000, outbox })
    clock.tick(1_000)
    await disconnected
    await client.connect()
    expect(await settled).toEqual([outcome])
    expect(told(server, 2, 'publish')).toEqual(sent)
  })

  test('drains at disconnect() also if the subscriptions are being restored', async () => {
    const { server, client } = await scriptedClient({ script: { suback: false } })
    client.subscribe('a', () => {})
    const settled = outcomes([client.publish('a', '', { qos: 1 }), client.connect()])
    await server.waitFor('subscribe')
    const disconnected = client.disconnect()
    await turns()
    expect(told(server, 1, 'publish', 'disconnect')).toEqual([])
    server.send({ cmd: 'suback', messageId: 1, granted: [0] })
    await disconnected
    expect((await settled)[0]).toBe('done')
    expect(told(server, 1)).toEqual(['connect', 'subscribe 1', 'publish  2', 'disconnect'])
  })

  test('drains as much as possible at disconnect()', async () => {
    const { server, client } = await scriptedClient({ script: { connack: { properties: { receiveMaximum: 1 } } } })
    await client.connect()
    const settled = outcomes(range(20).map(() => client.publish('a', '', { qos: 2 })))
    await client.disconnect()
    expect(new Set(await settled)).toEqual(new Set(['done']))
    expect(told(server, 1).at(-1)).toBe('disconnect')
  })
})
