import { describe, expect, it, test } from 'vitest'

import { StoreError, TimeoutError } from '../../src/index.ts'
import type { Publication } from '../../src/session/outgoing/publication.ts'
import { deferred } from '../../src/shared/wait.ts'
import { STORE_TIMEOUT } from '../../src/store/level-journal.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { contentsOf, journalOn, SpiedDatabase } from './journal-on.ts'

/** Part of each batch. */
const LEDGER = 1
/** Part of the first batch after the store was opened or compared. */
const HEADER = 1

const full = new Error('no space left on device')

describe('batches', () => {
  it('write all changes of a turn together', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    database.batches.length = 0

    const publications = Array.from({ length: 100 }, (_, n) => durablePublication(`t/${n}`))
    const accepted = publications.map((each) => journal.accepted(each))
    for (const [n, each] of publications.entries()) each.packetId = n + 1
    await Promise.all([...accepted, journal.sent(publications)])

    expect(database.batches.map(({ operations, sync }) => [operations.length, sync])).toEqual([[200 + LEDGER, true]])
  })

  it('write all changes during a write together after it', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    database.batches.length = 0
    const { promise, resolve } = deferred<void>()
    database.gate = promise

    const first = journal.accepted(durablePublication('first'))
    await turns(20)
    const others = ['second', 'third', 'fourth'].map(async (topic) => {
      await turns(20)
      await journal.accepted(durablePublication(topic))
    })
    await turns(20)
    expect(database.batches).toHaveLength(1)
    resolve()
    await Promise.all([first, ...others])

    expect(database.batches.map(({ operations }) => operations.length)).toEqual([1 + LEDGER, 3 + LEDGER])
    expect(await contentsOf(database)).toEqual(['first ', 'second ', 'third ', 'fourth '])
  })

  // IndexedDB stores the whole buffer of a value.
  it('give a database of the application values with buffers of their own', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await Promise.all(['a', 'b', 'c'].map((topic) => journal.accepted(durablePublication(topic))))
    const values = database.batches.flatMap(({ operations }) =>
      operations.map((each) => (each.type === 'put' ? each.value : undefined)),
    )
    expect(values.length).toBeGreaterThan(3)
    for (const value of values) expect(value?.buffer.byteLength).toBe(value?.byteLength)
  })

  it('resolve only when they are on disk', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    const order: string[] = []

    const accepted = journal.accepted(durablePublication('a')).then(() => order.push('accepted'))
    await turns(20)
    order.push('written')
    resolve()
    await accepted

    expect(order).toEqual(['written', 'accepted'])
  })

  it('sync only when it is necessary or requested', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    const done = durablePublication('a')
    await journal.accepted(done)
    database.batches.length = 0

    journal.settled(done)
    await turns(20)
    expect(database.batches.map(({ sync }) => sync)).toEqual([false])
    await journal.flush()
    expect(database.batches.map(({ sync }) => sync)).toEqual([false, true])
    await journal.flush()
    expect(database.batches).toHaveLength(2)
  })

  it('write a released publication again if its packet id has changed', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    const resent = durablePublication('a', { qos: 2 })
    resent.packetId = 1
    await Promise.all([journal.accepted(resent), journal.sent([resent])])
    resent.packetId = 2
    await journal.sent([resent])
    await journal.released(resent)
    expect(await contentsOf(database)).toEqual(['a ', 'released 2'])
    expect(journal.released(resent)).toBeUndefined()
  })
})

