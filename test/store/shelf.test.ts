import { expect, it, test } from 'vitest'

import type { Publication } from '../../src/session/outgoing/publication.ts'
import type { Shelf } from '../../src/session/outgoing/shelf.ts'
import { realClock } from '../../src/shared/clock.ts'
import { LevelJournal, type LevelJournalOptions } from '../../src/store/level-journal.ts'
import { READ_AGAIN } from '../../src/store/stored-shelf.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { range } from '../support/range.ts'
import { startServer } from '../support/servers.ts'
import { contentsOf, createJournal, SpiedDatabase, startDurableClient } from './journal-on.ts'

/** A journal on a store with ten publications, of which it reads three at a time. */
async function openShelf(clock: LevelJournalOptions['clock'] = realClock) {
  const database = new SpiedDatabase()
  const { journal: earlier } = createJournal(database)
  await Promise.all(range(10).map((n) => earlier.accepted(durablePublication(`t/${n}`))))
  await earlier.close()
  return { database, ...(await reopen(database.reopened(), clock)) }
}

async function reopen(store: SpiedDatabase, clock: LevelJournalOptions['clock'] = realClock) {
  const errors: string[] = []
  let waiting: readonly Publication[] = []
  let shelf: Shelf | undefined
  const journal = new LevelJournal({
    store,
    clock,
    window: { messages: 3, bytes: 1_000 },
    generateClientId: () => 'generated',
    onRestored: (first, _inFlight, _quarantined, rest) => {
      waiting = first
      shelf = rest
    },
    onStored: () => {},
    onRefused: () => {},
    onError: ({ problem }) => void errors.push(problem),
  })
  await journal.open()
  if (!shelf) throw new Error('Nothing is left on disk')
  return { store, journal, errors, waiting, shelf }
}

const topicsOf = (publications: readonly Publication[]) => publications.map(({ topic }) => topic)

it('has what does not fit into memory, in order', async () => {
  const { journal, waiting, shelf } = await openShelf()
  expect(topicsOf(waiting)).toEqual(['t/0', 't/1', 't/2'])
  expect(shelf).toMatchObject({ size: 7, bytes: 7 * 3, isReady: true })
  expect(topicsOf(await shelf.take())).toEqual(['t/3', 't/4', 't/5'])
  expect(topicsOf(await shelf.take())).toEqual(['t/6', 't/7', 't/8'])
  expect(topicsOf(await shelf.take())).toEqual(['t/9'])
  expect(shelf).toMatchObject({ size: 0, bytes: 0, isEmpty: true, isReady: false })
  await journal.close()
})

it('takes at least one, however large it is', async () => {
  const database = new SpiedDatabase()
  const { journal: earlier } = createJournal(database)
  for (const n of range(3)) await earlier.accepted(durablePublication(`t/${n}`, { payload: 'x'.repeat(5_000) }))
  await earlier.close()
  const { journal, waiting, shelf } = await reopen(database.reopened())
  expect(topicsOf(waiting)).toEqual(['t/0'])
  expect(topicsOf(await shelf.take())).toEqual(['t/1'])
  await journal.close()
})

it('leaves everything to the next process that was not settled', async () => {
  const { store, journal, waiting, shelf } = await openShelf()
  const taken = await shelf.take()
  for (const each of [...waiting, taken[0]!]) journal.settled(each)
  await journal.accepted(durablePublication('new'))
  await journal.close()
  const next = await reopen(store.reopened())
  expect(topicsOf(next.waiting)).toEqual(['t/4', 't/5', 't/6'])
  expect(topicsOf([...(await next.shelf.take()), ...(await next.shelf.take())])).toEqual(['t/7', 't/8', 't/9', 'new'])
  await next.journal.close()
})

it('removes what is dropped from the store, before it is closed', async () => {
  const { store, journal, shelf } = await openShelf()
  const topic = shelf.remove(shelf.oldest()!)
  void shelf.remove(shelf.newest()!)
  expect(shelf.size).toBe(5)
  await journal.close()
  expect(await topic).toBe('t/3')
  expect(await contentsOf(store)).toEqual([0, 1, 2, 4, 5, 6, 7, 8].map((n) => `t/${n} `))
})

it('reports a failure to read once, and reads again after a pause', async () => {
  const clock = createTestClock()
  const { store, journal, errors, shelf } = await openShelf(clock)
  store.iterator = () => {
    throw new Error('input/output error')
  }
  for (const _ of range(2)) {
    const taking = shelf.take()
    await turns()
    expect(clock.pending).toBe(1)
    await clock.tickAsync(READ_AGAIN)
    expect(await taking).toEqual([])
  }
  expect(errors).toEqual(['corrupt'])
  expect(shelf.size).toBe(7)
  delete (store as { iterator?: unknown }).iterator
  expect(topicsOf(await shelf.take())).toEqual(['t/3', 't/4', 't/5'])
  await journal.close()
  expect(clock.pending).toBe(0)
})

it('passes over what was damaged meanwhile, reports it, and leaves it in the store', async () => {
  const { store, journal, errors, shelf } = await openShelf()
  await store.tamper((values) => {
    for (const [key, value] of values) if (Buffer.from(value).includes('t/4')) values.set(key, value.fill(0, 0, 3))
  })
  expect(topicsOf(await shelf.take())).toEqual(['t/3', 't/5'])
  expect(errors).toEqual(['corrupt'])
  await journal.close()
  const { journal: next } = createJournal(store.reopened())
  expect(await rejection(next.open())).toMatchObject({ problem: 'corrupt' })
})

test('a client delivers more than fits into memory in order, before its own publishes, and counts all of it', async () => {
  const database = new SpiedDatabase()
  const { journal: earlier } = createJournal(database)
  const count = 8_500
  await Promise.all(range(count).map((n) => earlier.accepted(durablePublication(`t/${n}`))))
  await earlier.close()

  const server = await startServer()
  const { client } = startDurableClient({ url: server.url, store: database.reopened() })
  const restored: unknown[] = []
  client.on('outboxRestored', (event) => void restored.push(event))
  void client.publish('own', '', { qos: 1 })
  const drained = new Promise<void>((resolve) => void client.on('drained', () => resolve()))
  let most = 0
  client.on('connected', () => void (most = client.outbox.size + client.outbox.inFlight))
  await client.connect()
  await drained
  expect(restored).toEqual([{ waiting: count, inFlight: 0 }])
  expect(most).toBeGreaterThan(count - 5_000)
  const arrived = server.received('publish').map((packet) => packet.topic)
  expect(arrived).toEqual([...range(count).map((n) => `t/${n}`), 'own'])
})
