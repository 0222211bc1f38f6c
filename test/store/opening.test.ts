import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { deferred } from '../../src/shared/wait.ts'
import { readLevelFolder } from '../../src/store/level-folder.ts'
import { StoreReader } from '../../src/store/read-store.ts'
import { handshakeRecord } from '../../src/store/records.ts'
import { inSlices, type Turns } from '../../src/store/slices.ts'
import { isPending, turns } from '../support/event-loop.ts'
import { durablePublication } from '../support/publication.ts'
import { range } from '../support/range.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { contentsAt, createJournal, SpiedDatabase } from './journal-on.ts'

/** An event loop in which each look at the clock takes a millisecond. `onTurn` is called instead of a turn. */
function slowClock(onTurn: () => void | Promise<void>): Turns {
  let now = 0
  return { now: () => ++now, next: async () => await onTurn() }
}

/** Resolves with the path of a closed store with so many publications. */
async function storeWith(publications: number): Promise<string> {
  const path = join(temporaryFolder(), 'store')
  const { journal } = createJournal(path)
  await Promise.all(range(publications).map((n) => journal.accepted(durablePublication(`t/${n}`))))
  await journal.close()
  return path
}

describe('reading a folder', () => {
  /** Ten steps of a millisecond, each of at most 256 entries. */
  const MOST = 10 * 256

  it('gives the event loop a turn after each slice', async () => {
    const path = await storeWith(6_000)
    const slices: number[] = []
    let visited = 0
    const onTurn = () => {
      slices.push(visited)
      visited = 0
    }
    await readLevelFolder(path, () => visited++, slowClock(onTurn))
    expect(slices.length).toBeGreaterThanOrEqual(2)
    expect(Math.max(...slices, visited)).toBeLessThanOrEqual(MOST)
  })

  it('continues only after the turn', async () => {
    const path = await storeWith(3_000)
    const began = deferred<void>()
    const turn = deferred<void>()
    const onTurn = () => {
      began.resolve()
      return turn.promise
    }
    let visited = 0
    const reading = readLevelFolder(path, () => visited++, slowClock(onTurn))
    await began.promise
    const before = visited
    await turns()
    expect(visited).toBe(before)
    turn.resolve()
    expect(await reading).toBe(true)
    expect(visited).toBeGreaterThan(before)
  })

  it('gives it turns while it decodes what was in flight, too', async () => {
    const reader = new StoreReader()
    for (const n of range(1_000)) {
      const { key, value } = handshakeRecord(n + 1, { phase: 'sent', packetId: n + 1 })
      reader.addVersion(key, n, value)
    }
    let taken = 0
    const records = await inSlices(
      reader.finishing(),
      slowClock(() => void taken++),
    )
    expect(taken).toBe(100)
    expect(records.handshakes.size).toBe(1_000)
  })
})

describe('while a store is opened', () => {
  it('a publish is accepted, and comes after those that are in the store', async () => {
    const path = await storeWith(1_500)
    const { journal, restored } = createJournal(path)
    const opening = journal.open()
    const accepted: Promise<void>[] = []
    do {
      accepted.push(journal.accepted(durablePublication(`during/${accepted.length}`)))
    } while (await isPending(opening))
    await Promise.all([opening, ...accepted])
    const before = range(1_500).map((n) => `t/${n}`)
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(before)
    await journal.close()
    const during = range(accepted.length).map((n) => `during/${n}`)
    expect(await contentsAt(path)).toEqual([...before, ...during].map((topic) => `${topic} `))
  })

  it('more publications in flight than one part holds keep their order and packet ids', async () => {
    const database = new SpiedDatabase()
    const { journal: earlier } = createJournal(database)
    const all = range(2_500).map((n) => durablePublication(`t/${n}`))
    await Promise.all(all.map((each) => earlier.accepted(each)))
    for (const [n, each] of all.entries()) {
      each.phase = 'sent'
      each.packetId = n + 1
    }
    await earlier.sent(all)
    await earlier.close()

    const next = database.reopened()
    const { journal, restored } = createJournal(next)
    await journal.open()
    expect(restored[0]?.waiting).toEqual([])
    expect(restored[0]?.inFlight.map(({ topic, packetId }) => [topic, packetId])).toEqual(
      range(2_500).map((n) => [`t/${n}`, n + 1]),
    )
    // Nothing but the header and the ledger was written.
    expect(next.batches.map(({ operations }) => operations.length)).toEqual([2])
    await journal.close()
  })

  it('close() ends both, and the store is free and complete', async () => {
    const path = await storeWith(2_000)
    const { journal } = createJournal(path)
    const opening = journal.open()
    const accepted = journal.accepted(durablePublication('during'))
    await journal.close()
    await Promise.all([opening, accepted])
    expect(await contentsAt(path)).toEqual([...range(2_000).map((n) => `t/${n} `), 'during '])
  })
})