describe('the next process', () => {
  it('finds waiting publications and those in flight in order, and the client id', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((topic) =>
      durablePublication(topic, { qos: 2, payload: topic }),
    ) as [Publication, ...Publication[]]
    for (const [n, each] of [a, b!, c!].entries()) each.packetId = 40_000 - n
    void [a, b!, c!, d!, e!].map((each) => journal.accepted(each))
    void journal.sent([a, b!, c!])
    void journal.released(b!)
    journal.settled(d!)
    await journal.flush()

    const { journal: next, restored } = journalOn(database.reopened())
    await next.open()

    const [{ waiting, inFlight } = { waiting: [], inFlight: [] }] = restored
    expect(waiting.map(({ topic }) => topic)).toEqual(['e'])
    expect(inFlight.map(({ topic, phase, packetId }) => [topic, phase, packetId])).toEqual([
      ['a', 'sent', 40_000],
      ['b', 'released', 39_999],
      ['c', 'sent', 39_998],
    ])
    expect(next.clientId).toBe('generated')
    expect(waiting[0]).toMatchObject({
      durable: true,
      orphaned: true,
      qos: 2,
      payload: new Uint8Array(Buffer.from('e')),
    })
  })

  it('finds quarantined publications with their packet ids, and those that no longer are', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    const [waiting, sent, back, done] = ['waiting', 'sent', 'back', 'done'].map((topic) =>
      durablePublication(topic, { qos: 2 }),
    ) as [Publication, Publication, Publication, Publication]
    const all = [waiting, sent, back, done]
    await Promise.all(all.map((each) => journal.accepted(each)))
    expect(all.map(({ storeId }) => storeId)).toEqual([1, 2, 3, 4])
    sent.packetId = 40_000
    await journal.sent([sent])
    for (const each of all) journal.quarantined(each)
    journal.requeued(back)
    journal.settled(done)
    await journal.flush()

    const { journal: next, restored } = journalOn(database.reopened())
    await next.open()
    const { quarantined = [], ...others } = restored[0] ?? {}
    expect(quarantined).toMatchObject([
      { topic: 'waiting', quarantined: true, phase: 'waiting', packetId: 0, storeId: 1 },
      { topic: 'sent', quarantined: true, phase: 'sent', packetId: 40_000, storeId: 2 },
    ])
    expect(others).toMatchObject({ waiting: [{ topic: 'back', quarantined: false, storeId: 3 }], inFlight: [] })

    for (const each of quarantined) next.requeued(each)
    await next.flush()
    const { journal: third, restored: again } = journalOn(database.reopened())
    await third.open()
    expect(again[0]?.waiting.map(({ topic }) => topic)).toEqual(['waiting', 'back'])
    expect(again[0]?.inFlight.map(({ topic }) => topic)).toEqual(['sent'])
  })

  it('continues the sequence', async () => {
    const database = new SpiedDatabase()
    await journalOn(database).journal.accepted(durablePublication('a'))
    const second = journalOn(database.reopened()).journal
    await second.accepted(durablePublication('b'))
    await second.close()
    const { journal, restored } = journalOn(database.reopened())
    void journal.accepted(durablePublication('c'))
    await journal.flush()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect(await contentsOf(database)).toEqual(['a ', 'b ', 'c '])
  })

  test.each([
    ['sent', ['new'], ['old'], []],
    ['released', ['new'], [], ['old']],
  ] as const)(
    'gives a packet id to the newer of two publications: the older was %s',
    async (phase, inFlight, waiting, delivered) => {
      const database = new SpiedDatabase()
      const { journal } = journalOn(database)
      const older = durablePublication('old', { qos: 2 })
      const newer = durablePublication('new', { qos: 2 })
      older.packetId = newer.packetId = 7
      void journal.accepted(older)
      void journal.accepted(newer)
      void (phase === 'sent' ? journal.sent([older]) : journal.released(older))
      await journal.sent([newer])

      const { journal: next, restored } = journalOn(database.reopened())
      await next.open()
      expect(restored[0]?.inFlight.map(({ topic }) => topic)).toEqual(inFlight)
      expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(waiting)
      await next.flush()
      const topics = (await contentsOf(database)).map((line) => line.split(' ')[0])
      for (const topic of delivered) expect(topics).not.toContain(topic)
    },
  )
})

describe('a write that fails', () => {
  it('rejects the publications of the batch after reporting the error', async () => {
    const database = new SpiedDatabase()
    const { journal, told } = journalOn(database)
    await journal.open()
    database.failure = full

    let toldBefore: readonly string[] = []
    const accepted = journal.accepted(durablePublication('a'))
    const error = await rejection(accepted.finally(() => (toldBefore = [...told])))
    expect(toldBefore).toContain('refused a: write')
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ problem: 'write', cause: full })
    expect(error.message).toBe('the store of the application could not be written: no space left on device')

    database.failure = undefined
    await journal.accepted(durablePublication('b'))
    expect(await contentsOf(database)).toEqual(['b '])
  })

  it('delays no accepted publication, is reported once, and is repeated later', async () => {
    const database = new SpiedDatabase()
    const { journal, told } = journalOn(database)
    const [one, two] = [durablePublication('one', { qos: 2 }), durablePublication('two')]
    await Promise.all([journal.accepted(one), journal.accepted(two)])
    database.failure = full

    one.packetId = 1
    await journal.sent([one])
    await journal.released(one)
    journal.settled(two)
    await journal.flush()
    expect(told).toEqual(['error: write'])
    expect(await contentsOf(database)).toEqual(['one ', 'two '])

    database.failure = undefined
    await journal.flush()
    expect(await contentsOf(database)).toEqual(['one ', 'released 1'])
  })

  it('leaves no trace of a publication that it should accept and send', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    database.failure = full
    const refused = durablePublication('a')
    refused.packetId = 1
    await Promise.all([rejection(journal.accepted(refused)), journal.sent([refused])])

    database.failure = undefined
    await journal.accepted(durablePublication('b'))
    await journalOn(database.reopened()).journal.open()
    expect(await contentsOf(database)).toEqual(['b '])
  })

  it('keeps no memory of rejected publications, however many there were', async () => {
    const database = new SpiedDatabase()
    const { journal, told } = journalOn(database)
    await journal.accepted(durablePublication('before'))
    database.failure = full
    for (let n = 0; n < 100; n++) await rejection(journal.accepted(durablePublication(`refused/${n}`)))
    expect(database.batches.at(-1)?.operations).toHaveLength(1 + HEADER + LEDGER)
    expect(told.filter((line) => line.startsWith('error'))).toHaveLength(1)

    database.failure = undefined
    await journal.accepted(durablePublication('after'))
    await journal.close()
    expect(await contentsOf(database)).toEqual(['before ', 'after '])
  })

  it('does not affect the publication that replaced a rejected one when that settles', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    database.failure = full
    const refused = durablePublication('refused')
    const first = rejection(journal.accepted(refused)).finally(() => (database.failure = undefined))
    await turns(20)
    const second = journal.accepted(durablePublication('second'))
    journal.settled(refused)
    resolve()
    await Promise.all([first, second])
    await journal.flush()
    expect(await contentsOf(database)).toEqual(['second '])
  })

  it('leaves the store unchanged if it cannot be opened, and can be repeated', async () => {
    const database = new SpiedDatabase()
    database.failure = full
    const { journal, told } = journalOn(database)
    const accepted = rejection(journal.accepted(durablePublication('a')))
    expect(await rejection(journal.open())).toMatchObject({ problem: 'write' })
    expect(await accepted).toMatchObject({ problem: 'write' })
    expect(told).toEqual(['refused a: write'])
    expect(journal.clientId).toBeUndefined()

    database.failure = undefined
    await journal.accepted(durablePublication('b'))
    expect(await contentsOf(database)).toEqual(['b '])
  })
})

