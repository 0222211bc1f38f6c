import { describe, expect, it, onTestFinished } from 'vitest'

import type { Publication } from '../../src/session/outgoing/publication.ts'
import { realClock } from '../../src/shared/clock.ts'
import { deferred } from '../../src/shared/wait.ts'
import { LazyJournal } from '../../src/store/lazy-journal.ts'
import * as code from '../../src/store/level-journal.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { contentsOf, SpiedDatabase } from './journal-on.ts'

/** A journal whose code the test loads, and all its reports. */
function lazyJournal() {
  const database = new SpiedDatabase()
  const told: string[] = []
  const loads: { resolve: () => void; reject: (error: Error) => void }[] = []
  const journal: LazyJournal = new LazyJournal(
    {
      store: database,
      clock: realClock,
      flushTimeout: 60_000,
      generateClientId: () => 'generated',
      onRestored: () => void told.push('restored'),
      onStored: () => {},
      onRefused: (refused: Publication, error) => {
        told.push(`refused ${refused.topic}: ${error.problem}`)
        // Like the session.
        journal.settled(refused)
      },
      onError: (error) => void told.push(`error: ${error.problem}`),
    },
    () => {
      const { promise, resolve, reject } = deferred<typeof code>()
      loads.push({ resolve: () => resolve(code), reject })
      return promise
    },
  )
  onTestFinished(() => journal.close())
  return { journal, database, told, loads }
}

describe('before its code is loaded', () => {
  it('loads the code at once, and only once', async () => {
    const { journal, loads } = lazyJournal()
    expect(loads).toHaveLength(1)
    void journal.open()
    void journal.accepted(durablePublication('a'))
    loads[0]!.resolve()
    await journal.open()
    await journal.accepted(durablePublication('b'))
    expect(loads).toHaveLength(1)
  })

  it('keeps the order of calls before, during and after the load', async () => {
    const { journal, database, loads } = lazyJournal()
    const all = Array.from({ length: 50 }, (_, n) => durablePublication(`t/${n}`))
    const accepted: Promise<void>[] = []
    void journal.open()
    for (const [n, each] of all.entries()) {
      accepted.push(journal.accepted(each))
      if (n === 10) loads[0]!.resolve()
      await Promise.resolve()
    }
    journal.settled(all[0]!)
    await Promise.all(accepted)
    await journal.flush()
    expect(await contentsOf(database)).toEqual(all.slice(1).map(({ topic }) => `${topic} `))
  })

  it('accepts nothing before it is on disk', async () => {
    const { journal, database, loads } = lazyJournal()
    const accepted = journal.accepted(durablePublication('a')).then(() => contentsOf(database))
    loads[0]!.resolve()
    expect(await accepted).toEqual(['a '])
  })

  it('flushes earlier calls, and closes', async () => {
    const { journal, database, loads } = lazyJournal()
    void journal.accepted(durablePublication('a'))
    const closed = Promise.all([journal.flush(), journal.close()])
    loads[0]!.resolve()
    await closed
    expect(await contentsOf(database)).toEqual(['a '])
  })

  it('closes a store that is being opened', async () => {
    const { journal, told, loads } = lazyJournal()
    const opened = journal.open()
    const closed = journal.close()
    loads[0]!.resolve()
    await Promise.all([opened, closed])
    expect(told).toEqual(['restored'])
  })

  it('closes at once if there were no calls', async () => {
    const { journal, loads } = lazyJournal()
    await journal.flush()
    await journal.close()
    expect(loads).toHaveLength(1)
  })
})

describe('code that cannot be loaded', () => {
  it('rejects publications after reporting the error', async () => {
    const { journal, told, loads } = lazyJournal()
    const rejected = ['a', 'b'].map((topic) => rejection(journal.accepted(durablePublication(topic))))
    void Promise.all(rejected).then(() => told.push('rejected'))
    loads[0]!.reject(new Error('Failed to fetch'))
    for (const error of await Promise.all(rejected)) {
      expect(error).toMatchObject({ name: 'StoreError', problem: 'unavailable', cause: new Error('Failed to fetch') })
      expect(error.message).toBe('the store of the application could not be opened: Failed to fetch')
    }
    await Promise.resolve()
    expect(told).toEqual(['refused a: unavailable', 'refused b: unavailable', 'rejected'])
  })

  it('rejects open(), and is loaded again at the next use', async () => {
    const { journal, database, told, loads } = lazyJournal()
    const failed = rejection(journal.open())
    loads[0]!.reject(new Error('Failed to fetch'))
    expect(await failed).toMatchObject({ problem: 'unavailable' })
    expect(journal.clientId).toBeUndefined()

    const opened = journal.open()
    expect(loads).toHaveLength(2)
    loads[1]!.resolve()
    await opened
    expect(journal.clientId).toBe('generated')
    await journal.accepted(durablePublication('a'))
    expect(await contentsOf(database)).toEqual(['a '])
    expect(told).toEqual(['restored'])
  })

  it('is not reported while the journal is unused, and does not delay its close', async () => {
    const { journal, told, loads } = lazyJournal()
    loads[0]!.reject(new Error('Failed to fetch'))
    await Promise.resolve()
    const lost = rejection(journal.accepted(durablePublication('a')))
    const ended = Promise.all([journal.flush(), journal.close()])
    loads[1]!.reject(new Error('Failed to fetch'))
    await ended
    expect(await lost).toMatchObject({ problem: 'unavailable' })
    expect(told).toEqual(['refused a: unavailable'])
  })
})
