import { describe, expect, onTestFinished, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns } from '../support/event-loop.ts'
import { objectingBroker, steady, type Objection } from '../support/objecting-broker.ts'
import { range } from '../support/range.ts'
import { startServer } from '../support/servers.ts'
import { contentsOf, SpiedDatabase } from './journal-on.ts'

const durable = { qos: 1, durable: true } as const

/** One process: a client with a store, on its own clock. */
function startProcess(url: string, store: SpiedDatabase) {
  const clock = createTestClock()
  const client = new ResilientMqttClient({
    url,
    store,
    clock,
    now: clock.now,
    random: () => 0.5,
    options: { clean: false, clientId: 'test' },
    timeouts: { disconnectTimeout: 100 },
    ...steady,
  })
  const quarantined: string[] = []
  const failed: unknown[] = []
  client.on('publishQuarantined', ({ topic }) => quarantined.push(topic))
  client.on('error', ({ error }) => failed.push(error))
  const until = async (look: () => unknown, most = 600_000) => {
    const end = clock.now() + most
    while (!look()) {
      if (clock.now() > end) throw new Error(`Not within ${most} ms: ${String(look)}`)
      await turns(12)
      clock.tick(250)
    }
  }
  let ended: Promise<void> | undefined
  const end = () => {
    ended ??= (async () => {
      let done = false
      const disposing = client[Symbol.asyncDispose]().then(() => (done = true))
      await until(() => done)
      await disposing
    })()
    return ended
  }
  onTestFinished(end)
  const begin = () => void client.connect().catch(() => {})
  return { client, quarantined, failed, until, end, begin, clock }
}

async function sickServer(how: Objection, isBad: (topic: string) => boolean) {
  const server = await startServer({ script: objectingBroker({ publish: isBad, how }) })
  /** The number of different messages that the broker accepted. */
  const count = () => {
    const taken = server.received('publish').filter(({ topic }) => !isBad(topic))
    return new Set(taken.map(({ payload }) => String(payload))).size
  }
  return { server, count }
}

describe.each(['close', 'reset'] as const)('a durable publish on which the broker %ss', (how) => {
  test('stops none of three processes in a row, however short their lives', async () => {
    const { server, count } = await sickServer(how, (topic) => topic === 'bad')
    let store = new SpiedDatabase()
    const first = startProcess(server.url, store)
    for (const i of range(100)) first.client.publish(i === 50 ? 'bad' : 'good', `${i}`, durable).catch(() => {})
    first.begin()
    await first.until(() => first.clock.now() > 2_000)
    await first.end()
    for (let n = 2; n <= 3; n++) {
      store = store.reopened()
      const next = startProcess(server.url, store)
      for (const i of range(10)) next.client.publish('good', `${n} ${i}`, durable).catch(() => {})
      next.begin()
      await next.until(() => next.client.outbox.size + next.client.outbox.inFlight === 1, 20_000)
      expect(next.client.outbox.suspended).toBe(1)
      expect(next.failed).toEqual([])
      await next.end()
    }
    expect(count()).toBe(99 + 20)
    const left = (await contentsOf(store.reopened())).filter((line) => !line.startsWith('sent'))
    expect(left).toEqual(['bad 50'])
  })

  test('is quarantined after a proof over several processes, and can be listed, retried and dropped', async () => {
    let sick = true
    const { server } = await sickServer(how, (topic) => sick && topic.startsWith('bad'))
    let store = new SpiedDatabase()
    const first = startProcess(server.url, store)
    const outcomes: string[] = []
    for (const topic of ['bad/1', 'bad/2']) {
      first.client.publish(topic, 'x', durable).catch((error: Error) => outcomes.push(`${topic} ${error.name}`))
    }
    first.begin()
    let n = 0
    await first.until(() => {
      if (n++ % 20 === 0) first.client.publish('good', '', { qos: 1 }).catch(() => {})
      return first.quarantined.length === 2
    }, 3_600_000)
    expect(outcomes.toSorted()).toEqual(['bad/1 PoisonPacketError', 'bad/2 PoisonPacketError'])
    const list = first.client.quarantine.list()
    expect(list.map(({ topic }) => topic).toSorted()).toEqual(['bad/1', 'bad/2'])
    expect(first.client.status.outbox).toMatchObject({ suspended: 0, quarantined: 2 })
    await first.end()

    store = store.reopened()
    const second = startProcess(server.url, store)
    second.begin()
    const sent = server.received('publish').length
    await second.until(() => second.client.status.state === 'connected')
    await second.until(() => second.clock.now() > 60_000)
    expect(server.received('publish').length, 'none is sent').toBe(sent)
    const again = second.client.quarantine.list()
    expect(again).toMatchObject([
      { topic: 'bad/1', qos: 1, retain: false },
      { topic: 'bad/2', qos: 1, retain: false },
    ])
    expect(new Set(again.map(({ id }) => id))).toEqual(new Set(list.map(({ id }) => id)))
    sick = false
    const [one, two] = again.map(({ id }) => id)
    expect(second.client.quarantine.retry(one ?? 0)).toBe(true)
    expect(second.client.quarantine.retry(one ?? 0)).toBe(false)
    await second.until(() => server.received('publish').length > sent)
    await second.until(() => second.client.outbox.inFlight + second.client.outbox.size === 0)
    expect(second.client.quarantine.drop(two ?? 0)).toBe(true)
    expect(second.client.quarantine.drop(two ?? 0)).toBe(false)
    expect(second.client.outbox).toMatchObject({ size: 0, inFlight: 0, quarantined: 0 })
    await second.end()
    expect(await contentsOf(store.reopened())).toEqual([])
  })
})

test('keeps every durable publish in the store while a broker closes on PUBLISH for ten minutes', async () => {
  let sick = true
  const { server, count } = await sickServer('close', () => sick)
  const { client, until, begin, quarantined, clock, failed } = startProcess(server.url, new SpiedDatabase())
  for (const i of range(30)) client.publish('a', `${i}`, durable).catch((error: unknown) => failed.push(error))
  begin()
  await until(() => clock.now() >= 600_000, 700_000)
  sick = false
  await until(() => client.outbox.size + client.outbox.inFlight === 0)
  expect([quarantined, failed]).toEqual([[], []])
  expect(count()).toBe(30)
})

test('rejects an id that is not a number', () => {
  const { client } = startProcess('mqtt://127.0.0.1:1', new SpiedDatabase())
  expect(() => client.quarantine.drop('1' as never)).toThrow('id must be a number, as in quarantine.list(), got "1"')
  expect(client.quarantine.list()).toEqual([])
})