describe('a write that does not end', () => {
  /** A journal with an accepted publication, and a write under way that ends when the test wants it to. */
  async function stuck() {
    const clock = createTestClock()
    const database = new SpiedDatabase()
    const { journal, told } = journalOn(database, clock)
    const accepted = durablePublication('accepted')
    await journal.accepted(accepted)
    const { promise, resolve } = deferred<void>()
    database.gate = promise
    const late = rejection(journal.accepted(durablePublication('late')))
    await turns(20)
    const queued = rejection(journal.accepted(durablePublication('queued')))
    return { clock, database, journal, told, accepted, late, queued, resolve }
  }

  it('fails after a timeout together with everything that waits for it', async () => {
    const { clock, told, late, queued } = await stuck()
    await clock.tickAsync(STORE_TIMEOUT - 1)
    expect(told).toEqual([])
    await clock.tickAsync(1)
    for (const error of await Promise.all([late, queued])) {
      expect(error).toMatchObject({ code: 'STORE', problem: 'write' })
      expect(error.cause).toBeInstanceOf(TimeoutError)
    }
    expect(told).toEqual(['error: write', 'refused late: write', 'refused queued: write'])
    expect(clock.pending).toBe(0)
  })

  it('is followed by no other write, and later calls fail at once', async () => {
    const { clock, database, journal, accepted } = await stuck()
    await clock.tickAsync(STORE_TIMEOUT)
    const { length } = database.batches
    expect(await rejection(journal.accepted(durablePublication('next')))).toMatchObject({ problem: 'write' })
    accepted.packetId = 1
    await journal.sent([accepted])
    await journal.released(accepted)
    await journal.flush()
    await journal.close()
    expect(database.batches).toHaveLength(length)
  })

  test.each([
    ['written', undefined],
    ['failed', full],
  ])(
    'that is finally %s leaves no trace of rejected publications, and is followed by others',
    async (_name, failure) => {
      const { clock, database, journal, accepted, resolve } = await stuck()
      await clock.tickAsync(STORE_TIMEOUT)
      accepted.packetId = 1
      await journal.sent([accepted])
      database.failure = failure
      resolve()
      await Promise.resolve()
      await Promise.resolve()
      database.failure = undefined
      await turns(20)
      expect(await contentsOf(database)).toEqual(['accepted ', 'sent 1'])
      await journal.accepted(durablePublication('next'))
      expect(await contentsOf(database)).toEqual(['accepted ', 'next ', 'sent 1'])
    },
  )

  it('delays the close until its end', async () => {
    const { clock, database, journal, resolve } = await stuck()
    await clock.tickAsync(STORE_TIMEOUT)
    await journal.close()
    expect(await rejection(journalOn(database).journal.open())).toMatchObject({ problem: 'locked' })
    resolve()
    await turns(20)
    const { journal: next, restored } = journalOn(database)
    await next.open()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['accepted'])
  })

  it.each(['open', 'batch'] as const)('rejects open() if it happens during it, in %s', async (blocked) => {
    const clock = createTestClock()
    const database = new SpiedDatabase()
    database[blocked] = () => new Promise(() => {})
    const { journal, told } = journalOn(database, clock)
    const accepted = rejection(journal.accepted(durablePublication('a')))
    await clock.tickAsync(STORE_TIMEOUT)
    expect(await accepted).toMatchObject({ code: 'STORE', cause: { code: 'TIMEOUT' } })
    expect(told).toHaveLength(1)
  })
})
